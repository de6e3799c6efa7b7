//! The emulator as its clients see it: over HTTP, as a webhook receiver, and from Rust.

mod backend_api;
mod support;
mod webhooks;
