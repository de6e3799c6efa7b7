//! Beginning and ending sessions.

use std::time::Duration;

use clerk::{EventKind, SessionId, Timestamp, UserId};
use http::StatusCode;

use super::{Session, SessionStatus};
use crate::{change::Change, form::Form, refusal::Refusal};

/// Clerk's default: the maximum lifetime of a session is seven days.
const LIFETIME: Duration = Duration::from_secs(7 * 86_400);
const ABANDON_AFTER: Duration = Duration::from_secs(30 * 86_400);
const DAY_MILLIS: i64 = 86_400_000;

/// What `POST /v1/sessions` asks for.
#[derive(Debug)]
pub(crate) struct NewSession {
    user_id: String,
    active_organization_id: Option<String>,
}

impl NewSession {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            user_id: form.string("user_id")?.required("user_id")?,
            active_organization_id: form.string("active_organization_id")?.given().filter(|id| !id.is_empty()),
        };
        form.finish()?;
        Ok(new)
    }
}

impl Change<'_> {
    /// Signs the user in: announces `session.created`, and `user.updated` because the time of the last sign-in changed.
    pub(crate) fn create_session(&mut self, new: NewSession) -> Result<Session, Refusal> {
        let user = self.state.users.get(&new.user_id).ok_or_else(|| Refusal::not_found("user", &new.user_id))?;
        if user.banned {
            let message = format!("User {} is banned and cannot sign in.", user.id);
            return Err(Refusal::new(StatusCode::FORBIDDEN, "user_banned", "User banned", message));
        }
        if user.locked(self.now) {
            let message = format!("User {} is locked and cannot sign in until the lock expires.", user.id);
            return Err(Refusal::new(StatusCode::FORBIDDEN, "user_locked", "User locked", message));
        }
        let organization = match &new.active_organization_id {
            None => None,
            Some(id) => {
                let found = self.state.organizations.by_id_or_slug(id);
                let organization = found.ok_or_else(|| Refusal::not_found("organization", id))?;
                if self.state.memberships.between(organization.id.as_str(), user.id.as_str()).is_none() {
                    return Err(Refusal::new(
                        StatusCode::FORBIDDEN,
                        "not_a_member_in_organization",
                        "not a member",
                        format!("User {} is not a member of organization {}.", user.id, organization.id),
                    ));
                }
                Some(organization.id.clone())
            }
        };
        let user_id = user.id.clone();
        let session = Session {
            id: self.state.ids.session(self.now),
            user_id: user_id.clone(),
            client_id: self.state.ids.prefixed("client_", self.now),
            status: SessionStatus::Active,
            last_active_organization_id: organization,
            last_active_at: self.now,
            expire_at: self.now.plus(LIFETIME),
            abandon_at: self.now.plus(ABANDON_AFTER),
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.sessions.put(session.clone());
        let now = self.now;
        self.alter_user(user_id.as_str(), |user| {
            user.last_sign_in_at = Some(now);
            user.last_active_at = Some(start_of_day(now));
            Ok(())
        })?;
        self.announce_session(EventKind::SessionCreated, &session);
        Ok(session)
    }

    pub(crate) fn revoke_session(&mut self, id: &str) -> Result<Session, Refusal> {
        let session = self.state.sessions.get(id).ok_or_else(|| Refusal::not_found("session", id))?;
        if session.status_at(self.now) != SessionStatus::Active {
            return Ok(session.clone());
        }
        let id = session.id.clone();
        Ok(self.close_session(&id, SessionStatus::Revoked, EventKind::SessionRevoked))
    }

    /// What signing out does.
    pub(crate) fn end_session(&mut self, id: &str) -> Result<Session, Refusal> {
        let session = self.state.sessions.get(id).ok_or_else(|| Refusal::not_found("session", id))?;
        if session.status_at(self.now) != SessionStatus::Active {
            return Ok(session.clone());
        }
        let id = session.id.clone();
        Ok(self.close_session(&id, SessionStatus::Ended, EventKind::SessionEnded))
    }

    pub(crate) fn revoke_sessions_of(&mut self, user: &UserId) {
        let now = self.now;
        let active: Vec<SessionId> = self
            .state
            .sessions
            .of_user(user.as_str())
            .filter(|session| session.status_at(now) == SessionStatus::Active)
            .map(|session| session.id.clone())
            .collect();
        for id in active {
            self.close_session(&id, SessionStatus::Revoked, EventKind::SessionRevoked);
        }
    }

    fn close_session(&mut self, id: &SessionId, status: SessionStatus, kind: EventKind) -> Session {
        let mut session = self.state.sessions.get(id.as_str()).expect("a session to close exists").clone();
        session.status = status;
        session.updated_at = self.now;
        self.state.sessions.put(session.clone());
        self.announce_session(kind, &session);
        session
    }
}

/// Clerk keeps the last activity of a user with the precision of a day.
fn start_of_day(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.millis().div_euclid(DAY_MILLIS) * DAY_MILLIS)
}
