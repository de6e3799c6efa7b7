//! Session tokens, good ones and others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::answer::keep_secret;
use super::issuer::sign;
use super::{ISSUER, NOW};

/// A token before it is signed.
pub(crate) struct Token {
    header: Value,
    claims: Value,
}

/// A session of `user_ada` in version 2, without an active organization.
pub(crate) fn session() -> Token {
    Token {
        header: json!({ "alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": "ins_test", "typ": "JWT" }),
        claims: json!({
            "azp": "https://app.example.com", "exp": NOW + 60, "iat": NOW, "iss": ISSUER, "jti": "b1f6",
            "nbf": NOW - 10, "sid": "sess_1", "sts": "active", "sub": "user_ada", "v": 2,
        }),
    }
}

impl Token {
    /// Sets a claim; null removes it.
    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        if let Some(claims) = self.claims.as_object_mut() {
            claims.retain(|_, value| !value.is_null());
        }
        self
    }

    /// Sets a member of the header.
    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// Signed by the instance. No answer may repeat a part of it that says something.
    pub(crate) fn signed(&self) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
        keep_secret(&signature);
        keep_secret(&encode(&self.claims));
        format!("{message}.{signature}")
    }

    /// The `Authorization` header.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.signed())
    }
}
