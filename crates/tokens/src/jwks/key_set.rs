//! A JSON Web Key Set, reduced to the keys that may sign a Clerk token.
//!
//! A set may hold keys of other kinds and for other uses. Those are passed over, one by one: an odd neighbour must not
//! cost us the key we need. A set without a single usable key is an error, for accepting it would lock everybody out.
//!
//! Clerk names a key by its instance, so while it is rotated the old and the new one may stand under one id (RFC 7517
//! §4.5 only advises against that). Both count.

use std::collections::BTreeMap;

use clerk::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::RsaKey;

/// The usable keys of one set, by `kid`.
pub(crate) struct KeySet {
    keys: BTreeMap<String, Vec<RsaKey>>,
    pub(crate) fetched_at: Timestamp,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Member {
    kty: String,
    kid: String,
    n: String,
    e: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
}

impl KeySet {
    /// Reads a set; the error says why nothing in it can be used, and repeats nothing of it.
    pub(crate) fn parse(text: &str, fetched_at: Timestamp) -> Result<Self, String> {
        let document: Document<'_> = serde_json::from_str(text).map_err(|error| {
            let found = if error.is_data() { "JSON of another form" } else { "no JSON" };
            let (line, column) = (error.line(), error.column());
            format!("expected a JSON object with a list of `keys`, found {found} (line {line}, column {column})")
        })?;
        let total = document.keys.len();
        let mut keys: BTreeMap<String, Vec<RsaKey>> = BTreeMap::new();
        for (key_id, key) in document.keys.into_iter().filter_map(usable) {
            keys.entry(key_id).or_default().push(key);
        }
        if keys.is_empty() {
            return Err(format!(
                "none of its {total} keys is a sound RSA signing key of 2048 to 8192 bits with a `kid`"
            ));
        }
        Ok(Self { keys, fetched_at })
    }

    /// The keys of this id: none, one, or several while it is rotated.
    pub(crate) fn get(&self, key_id: &str) -> &[RsaKey] {
        self.keys.get(key_id).map_or(&[], Vec::as_slice)
    }

    /// The known key ids, sorted, for messages: `` `ins_a`, `ins_b` ``.
    pub(crate) fn listed(&self) -> String {
        self.keys.keys().map(|id| format!("`{}`", id.escape_debug())).collect::<Vec<_>>().join(", ")
    }
}

fn usable(raw: &RawValue) -> Option<(String, RsaKey)> {
    let member: Member = serde_json::from_str(raw.get()).ok()?;
    let signs = member.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
    let rs256 = member.alg.as_deref().is_none_or(|algorithm| algorithm == "RS256");
    if member.kty != "RSA" || member.kid.is_empty() || !signs || !rs256 {
        return None;
    }
    Some((member.kid, RsaKey::from_components(&member.n, &member.e)?))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use insta::assert_snapshot;

    use super::*;

    /// A usable key, some of its members replaced or added: `"use":"enc"`.
    fn key(kid: &str, first_byte: u8, more: &str) -> String {
        let mut modulus = [0xff; 256];
        modulus[0] = first_byte;
        format!(r#"{{"kty":"RSA","kid":"{kid}","n":"{}","e":"AQAB"{more}}}"#, URL_SAFE_NO_PAD.encode(modulus))
    }

    fn parse(keys: &str) -> Result<KeySet, String> {
        KeySet::parse(&format!(r#"{{"keys":[{keys}]}}"#), Timestamp::from_millis(0))
    }

    #[test]
    fn an_odd_neighbour_does_not_cost_the_good_key() {
        let good = key("ins_a", 0xff, r#","use":"sig","alg":"RS256","x5c":["MII"]"#);
        let set = parse(&format!(r#"{{"kty":"PQC"}}, 7, {{"kty":"oct","kid":"x","k":"AAAA"}}, {good}"#)).unwrap();
        assert_eq!(set.get("ins_a").len(), 1);
        assert_eq!(set.listed(), "`ins_a`");
    }

    #[test]
    fn keys_for_something_else_are_passed_over() {
        let short = key("a", 0x00, "");
        let encryption = key("b", 0xff, r#","use":"enc""#);
        let other_algorithm = key("c", 0xff, r#","alg":"RS512""#);
        let nameless = key("", 0xff, "");
        let twice = key("d", 0xff, r#","e":"AQ""#);
        let other_kind = key("e", 0xff, "").replace("RSA", "EC");
        let error = parse(&[short, encryption, other_algorithm, nameless, twice, other_kind].join(",")).err().unwrap();
        assert_snapshot!(error, @"none of its 6 keys is a sound RSA signing key of 2048 to 8192 bits with a `kid`");
    }

    #[test]
    fn two_keys_under_one_id_both_count() {
        let set = parse(&[key("ins_a", 0xff, ""), key("ins_b", 0xfe, ""), key("ins_a", 0xfd, "")].join(",")).unwrap();
        assert_eq!((set.get("ins_a").len(), set.get("ins_b").len(), set.get("ins_c").len()), (2, 1, 0));
        assert_eq!(set.listed(), "`ins_a`, `ins_b`");
    }

    #[test]
    fn ids_are_listed_on_one_line() {
        assert_eq!(parse(&key(r"a\nb", 0xff, "")).unwrap().listed(), r"`a\nb`");
    }

    #[test]
    fn what_is_no_key_set_says_so_and_is_not_repeated() {
        let refused = |text: &str| KeySet::parse(text, Timestamp::from_millis(0)).err().unwrap();
        assert_snapshot!(refused("<html>"), @"expected a JSON object with a list of `keys`, found no JSON (line 1, column 1)");
        assert_snapshot!(refused(""), @"expected a JSON object with a list of `keys`, found no JSON (line 1, column 0)");
        assert_snapshot!(refused("[]"), @"expected a JSON object with a list of `keys`, found JSON of another form (line 1, column 2)");
        assert_snapshot!(refused(r#"{"keys":"long text"}"#), @"expected a JSON object with a list of `keys`, found JSON of another form (line 1, column 19)");
        assert_snapshot!(refused(r#"{"keys":[],"keys":[]}"#), @"expected a JSON object with a list of `keys`, found JSON of another form (line 1, column 17)");
    }
}
