//! An application's keys, in the two forms that Supabase gives them.
//!
//! A *publishable* key (`sb_publishable_…`) is in every browser and names nobody. A *secret* key (`sb_secret_…`) is a server's and
//! acts as `service_role`, past row-level security. Before these there were two long-lived tokens, `anon` and `service_role`,
//! signed with a secret that the project's services share (HS256); many applications still have them.
//!
//! A Clerk token can never become `service_role`, whatever it claims: this is the only way there. What is not handled is where a
//! request carries its key: that is the server's.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk::{Timestamp, quoted};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::parts::Parts;
use crate::refusal::seconds_ago;
use crate::{DatabaseRole, Principal, Refusal};

/// A shorter secret could be guessed; Supabase's own is 40 characters long.
const SHORTEST_SECRET: usize = 32;
/// How far two clocks may be apart, in seconds: what PostgREST allows for these tokens.
const SKEW: i64 = 30;

/// The keys that one application has. None of them is ever shown.
#[derive(Debug, Clone, Default)]
pub struct ApiKeys {
    publishable: Vec<String>,
    secret: Vec<SecretString>,
    legacy: Option<SecretString>,
}

/// Why a key cannot be one. The key itself is never in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKey {
    /// A key of another form.
    #[error("found something that does not begin with `{expected}`; copy it from the project's API keys")]
    Form {
        /// How such a key begins.
        expected: &'static str,
    },
    /// A secret that could be guessed.
    #[error("found a secret of {found} bytes; expected {SHORTEST_SECRET} or more")]
    Short {
        /// Its length.
        found: usize,
    },
}

impl ApiKeys {
    /// A publishable key that applications may send.
    ///
    /// # Errors
    /// When it is none: a secret key in its place would end up in a browser.
    pub fn with_publishable(mut self, key: &str) -> Result<Self, InvalidApiKey> {
        if !key.starts_with("sb_publishable_") {
            return Err(InvalidApiKey::Form { expected: "sb_publishable_" });
        }
        self.publishable.push(key.to_owned());
        Ok(self)
    }

    /// A secret key, which acts as `service_role`.
    ///
    /// # Errors
    /// When it is none, or could be guessed.
    pub fn with_secret(mut self, key: &str) -> Result<Self, InvalidApiKey> {
        if !key.starts_with("sb_secret_") {
            return Err(InvalidApiKey::Form { expected: "sb_secret_" });
        }
        if key.len() < SHORTEST_SECRET {
            return Err(InvalidApiKey::Short { found: key.len() });
        }
        self.secret.push(key.into());
        Ok(self)
    }

    /// The secret under which the legacy tokens are signed.
    ///
    /// # Errors
    /// When it could be guessed.
    pub fn with_legacy_secret(mut self, secret: &str) -> Result<Self, InvalidApiKey> {
        if secret.len() < SHORTEST_SECRET {
            return Err(InvalidApiKey::Short { found: secret.len() });
        }
        self.legacy = Some(secret.into());
        Ok(self)
    }

    /// Whether any of these keys can act as `service_role`.
    pub fn can_serve(&self) -> bool {
        !self.secret.is_empty() || self.legacy.is_some()
    }

    /// Whether `key` is one of the publishable ones.
    pub fn is_publishable(&self, key: &str) -> bool {
        self.publishable.iter().any(|known| known == key)
    }

    /// `service_role`, if `key` is one of the secret ones.
    pub fn service(&self, key: &str) -> Option<Principal> {
        let matches = |known: &SecretString| {
            constant_time::verify_slices_are_equal(known.expose_secret().as_bytes(), key.as_bytes()).is_ok()
        };
        // All are compared, however early one matches.
        let found = self.secret.iter().fold(false, |found, known| matches(known) | found);
        found.then(|| Principal::with_role(DatabaseRole::service(), Map::new()))
    }

