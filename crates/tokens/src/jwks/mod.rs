//! Signing keys: where they come from, how they are read, how long they are kept.

mod cache;
mod key_set;
mod source;

pub use cache::KeyCache;
pub(crate) use cache::Lookup;
pub(crate) use key_set::KeySet;
pub use source::{HttpKeySource, KeySource, KeySourceError, StaticKeySource};
