//! Everything an instance knows, in memory.
//!
//! The rule between the parts: a membership's user and organization exist, and so does a session's user. The operations
//! keep it; [`State::check`] asks it of a state that comes from a file.

use clerk::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::IdSource,
    jwt_templates::JwtTemplates,
    memberships::Memberships,
    organizations::Organizations,
    roles::{RoleDefinition, Roles},
    sessions::Sessions,
    users::Users,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// When the instance was made.
    pub(crate) created_at: Timestamp,
    pub(crate) ids: IdSource,
    pub(crate) users: Users,
    pub(crate) organizations: Organizations,
    pub(crate) memberships: Memberships,
    pub(crate) sessions: Sessions,
    pub(crate) jwt_templates: JwtTemplates,
    /// Configuration, given at every start; not part of what is saved.
    #[serde(skip)]
    pub(crate) roles: Roles,
}

/// Two parts of a state contradict each other.
#[derive(Debug, thiserror::Error)]
#[error("{what} {id} refers to {missing}, which is not there")]
pub(crate) struct Dangling {
    what: &'static str,
    id: String,
    missing: String,
}

impl State {
    pub(crate) fn new(ids: IdSource, roles: &[RoleDefinition], now: Timestamp) -> Self {
        Self {
            created_at: now,
            ids,
            users: Users::default(),
            organizations: Organizations::default(),
            memberships: Memberships::default(),
            sessions: Sessions::default(),
            jwt_templates: JwtTemplates::default(),
            roles: Roles::with(roles),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Dangling> {
        for membership in self.memberships.oldest_first() {
            let dangling = |missing: &str| Dangling {
                what: "membership",
                id: membership.id.to_string(),
                missing: missing.to_owned(),
            };
            if self.users.get(membership.user_id.as_str()).is_none() {
                return Err(dangling(membership.user_id.as_str()));
            }
            if self.organizations.get(membership.organization_id.as_str()).is_none() {
                return Err(dangling(membership.organization_id.as_str()));
            }
        }
        for session in self.sessions.iter() {
            if self.users.get(session.user_id.as_str()).is_none() {
                let (id, missing) = (session.id.to_string(), session.user_id.to_string());
                return Err(Dangling { what: "session", id, missing });
            }
        }
        Ok(())
    }
}
