//! Beginning and ending sessions.

use std::time::Duration;

use clerk::{EventKind, OrganizationId, SessionId, Timestamp, UserId};
use http::StatusCode;
use serde_json::{Map, Value};

use super::{Session, SessionStatus};
use crate::{change::Change, form::Form, refusal::Refusal};

/// Clerk's default: the maximum lifetime of a session is seven days.
const LIFETIME: Duration = Duration::from_secs(7 * 86_400);
const ABANDON_AFTER: Duration = Duration::from_secs(30 * 86_400);
/// Clerk: "Session tasks".
const TASKS: [&str; 3] = [CHOOSE_ORGANIZATION, "reset-password", "setup-mfa"];
pub(crate) const CHOOSE_ORGANIZATION: &str = "choose-organization";
const DAY_MILLIS: i64 = 86_400_000;

/// What `POST /v1/sessions` asks for.
#[derive(Debug)]
pub(crate) struct NewSession {
    user_id: String,
    active_organization_id: Option<String>,
    client_id: Option<String>,
    tasks: Vec<String>,
    actor: Option<Value>,
    expires_in: Duration,
    abandoned_in: Duration,
}

impl NewSession {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self::take(&mut form)?;
        form.finish()?;
        Ok(new)
    }

    /// What the control API takes beside it: what only a sign-in at the Frontend API brings about.
    pub(crate) fn read_any(mut form: Form) -> Result<Self, Refusal> {
        let mut new = Self::take(&mut form)?;
        new.client_id = form.string("client_id")?.given();
        new.tasks = form.strings("tasks")?.given().unwrap_or_default();
        new.actor = form.any("actor").filter(|actor| !actor.is_null());
        let seconds = 1..=i64::from(u32::MAX);
        let duration = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
        if let Some(given) = form.bounded("expires_in_seconds", seconds.clone())?.given() {
            new.expires_in = duration(given);
        }
        if let Some(given) = form.bounded("abandoned_in_seconds", seconds)?.given() {
            new.abandoned_in = duration(given);
        }
        form.finish()?;
        match new.tasks.iter().find(|task| !TASKS.contains(&task.as_str())) {
            Some(unknown) => Err(Refusal::wrong_value("tasks", unknown, &TASKS.join(", "))),
            None => Ok(new),
        }
    }

    /// Signing in on a client, with tasks left to do or without.
    pub(crate) fn on_client(
        client_id: &str,
        user: &UserId,
        organization: Option<&OrganizationId>,
        tasks: Vec<String>,
    ) -> Self {
        Self {
            user_id: user.to_string(),
            active_organization_id: organization.map(ToString::to_string),
            client_id: Some(client_id.to_owned()),
            tasks,
            actor: None,
            expires_in: LIFETIME,
            abandoned_in: ABANDON_AFTER,
        }
    }

    /// A session in which somebody acts as the user, or that ends sooner than others.
    pub(crate) fn under(mut self, actor: Option<Map<String, Value>>, seconds: Option<i64>) -> Self {
        self.actor = actor.map(Value::Object);
        if let Some(seconds) = seconds {
            self.expires_in = Duration::from_secs(seconds.unsigned_abs());
        }
        self
    }

    fn take(form: &mut Form) -> Result<Self, Refusal> {
        Ok(Self {
            user_id: form.string("user_id")?.required("user_id")?,
            active_organization_id: form.string("active_organization_id")?.given().filter(|id| !id.is_empty()),
            client_id: None,
            tasks: Vec::new(),
            actor: None,
            expires_in: LIFETIME,
            abandoned_in: ABANDON_AFTER,
        })
    }
}

