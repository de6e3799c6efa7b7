//! The three parts of a token's text.
//!
//! All three are decoded before anything is asked or computed, as Clerk's SDK does: a token that is damaged is told from
//! one that is forged, and is no reason to look for other keys. One text has one spelling: unpadded base64url (RFC 7515
//! §2) with spare bits of zero.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Refusal;
use crate::jwks::RsaKey;

/// Clerk's session cookie is limited to 4 KB by browsers; no token of twice that size is a session.
const MAX_BYTES: usize = 8 * 1024;

pub(crate) struct Parts<'a> {
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// Still encoded, but known to be base64url.
    signature: &'a str,
    /// Header and payload as written, with the dot between them: what is signed.
    message: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > MAX_BYTES {
            return Err(Refusal::TooLong { found: token.len(), limit: MAX_BYTES });
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(Refusal::NotAToken(format!("expected 3 parts between dots, found {}", parts.len())));
        };
        let message = &token[..header.len() + 1 + payload.len()];
        decode("signature", signature)?;
        Ok(Self { header: decode("header", header)?, payload: decode("payload", payload)?, signature, message })
    }

    pub(crate) fn are_signed_by(&self, key: &RsaKey) -> bool {
        key.signed(self.message, self.signature)
    }

    /// Whether it is signed with a secret that both sides know.
    pub(crate) fn are_signed_with(&self, key: &hmac::Key) -> bool {
        let signature = URL_SAFE_NO_PAD.decode(self.signature);
        signature.is_ok_and(|signature| hmac::verify(key, self.message.as_bytes(), &signature).is_ok())
    }
}

fn decode(part: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| Refusal::NotAToken(format!("its {part} is not unpadded base64url ({error})")))
}
