//! Why claims cannot be read.

use crate::json::NotJsonObject;
use crate::{InvalidId, InvalidPermission, PermissionError, UnknownCategory};

/// A payload that is no Clerk token's. Messages name the claim and show its type; a value is shown only where it cannot
/// be personal.
#[derive(Debug, thiserror::Error)]
pub enum ClaimsError {
    /// Not a JSON object.
    #[error("token payload is unreadable")]
    NotJson(#[from] NotJsonObject),
    /// A claim that stands there twice: two readers could take different ones.
    #[error("token payload has claim {claim} twice; no Clerk token does")]
    Repeated {
        /// Its name, quoted.
        claim: String,
    },
    /// A claim that every token has.
    #[error("token has no claim `{claim}`, expected {expected}")]
    Missing {
        /// Its name.
        claim: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A claim of another type, or out of range.
    #[error("claim `{claim}` is {found}, expected {expected}")]
    Unexpected {
        /// Its name.
        claim: String,
        /// What it is, without the value.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An id claim with something else in it.
    #[error("claim `{claim}` does not hold the id it should")]
    Id {
        /// Its name.
        claim: String,
        /// What is wrong with the id.
        source: InvalidId,
    },
    /// A version of the payload that this release does not know.
    #[error(
        "session token has claims of version {found}, expected 2, 1 or no `v`; this release knows nothing newer: upgrade it, or set the instance's session token version back in the Clerk dashboard"
    )]
    UnknownVersion {
        /// `v` as written.
        found: String,
    },
    /// A `cat` that this release does not know.
    #[error("token is of no known class")]
    Category(#[from] UnknownCategory),
    /// Packed features, plans or permissions that cannot be unpacked (v2).
    #[error("claim `{claim}` cannot be unpacked")]
    Permissions {
        /// Its name.
        claim: &'static str,
        /// What is wrong.
        source: PermissionError,
    },
    /// An entry of `org_permissions` that is no permission (v1).
    #[error("claim `org_permissions` holds something else than permissions")]
    Permission(#[from] InvalidPermission),
}
