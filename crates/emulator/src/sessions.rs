//! Sessions: a user signed in on a client.
//!
//! A session lives seven days unless it is revoked, ended, removed or replaced first; the organization active in it
//! decides what its tokens say. A session that has a task to do is pending until the task is done.

mod change;
mod collection;
mod list;
mod object;

use clerk::{OrganizationId, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use change::{CHOOSE_ORGANIZATION, NewSession};
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
    /// What the user has to do before the session is active: `choose-organization`, `reset-password`, `setup-mfa`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tasks: Vec<String>,
    /// Who acts as the user, as the claim `act` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<Value>,
    pub(crate) last_active_at: Timestamp,
    pub(crate) expire_at: Timestamp,
    pub(crate) abandon_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Where a session stands. That it expired or was abandoned is not stored: it follows from the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionStatus {
    Active,
    Pending,
    Ended,
    Removed,
    Replaced,
    Revoked,
    Expired,
    Abandoned,
}

impl SessionStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Ended => "ended",
            Self::Removed => "removed",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Session {
    pub(crate) fn status_at(&self, now: Timestamp) -> SessionStatus {
        match self.status {
            SessionStatus::Active | SessionStatus::Pending if self.abandon_at <= now.min(self.expire_at) => {
                SessionStatus::Abandoned
            }
            SessionStatus::Active | SessionStatus::Pending if self.expire_at <= now => SessionStatus::Expired,
            status => status,
        }
    }

    /// Whether somebody is signed in by it, with a task to do or without.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        matches!(self.status_at(now), SessionStatus::Active | SessionStatus::Pending)
    }
}
