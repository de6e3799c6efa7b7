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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::SigningSecret;
    use crate::DeliveryId;

    /// The known answer of Svix's own libraries (`svix/svix-webhooks`, `rust/src/webhooks.rs`, `test_sign`).
    #[test]
    fn it_signs_as_svix_does() {
        let secret: SigningSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse().unwrap();
        let id = DeliveryId::parse("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk").unwrap();
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        assert_eq!(secret.sign(&id, 1_649_367_553, body), "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn a_generated_secret_is_read_back_as_itself() {
        let id = DeliveryId::parse("msg_1").unwrap();
        let generated = SigningSecret::generate([7; 24]);
        let read = SigningSecret::parse(generated.expose()).unwrap();
        assert_eq!(read.sign(&id, 1, b"x"), generated.sign(&id, 1, b"x"));
        let padded = SigningSecret::parse("whsec_YWI=").unwrap();
        assert_eq!(padded.sign(&id, 1, b"x"), SigningSecret::parse("whsec_YWI").unwrap().sign(&id, 1, b"x"));
    }

    #[test]
    fn it_is_never_shown() {
        assert_eq!(format!("{:?}", SigningSecret::generate([7; 24])), "SigningSecret(whsec_…)");
        for text in ["hush", "sk_live_hush", "whsec_hush!"] {
            let message = SigningSecret::parse(text).unwrap_err().to_string();
            assert!(!message.contains("hush"), "{message}");
        }
    }

    #[test]
    fn errors_say_what_it_is_and_where_to_find_it() {
        let refused = |text: &str| SigningSecret::parse(text).unwrap_err();
        assert_snapshot!(refused("sk_live_x"), @"not a webhook signing secret: found a Backend API secret key (`sk_…`), expected `whsec_…`; copy it from the Clerk dashboard, Webhooks, your endpoint, Signing Secret");
        assert_snapshot!(refused("pk_live_x"), @"not a webhook signing secret: found a publishable key (`pk_…`), expected `whsec_…`; copy it from the Clerk dashboard, Webhooks, your endpoint, Signing Secret");
        assert_snapshot!(refused(""), @"not a webhook signing secret: found nothing, expected `whsec_…`; copy it from the Clerk dashboard, Webhooks, your endpoint, Signing Secret");
        assert_snapshot!(refused("C2FV"), @"not a webhook signing secret: found text without that prefix, expected `whsec_…`; copy it from the Clerk dashboard, Webhooks, your endpoint, Signing Secret");
        assert_snapshot!(refused("whsec_"), @"webhook signing secret is empty: found only `whsec_`; copy it again, whole");
        assert_snapshot!(refused("whsec_C2FV\n"), @"webhook signing secret is damaged: the part behind `whsec_` is not base64; copy it again, whole and without quotes or spaces");
    }
}
