//! A good session token, to be spoiled in one place.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{ISSUER, KEY_ID, NOW, SigningKey, instance_key};

/// A token before it is signed.
#[derive(Clone)]
pub(crate) struct Token {
    header: String,
    claims: String,
}

/// A session of Ada's as Clerk mints it today: version 2, without an active organization.
pub(crate) fn session() -> Token {
    let header = json!({ "alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": KEY_ID, "typ": "JWT" });
    let claims = json!({
        "azp": "https://app.example.com", "exp": NOW + 60, "fva": [0, -1], "iat": NOW, "iss": ISSUER, "jti": "b1f6",
        "nbf": NOW - 10, "sid": "sess_2example", "sts": "active", "sub": "user_ada", "v": 2,
    });
    Token { header: header.to_string(), claims: claims.to_string() }
}

impl Token {
    /// Sets a member of the header.
    pub(crate) fn header(self, member: &str, value: impl Into<Value>) -> Self {
        let header = with(&self.header, member, Some(value.into()));
        Self { header, ..self }
    }

    pub(crate) fn without_header(self, member: &str) -> Self {
        let header = with(&self.header, member, None);
        Self { header, ..self }
    }

    /// Sets a claim.
    pub(crate) fn claim(self, claim: &str, value: impl Into<Value>) -> Self {
        let claims = with(&self.claims, claim, Some(value.into()));
        Self { claims, ..self }
    }

    pub(crate) fn without(self, claim: &str) -> Self {
        let claims = with(&self.claims, claim, None);
        Self { claims, ..self }
    }

    /// Puts another text in the place of the whole header.
    pub(crate) fn header_text(self, text: impl Into<String>) -> Self {
        Self { header: text.into(), ..self }
    }

    /// Puts another text in the place of all claims.
    pub(crate) fn claims_text(self, text: impl Into<String>) -> Self {
        Self { claims: text.into(), ..self }
    }

    /// The claims, for what JSON values cannot say.
    pub(crate) fn map_claims_text(self, change: impl FnOnce(&str) -> String) -> Self {
        let claims = change(&self.claims);
        Self { claims, ..self }
    }

    /// What is signed: header and payload with the dot between them.
    pub(crate) fn message(&self) -> String {
        format!("{}.{}", encode(&self.header), encode(&self.claims))
    }

    /// The token, signed by the instance.
    pub(crate) fn signed(&self) -> String {
        self.signed_by(instance_key())
    }

    pub(crate) fn signed_by(&self, key: &SigningKey) -> String {
        let message = self.message();
        self.with_signature(&key.rs256(&message))
    }

    pub(crate) fn with_signature(&self, signature: &[u8]) -> String {
        format!("{}.{}", self.message(), encode(signature))
    }
}

fn with(object: &str, member: &str, value: Option<Value>) -> String {
    let mut object: Value = serde_json::from_str(object).unwrap();
    let members = object.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(member.to_owned(), value),
        None => members.remove(member),
    };
    object.to_string()
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
