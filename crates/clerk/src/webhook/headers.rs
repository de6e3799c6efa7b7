//! The three headers that make a request a delivery.

use super::SignatureError;

/// Header names of Svix's own brand, then of Standard Webhooks, which white-labelled senders use.
const FAMILIES: [[&str; 3]; 2] =
    [["svix-id", "svix-timestamp", "svix-signature"], ["webhook-id", "webhook-timestamp", "webhook-signature"]];

/// Id, time and signatures of a delivery, still as sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeliveryHeaders<'a> {
    /// `svix-id`.
    pub id: &'a str,
    /// `svix-timestamp`: Unix seconds of this attempt, in decimal digits.
    pub timestamp: &'a str,
    /// `svix-signature`: `v1,<base64>`, several separated by spaces.
    pub signatures: &'a str,
}

impl<'a> DeliveryHeaders<'a> {
    /// Takes the `svix-*` headers, or else the `webhook-*` ones. The two are never mixed: a sender writes one family, and
    /// what fills a gap from the other was added by somebody else.
    ///
    /// `lookup` is asked with lowercase names.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<&'a str>) -> Result<Self, SignatureError> {
        let found = FAMILIES.map(|names| names.map(&lookup));
        for family in found {
            if let [Some(id), Some(timestamp), Some(signatures)] = family {
                return Ok(Self { id, timestamp, signatures });
            }
        }
        // What is missing is said of the family that the sender began; Svix's when there is nothing at all.
        let [svix, standard] = found.map(|family| family.iter().flatten().count());
        let begun = if standard > svix { 1 } else { 0 };
        let missing = FAMILIES[begun].into_iter().zip(found[begun]).filter(|(_, value)| value.is_none());
        Err(SignatureError::MissingHeader { missing: missing.map(|(name, _)| name).collect() })
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::DeliveryHeaders;

    fn take(present: &[&'static str]) -> Result<DeliveryHeaders<'static>, String> {
        let present = present.to_vec();
        DeliveryHeaders::from_lookup(|name| present.iter().find(|other| **other == name).copied())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn svix_headers_win_over_standard_ones() {
        let svix = DeliveryHeaders { id: "svix-id", timestamp: "svix-timestamp", signatures: "svix-signature" };
        let standard =
            DeliveryHeaders { id: "webhook-id", timestamp: "webhook-timestamp", signatures: "webhook-signature" };
        let names = |headers: DeliveryHeaders<'static>| [headers.id, headers.timestamp, headers.signatures];
        assert_eq!(take(&names(svix)), Ok(svix));
        assert_eq!(take(&names(standard)), Ok(standard));
        assert_eq!(take(&[names(standard), names(svix)].concat()), Ok(svix));
    }

    #[test]
    fn the_families_are_never_mixed() {
        let mixed = take(&["svix-id", "svix-timestamp", "webhook-signature"]);
        assert_snapshot!(mixed.unwrap_err(), @"webhook is not signed: no header `svix-signature`");
    }

    #[test]
    fn the_error_lists_what_is_missing() {
        assert_snapshot!(take(&[]).unwrap_err(), @"webhook is not signed: no header `svix-id`, `svix-timestamp`, `svix-signature`");
        assert_snapshot!(take(&["svix-timestamp"]).unwrap_err(), @"webhook is not signed: no header `svix-id`, `svix-signature`");
        assert_snapshot!(take(&["webhook-id", "webhook-signature"]).unwrap_err(), @"webhook is not signed: no header `webhook-timestamp`");
    }
}
