//! The binary as its user runs it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backfill;
mod clerk;
mod crash;
mod deletion;
mod demo;
mod dev;
mod events;
mod policy;
mod rest;
mod schema;
mod serve;
mod status;
mod support;
mod token;
#[cfg(feature = "otel")]
mod traces;
