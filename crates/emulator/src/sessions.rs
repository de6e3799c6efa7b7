//! Sessions: a user signed in on a client.
//!
//! A session lives seven days unless it is revoked or ended first; the organization active in it decides what its
//! tokens say. Not modelled: clients with several sessions, inactivity timeouts, session tasks, and Clerk's habit of
//! making the organization a user has just created active in the next session: only a named one is active here.

mod change;
mod collection;
mod list;
mod object;

use clerk::{OrganizationId, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

pub(crate) use change::NewSession;
pub(crate) use collection::Sessions;
pub(crate) use list::SessionList;
pub(crate) use object::SessionObject;

/// One session, as stored. What the API shows is [`SessionObject`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    pub(crate) client_id: String,
    pub(crate) status: SessionStatus,
    pub(crate) last_active_organization_id: Option<OrganizationId>,
    pub(crate) last_active_at: Timestamp,
    pub(crate) expire_at: Timestamp,
    pub(crate) abandon_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Where a session stands. Expiry is not stored: it follows from the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionStatus {
    Active,
    Ended,
    Expired,
    Revoked,
}

impl SessionStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Session {
    pub(crate) fn status_at(&self, now: Timestamp) -> SessionStatus {
        match self.status {
            SessionStatus::Active if self.expire_at <= now => SessionStatus::Expired,
            status => status,
        }
    }
}
