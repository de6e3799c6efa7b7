//! Tokens as Clerk signs them and as attackers wish it did, key sets through good and bad days.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accepted;
mod cache;
mod http_source;
mod properties;
mod refused;
mod support;
