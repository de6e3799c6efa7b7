//! How long an opaque credential is good: until it expires, or somebody revokes it.

use std::time::Duration;

use clerk::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{form::Form, refusal::Refusal};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Validity {
    pub(crate) revoked: bool,
    pub(crate) revocation_reason: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Validity {
    pub(crate) fn until(expires_at: Option<Timestamp>) -> Self {
        Self { revoked: false, revocation_reason: None, expires_at }
    }

    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        !self.revoked && !self.expired(now)
    }

    pub(crate) fn revoke(&mut self, reason: Option<String>) {
        self.revoked = true;
        self.revocation_reason = reason;
    }

    /// The four members that every credential shows.
    pub(crate) fn write_to(&self, object: &mut Value, now: Timestamp) {
        object["revoked"] = json!(self.revoked);
        object["revocation_reason"] = json!(self.revocation_reason);
        object["expired"] = json!(self.expired(now));
        object["expiration"] = json!(self.expires_at);
    }
}

/// `seconds_until_expiration`: absent or `null` never expires, unless the caller knows a default.
pub(crate) fn read_lifetime(form: &mut Form) -> Result<Option<Duration>, Refusal> {
    let seconds = form.bounded("seconds_until_expiration", 0..=i64::from(u32::MAX))?.given();
    Ok(seconds.map(|seconds| Duration::from_secs(seconds.unsigned_abs())))
}

pub(crate) fn read_reason(mut form: Form) -> Result<Option<String>, Refusal> {
    let reason = form.string("revocation_reason")?.given();
    form.finish()?;
    Ok(reason)
}
