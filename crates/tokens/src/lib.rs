//! From the text of a token to somebody the database may act for.
//!
//! [`Verifier::verify`] is the only maker of [`Verified`] claims, and [`Principal`] is made of those, of one of the
//! application's own [`ApiKeys`], or is anonymous.
//! What a token must satisfy is listed at [`Verifier`]; it is stricter than Clerk's own SDK wherever that one lets
//! through what no Clerk session looks like, and every [`Refusal`] says what was found and what was expected.
//!
//! Keys come through a [`KeySource`] into a [`KeyCache`]; the time comes from a [`clerk::Clock`].

mod api_keys;
mod database_role;
pub mod jwks;
mod parts;
mod principal;
mod recent;
mod refusal;
mod verified;
mod verifier;

pub use api_keys::{ApiKeys, InvalidApiKey};
pub use database_role::{DatabaseRole, DatabaseRoles, InvalidDatabaseRole};
pub use jwks::{HttpKeySource, KeyCache, KeySource, KeySourceError, StaticKeySource};
pub use principal::Principal;
pub use recent::{Known, RememberingVerifier};
pub use refusal::Refusal;
pub use verified::Verified;
pub use verifier::{Verifier, VerifierOptions, unverified_issuer};
