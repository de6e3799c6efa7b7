//! The secret that a webhook endpoint shares with its sender.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::DeliveryId;

const PREFIX: &str = "whsec_";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A webhook signing secret: `whsec_` and the key in base64.
///
/// It leaves this type only through [`SigningSecret::expose`]; errors and `Debug` never show it.
#[derive(Clone)]
pub struct SigningSecret {
    key: hmac::Key,
    text: Box<str>,
}

impl SigningSecret {
    /// Reads a secret as the Clerk dashboard shows it.
    pub fn parse(text: &str) -> Result<Self, InvalidSigningSecret> {
        let Some(encoded) = text.strip_prefix(PREFIX) else {
            return Err(InvalidSigningSecret::Prefix { found: kind_of(text) });
        };
        let key = BASE64.decode(encoded).map_err(|_| InvalidSigningSecret::Base64)?;
        if key.is_empty() {
            return Err(InvalidSigningSecret::Empty);
        }
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), text: text.into() })
    }

    /// Makes a secret of 24 random bytes, the length Svix mints. The randomness is the caller's.
    pub fn generate(random: [u8; 24]) -> Self {
        let text = format!("{PREFIX}{}", STANDARD.encode(random));
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &random), text: text.into() }
    }

    /// The secret itself, for the hands of the sender and for nothing else.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The signature of a delivery, `v1,<base64>`, as it stands in the `svix-signature` header. The time is in Unix seconds.
    pub fn sign(&self, id: &DeliveryId, timestamp_seconds: i64, body: &[u8]) -> String {
        let tag = self.tag(id.as_str(), &timestamp_seconds.to_string(), body);
        format!("v1,{}", STANDARD.encode(tag))
    }

    /// HMAC-SHA256 over `id.timestamp.body`, the timestamp as written in the header.
    pub(super) fn tag(&self, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        context.sign()
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningSecret(whsec_…)")
    }
}

impl std::str::FromStr for SigningSecret {
    type Err = InvalidSigningSecret;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Text that should have been a signing secret and is not. It never shows the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSigningSecret {
    /// Another kind of secret, or none.
    #[error(
        "not a webhook signing secret: found {found}, expected `whsec_…`; copy it from the Clerk dashboard, Webhooks, your endpoint, Signing Secret"
    )]
    Prefix {
        /// What the text is instead, without the text.
        found: &'static str,
    },
    /// Damaged behind the prefix.
    #[error(
        "webhook signing secret is damaged: the part behind `whsec_` is not base64; copy it again, whole and without quotes or spaces"
    )]
    Base64,
    /// Nothing behind the prefix: anybody could sign with it.
    #[error("webhook signing secret is empty: found only `whsec_`; copy it again, whole")]
    Empty,
}

fn kind_of(text: &str) -> &'static str {
    if text.is_empty() {
        "nothing"
    } else if text.starts_with("sk_") {
        "a Backend API secret key (`sk_…`)"
    } else if text.starts_with("pk_") {
        "a publishable key (`pk_…`)"
    } else {
        "text without that prefix"
    }
}
