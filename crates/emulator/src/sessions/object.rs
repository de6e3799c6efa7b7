//! A session as the Backend API and webhooks show it.

use clerk::{OrganizationId, SessionId, Timestamp, UserId};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Session, SessionStatus};
use crate::users::UserObject;

/// Serializes one session; webhooks put the whole user beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionObject<'a> {
    pub(crate) session: &'a Session,
    pub(crate) user: Option<UserObject<'a>>,
    pub(crate) now: Timestamp,
}

#[derive(Serialize)]
struct Wire<'a> {
    object: &'static str,
    id: &'a SessionId,
    user_id: &'a UserId,
    client_id: &'a str,
    actor: &'a Option<Value>,
    status: &'static str,
    last_active_organization_id: &'a Option<OrganizationId>,
    last_active_at: Timestamp,
    latest_activity: Option<()>,
    expire_at: Timestamp,
    abandon_at: Timestamp,
    updated_at: Timestamp,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<Task<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserObject<'a>>,
}

#[derive(Serialize)]
struct Task<'a> {
    key: &'a str,
}

impl Serialize for SessionObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let session = self.session;
        Wire {
            object: "session",
            id: &session.id,
            user_id: &session.user_id,
            client_id: &session.client_id,
            actor: &session.actor,
            status: session.status_at(self.now).as_str(),
            last_active_organization_id: &session.last_active_organization_id,
            last_active_at: session.last_active_at,
            latest_activity: None,
            expire_at: session.expire_at,
            abandon_at: session.abandon_at,
            updated_at: session.updated_at,
            created_at: session.created_at,
            tasks: match session.status_at(self.now) {
                SessionStatus::Pending => session.tasks.iter().map(|key| Task { key }).collect(),
                _ => Vec::new(),
            },
            user: self.user,
        }
        .serialize(serializer)
    }
}
