//! The proof that something was verified.

use std::ops::Deref;

use serde_json::{Map, Value};

use crate::DatabaseRole;

/// Claims that [`Verifier::verify`](crate::Verifier::verify) accepted, with the role they were given.
///
/// Holding one is the permission to act: it cannot be built, changed or deserialised outside the verifier.
#[derive(Debug, Clone)]
pub struct Verified<T> {
    claims: T,
    payload: Map<String, Value>,
    role: DatabaseRole,
}

impl<T> Verified<T> {
    pub(crate) fn new(claims: T, payload: Map<String, Value>, role: DatabaseRole) -> Self {
        Self { claims, payload, role }
    }

    /// The token's payload as it was signed.
    pub fn payload(&self) -> &Map<String, Value> {
        &self.payload
    }

    /// The database role that was decided: from the token when it is on the list, `authenticated` without one.
    pub fn role(&self) -> &DatabaseRole {
        &self.role
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.claims
    }
}
