//! Outages on demand: what an application meets when Clerk is down.
//!
//! The APIs and the key set fail apart from each other, because what has to survive differs: a verifier lives on the keys
//! it has, a mirror waits, a page says so. The control API and the emulator's own pages never fail.

use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// What is down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outage {
    /// Backend API and Frontend API: everything but the key set.
    pub api: bool,
    /// `/v1/jwks` and `/.well-known/jwks.json`.
    pub jwks: bool,
}

/// The switches behind an [`Outage`].
#[derive(Debug, Default)]
pub(crate) struct OutageSwitch {
    api: AtomicBool,
    jwks: AtomicBool,
}

impl OutageSwitch {
    pub(crate) fn set(&self, outage: Outage) {
        self.api.store(outage.api, Ordering::SeqCst);
        self.jwks.store(outage.jwks, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> Outage {
        Outage { api: self.api.load(Ordering::SeqCst), jwks: self.jwks.load(Ordering::SeqCst) }
    }

    /// Refuses a request to an operation of the table that is down.
    pub(crate) fn check(&self, path: &str) -> Result<(), Refusal> {
        let Outage { api, jwks } = self.get();
        let down = match path {
            "/v1/jwks" | "/.well-known/jwks.json" => jwks,
            "/" | "/sign-in" | "/sign-in/arrive" => false,
            path => api && !path.starts_with("/__rowlock/"),
        };
        if !down {
            return Ok(());
        }
        let short = "Service unavailable";
        let long = "The emulator plays an outage: PATCH /__rowlock/outage ends it.";
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", short, long))
    }
}
