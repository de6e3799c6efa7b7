//! The name of one webhook delivery.

use crate::id::{InvalidId, text_newtype};

/// Longest delivery id taken; Svix writes 31 characters.
const LONGEST: usize = 256;

/// The `svix-id` of a webhook delivery, usually `msg_…`.
///
/// It stays the same across retries, replays and the endpoints of one application, which makes it the key that a delivery
/// is deduplicated by. Any 1 to 256 visible ASCII characters are taken, except `.`: the signed content is
/// `id.timestamp.body` (Svix, "Verifying payloads manually"), and a dot in the id would let one signature cover two readings.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId(Box<str>);

impl DeliveryId {
    /// Reads a delivery id.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let well_formed =
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.');
        if well_formed {
            return Ok(Self(text.into()));
        }
        let expected = format!("1 to {LONGEST} visible ASCII characters without `.`");
        Err(InvalidId::new("delivery id", text, expected))
    }
}

text_newtype!(DeliveryId);
