//! Signing keys: where they come from, how they are read, how long they are kept.

mod cache;
mod key_set;
mod rsa_key;
mod source;

pub use cache::KeyCache;
pub(crate) use cache::Lookup;
pub(crate) use key_set::KeySet;
pub(crate) use rsa_key::RsaKey;
pub use source::{HttpKeySource, KeySource, KeySourceError, StaticKeySource};