impl Change<'_> {
    /// Signs the user in: announces `session.created`, or `session.pending` when there is a task to do first, and
    /// `user.updated` because the time of the last sign-in changed.
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
            client_id: new.client_id.unwrap_or_else(|| self.state.ids.prefixed("client_", self.now)),
            status: if new.tasks.is_empty() { SessionStatus::Active } else { SessionStatus::Pending },
            last_active_organization_id: organization,
            tasks: new.tasks,
            actor: new.actor,
            last_active_at: self.now,
            expire_at: self.now.plus(new.expires_in),
            abandon_at: self.now.plus(new.abandoned_in),
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
        let kind = match session.status {
            SessionStatus::Pending => EventKind::SessionPending,
            _ => EventKind::SessionCreated,
        };
        self.announce_session(kind, &session);
        Ok(session)
    }

    /// The tasks of a pending session are done: it is active now, and `session.created` says so.
    pub(crate) fn activate_session(&mut self, id: &str) -> Result<Session, Refusal> {
        let session = self.session(id)?;
        if session.status_at(self.now) != SessionStatus::Pending {
            return Ok(session.clone());
        }
        let mut session = session.clone();
        session.tasks.clear();
        self.state.sessions.put(session.clone());
        Ok(self.settle_session(&session.id, SessionStatus::Active, Some(EventKind::SessionCreated)))
    }

    pub(crate) fn revoke_session(&mut self, id: &str) -> Result<Session, Refusal> {
        self.close_open_session(id, SessionStatus::Revoked, Some(EventKind::SessionRevoked))
    }

    /// What signing out of one session does.
    pub(crate) fn end_session(&mut self, id: &str) -> Result<Session, Refusal> {
        self.close_open_session(id, SessionStatus::Ended, Some(EventKind::SessionEnded))
    }

    /// What signing out of a client with all its sessions does.
    pub(crate) fn remove_session(&mut self, id: &str) -> Result<Session, Refusal> {
        self.close_open_session(id, SessionStatus::Removed, Some(EventKind::SessionRemoved))
    }

    /// What another sign-in on the same client does to a session; Clerk has no event for it.
    pub(crate) fn replace_session(&mut self, id: &str) -> Result<Session, Refusal> {
        self.close_open_session(id, SessionStatus::Replaced, None)
    }

    fn session(&self, id: &str) -> Result<&Session, Refusal> {
        self.state.sessions.get(id).ok_or_else(|| Refusal::not_found("session", id))
    }

    /// Closes a session; one that is closed already stays as it is, without an event.
    fn close_open_session(
        &mut self,
        id: &str,
        status: SessionStatus,
        kind: Option<EventKind>,
    ) -> Result<Session, Refusal> {
        let session = self.session(id)?;
        if !session.is_open(self.now) {
            return Ok(session.clone());
        }
        let id = session.id.clone();
        Ok(self.settle_session(&id, status, kind))
    }

    /// Makes an organization the active one of a session, or none. With that, a task that asked for it is done.
    pub(crate) fn activate_organization(
        &mut self,
        id: &SessionId,
        organization: Option<OrganizationId>,
    ) -> Result<(), Refusal> {
        let mut session = self.session(id.as_str())?.clone();
        let chosen = organization.is_some();
        session.last_active_organization_id = organization;
        session.updated_at = self.now;
        if chosen {
            session.tasks.retain(|task| task != CHOOSE_ORGANIZATION);
        }
        let done = session.tasks.is_empty();
        self.state.sessions.put(session);
        if done {
            self.activate_session(id.as_str())?;
        }
        Ok(())
    }

    pub(crate) fn touch_session(&mut self, id: &SessionId) -> Result<(), Refusal> {
        let mut session = self.session(id.as_str())?.clone();
        session.last_active_at = self.now;
        self.state.sessions.put(session);
        Ok(())
    }

    pub(crate) fn revoke_sessions_of(&mut self, user: &UserId) {
        let now = self.now;
        let active: Vec<SessionId> = self
            .state
            .sessions
            .of_user(user.as_str())
            .filter(|session| session.is_open(now))
            .map(|session| session.id.clone())
            .collect();
        for id in active {
            self.settle_session(&id, SessionStatus::Revoked, Some(EventKind::SessionRevoked));
        }
    }

    /// Gives a session another status.
    fn settle_session(&mut self, id: &SessionId, status: SessionStatus, kind: Option<EventKind>) -> Session {
        let mut session = self.state.sessions.get(id.as_str()).expect("a session to close exists").clone();
        session.status = status;
        session.updated_at = self.now;
        self.state.sessions.put(session.clone());
        if let Some(kind) = kind {
            self.announce_session(kind, &session);
        }
        session
    }
}

/// Clerk keeps the last activity of a user with the precision of a day.
fn start_of_day(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.millis().div_euclid(DAY_MILLIS) * DAY_MILLIS)
}
