//! A JSON Web Key Set, reduced to the keys that may sign a Clerk token.
//!
//! A set may hold keys of other kinds and for other uses. Those are passed over, one by one: an odd neighbour must not
//! cost us the key we need. A set without a single usable key is an error, for accepting it would lock everybody out.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk::Timestamp;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::value::RawValue;

/// NIST SP 800-131A: RSA below 2048 bits signs nothing any more.
const MIN_MODULUS_BYTES: usize = 256;

/// The usable keys of one set, by `kid`.
#[derive(Clone)]
pub(crate) struct KeySet {
    keys: HashMap<String, Key>,
    pub(crate) fetched_at: Timestamp,
}

#[derive(Clone)]
struct Key {
    modulus: String,
    decoding: DecodingKey,
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
    /// Reads a set; the error says why nothing in it can be used.
    pub(crate) fn parse(text: &str, fetched_at: Timestamp) -> Result<Self, String> {
        let document: Document<'_> =
            serde_json::from_str(text).map_err(|error| format!("expected a JSON object with `keys`: {error}"))?;
        let total = document.keys.len();
        let keys: HashMap<String, Key> = document.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(format!("none of its {total} keys is an RSA signing key of at least 2048 bits with a `kid`"));
        }
        Ok(Self { keys, fetched_at })
    }

    pub(crate) fn get(&self, key_id: &str) -> Option<&DecodingKey> {
        self.keys.get(key_id).map(|key| &key.decoding)
    }

    /// Whether `key_id` names the same key in both sets.
    pub(crate) fn agrees_with(&self, other: &Self, key_id: &str) -> bool {
        match (self.keys.get(key_id), other.keys.get(key_id)) {
            (Some(ours), Some(theirs)) => ours.modulus == theirs.modulus,
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        }
    }

    /// The known key ids, sorted, for messages: `` `ins_a`, `ins_b` ``.
    pub(crate) fn listed(&self) -> String {
        let mut ids: Vec<String> = self.keys.keys().map(|id| format!("`{id}`")).collect();
        ids.sort();
        ids.join(", ")
    }
}

fn usable(raw: &RawValue) -> Option<(String, Key)> {
    let member: Member = serde_json::from_str(raw.get()).ok()?;
    let signs = member.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
    let rs256 = member.alg.as_deref().is_none_or(|algorithm| algorithm == "RS256");
    if member.kty != "RSA" || !signs || !rs256 {
        return None;
    }
    let modulus = URL_SAFE_NO_PAD.decode(&member.n).ok()?;
    let significant = modulus.iter().skip_while(|byte| **byte == 0).count();
    if significant < MIN_MODULUS_BYTES {
        return None;
    }
    let decoding = DecodingKey::from_rsa_components(&member.n, &member.e).ok()?;
    Some((member.kid, Key { modulus: member.n, decoding }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modulus(bytes: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xC1; bytes])
    }

    fn parse(keys: &str) -> Result<KeySet, String> {
        KeySet::parse(&format!(r#"{{"keys":[{keys}]}}"#), Timestamp::from_millis(0))
    }

    #[test]
    fn an_odd_neighbour_does_not_cost_the_good_key() {
        let good =
            format!(r#"{{"kty":"RSA","kid":"ins_a","use":"sig","alg":"RS256","n":"{}","e":"AQAB"}}"#, modulus(256));
        let set = parse(&format!(r#"{{"kty":"PQC"}}, 7, {{"kty":"oct","kid":"x","k":"AAAA"}}, {good}"#)).unwrap();
        assert!(set.get("ins_a").is_some());
        assert_eq!(set.listed(), "`ins_a`");
    }

    #[test]
    fn short_keys_and_encryption_keys_are_passed_over() {
        let short = format!(r#"{{"kty":"RSA","kid":"a","n":"{}","e":"AQAB"}}"#, modulus(128));
        let encryption = format!(r#"{{"kty":"RSA","kid":"b","use":"enc","n":"{}","e":"AQAB"}}"#, modulus(256));
        let error = parse(&format!("{short},{encryption}")).err().unwrap();
        assert_eq!(error, "none of its 2 keys is an RSA signing key of at least 2048 bits with a `kid`");
    }

    #[test]
    fn what_is_no_key_set_says_so() {
        let error = KeySet::parse("<html>", Timestamp::from_millis(0)).err().unwrap();
        assert!(error.starts_with("expected a JSON object with `keys`"), "{error}");
    }
}
