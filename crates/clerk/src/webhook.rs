//! Signed webhook deliveries, as Svix sends them for Clerk (Standard Webhooks).
//!
//! A delivery is genuine when one of its `v1` signatures is the HMAC-SHA256 of `id.timestamp.body` under a secret that we
//! hold, and current when its timestamp is near to now. [`verify_delivery`] is the only way to a [`SignedDelivery`].
//!
//! Several secrets can be configured: Svix rotates a secret by signing with both for 24 hours, Clerk's documentation
//! rotates by adding a second endpoint. In both cases the same delivery id arrives under different secrets, and the mirror
//! deduplicates by id.
//!
//! Our own code because the crates do not fit: `svix` brings an HTTP client, `standardwebhooks` knows neither the `svix-*`
//! headers nor several secrets and takes an empty one.

mod error;
mod headers;
mod signature;
mod signing_secret;
#[cfg(test)]
mod tests;

pub use error::SignatureError;
pub use headers::DeliveryHeaders;
pub use signature::{SignedDelivery, verify_delivery};
pub use signing_secret::{InvalidSigningSecret, SigningSecret};