    /// Whether `token` is signed as legacy tokens are, and there is a secret to check it with.
    pub fn may_have_signed(&self, token: &str) -> bool {
        #[derive(Deserialize)]
        struct Header<'a> {
            alg: &'a str,
        }
        let header = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
        self.legacy.is_some() && serde_json::from_slice::<Header<'_>>(&header).is_ok_and(|header| header.alg == "HS256")
    }

    /// Whom a legacy token stands for.
    ///
    /// # Errors
    /// The first reason not to accept it.
    pub fn legacy(&self, token: &str, now: Timestamp) -> Result<Principal, Refusal> {
        let parts = Parts::split(token)?;
        let signed = |secret: &SecretString| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
            parts.are_signed_with(&key)
        };
        if !self.may_have_signed(token) || !self.legacy.as_ref().is_some_and(signed) {
            return Err(Refusal::Signature { key_id: "HS256".to_owned() });
        }
        let claims: Map<String, Value> = serde_json::from_slice(&parts.payload)
            .map_err(|error| Refusal::Claim(format!("token payload is unreadable: {error}")))?;
        let second = |name: &str| match claims.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                value.as_i64().map(Some).ok_or_else(|| Refusal::Claim(format!("`{name}` is no whole number")))
            }
        };
        if let Some(end) = second("exp")?.filter(|end| *end < now.seconds() - SKEW) {
            return Err(Refusal::Expired { ago: seconds_ago(now.seconds() - end) });
        }
        if let Some(start) = second("nbf")?.filter(|start| *start > now.seconds() + SKEW) {
            return Err(Refusal::NotYet { ahead: seconds_ago(start - now.seconds()) });
        }
        let role = match claims.get("role").and_then(Value::as_str) {
            None | Some("anon") => DatabaseRole::anonymous(),
            Some("authenticated") => DatabaseRole::authenticated(),
            Some("service_role") => DatabaseRole::service(),
            Some(other) => {
                let expected = "anon, authenticated, service_role".to_owned();
                return Err(Refusal::Role { found: quoted(other), expected });
            }
        };
        Ok(Principal::with_role(role, claims))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a-secret-that-is-forty-characters-long-!";
    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn token(header: &str, claims: &str, secret: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn keys() -> ApiKeys {
        let keys = ApiKeys::default().with_publishable("sb_publishable_one").unwrap();
        let keys = keys.with_secret("sb_secret_of-at-least-32-characters").unwrap();
        keys.with_legacy_secret(SECRET).unwrap()
    }

    #[test]
    fn a_secret_key_serves_and_nothing_that_resembles_it() {
        let keys = keys();
        assert_eq!(keys.service("sb_secret_of-at-least-32-characters").unwrap().role(), "service_role");
        for other in ["sb_secret_of-at-least-32-character", "sb_secret_", "", "sb_publishable_one"] {
            assert!(keys.service(other).is_none(), "{other}");
        }
        assert!(keys.is_publishable("sb_publishable_one") && !keys.is_publishable("sb_publishable_two"));
        assert!(!format!("{keys:?}").contains("characters"));
    }

    #[test]
    fn keys_in_the_wrong_place_are_refused() {
        let keys = ApiKeys::default;
        assert!(keys().with_publishable("sb_secret_of-at-least-32-characters").is_err());
        assert!(keys().with_secret("sb_publishable_one").is_err());
        assert!(keys().with_secret("sb_secret_short").is_err());
        assert!(keys().with_legacy_secret("short").is_err());
    }

    #[test]
    fn a_legacy_token_is_whom_it_says_if_it_is_signed_and_in_time() {
        let keys = keys();
        let header = r#"{"alg":"HS256","typ":"JWT"}"#;
        let role = |claims: &str| keys.legacy(&token(header, claims, SECRET), NOW).map(|it| it.role().to_owned());
        assert_eq!(role(r#"{"role":"anon"}"#).unwrap(), "anon");
        assert_eq!(role(r#"{"role":"service_role","exp":1900000000}"#).unwrap(), "service_role");
        assert_eq!(role(r#"{"role":"authenticated","sub":"someone"}"#).unwrap(), "authenticated");
        assert_eq!(role("{}").unwrap(), "anon");
        assert!(matches!(role(r#"{"role":"postgres"}"#), Err(Refusal::Role { .. })));
        assert!(matches!(role(r#"{"exp":1799999969}"#), Err(Refusal::Expired { .. })));
        assert!(matches!(role(r#"{"nbf":1800000031}"#), Err(Refusal::NotYet { .. })));
        assert!(matches!(role(r#"{"exp":"soon"}"#), Err(Refusal::Claim(_))));
        let forged = token(header, r#"{"role":"service_role"}"#, "another-secret-that-is-forty-characters!");
        assert!(matches!(keys.legacy(&forged, NOW), Err(Refusal::Signature { .. })));
        let none = token(r#"{"alg":"none"}"#, r#"{"role":"service_role"}"#, SECRET);
        assert!(matches!(keys.legacy(&none, NOW), Err(Refusal::Signature { .. })));
        assert!(ApiKeys::default().legacy(&forged, NOW).is_err());
    }
}
