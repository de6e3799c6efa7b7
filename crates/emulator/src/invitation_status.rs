//! Where an invitation stands, to an application or to an organization.

use clerk::Timestamp;
use serde::{Deserialize, Serialize};

/// What a list can be filtered by.
pub(crate) const INVITATION_STATUSES: [&str; 4] = ["pending", "accepted", "revoked", "expired"];

/// The stored part. Expiry is not stored: it follows from the clock, and is announced by nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InvitationStatus {
    Pending,
    Accepted,
    Revoked,
}

impl InvitationStatus {
    /// The status as Clerk names it, of an invitation that expires then.
    pub(crate) fn name_at(self, now: Timestamp, expires_at: Timestamp) -> &'static str {
        match self {
            Self::Pending if expires_at <= now => "expired",
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
        }
    }
}
