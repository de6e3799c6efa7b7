//! Signing keys: where they come from, how they are read, how long they are kept.

mod cache;
mod key_set;
mod rsa_key;
mod source;
mod unknown_ids;

use std::time::Duration;

use clerk::Timestamp;

pub use cache::KeyCache;
pub(crate) use cache::Lookup;
pub(crate) use key_set::KeySet;
pub(crate) use rsa_key::RsaKey;
pub use source::{HttpKeySource, KeySource, KeySourceError, StaticKeySource};

/// Whether `moment` is less than `span` ago.
///
/// A moment in the future is not: the clock was set back since, and what was noted by it has lost its age. Taken for
/// recent, it would stand in the way until the clock comes past it again.
fn lately(moment: Timestamp, span: Duration, now: Timestamp) -> bool {
    moment <= now && now.since(moment) < span
}
