//! Tickets: one-time texts that let somebody in.
//!
//! Sign-in tokens and actor tokens are made by the Backend API and used at the Frontend API; the links of invitations
//! carry tickets too. [`Change::redeem`] is what following such a link does.

use std::time::Duration;

use clerk::{OrganizationId, Timestamp, UserId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    change::Change, form::Form, ids, refusal::Refusal, secret::Secret, sessions::NewSession, sessions::Session,
    table::Row, view::View,
};

const SIGN_IN_PREFIX: &str = "sit_";
const ACTOR_PREFIX: &str = "act_";
/// Clerk: "expires_in_seconds … by default, the duration is 30 days".
const SIGN_IN_SECONDS: i64 = 2_592_000;
/// Clerk: "By default, expires in 1 hour" and "the maximum duration of the session … is 30 minutes".
const ACTOR_SECONDS: i64 = 3600;
const ACTOR_SESSION_SECONDS: i64 = 1800;

/// A sign-in token or an actor token, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInTicket {
    pub(crate) id: String,
    pub(crate) user_id: UserId,
    /// Who acts as the user: an actor token.
    pub(crate) actor: Option<Map<String, Value>>,
    /// The organization that becomes active with the sign-in.
    #[serde(default)]
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) status: TicketStatus,
    pub(crate) token: Secret,
    pub(crate) expires_at: Timestamp,
    /// Where whoever follows its link goes on.
    #[serde(default)]
    pub(crate) redirect_url: Option<String>,
    /// How long a session may last that comes of it.
    pub(crate) session_seconds: Option<i64>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TicketStatus {
    Pending,
    Accepted,
    Revoked,
}

/// What came of a ticket.
#[derive(Debug)]
pub(crate) enum Redeemed {
    /// The user of a sign-in token or actor token is signed in.
    Session(Session),
    /// The user that was invited to the application exists.
    User(UserId),
    /// The user that was invited to an organization is a member; the id of the invitation.
    Member(String),
}

impl SignInTicket {
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let status = match self.status {
            TicketStatus::Pending => "pending",
            TicketStatus::Accepted => "accepted",
            TicketStatus::Revoked => "revoked",
        };
        let mut object = json!({
            "object": if self.actor.is_some() { "actor_token" } else { "sign_in_token" },
            "id": self.id,
            "status": status,
            "user_id": self.user_id,
            "token": self.token.expose(),
            "url": self.url(view),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        });
        if let Some(actor) = &self.actor {
            object["actor"] = json!(actor);
        }
        object
    }

    /// The link that hands it to the application.
    pub(crate) fn url(&self, view: View<'_>) -> String {
        format!("{}/v1/tickets/accept?ticket={}", view.state.base_url, self.token.expose())
    }

    fn name(&self) -> &'static str {
        if self.actor.is_some() { "actor token" } else { "sign in token" }
    }

    /// Whether it lets somebody in, and if not, in Clerk's words why.
    pub(crate) fn check_usable(&self, now: Timestamp) -> Result<(), Refusal> {
        let refused = |code: &'static str, what: &str| {
            let long = format!("This {} {what}.", self.name());
            Err(Refusal::new(StatusCode::BAD_REQUEST, code, "ticket cannot be used", long))
        };
        match (self.status, self.actor.is_some()) {
            (TicketStatus::Pending, _) if self.expires_at > now => Ok(()),
            (TicketStatus::Pending, true) => refused("actor_token_cannot_be_used_code", "has expired"),
            (TicketStatus::Pending, false) => refused("sign_in_token_cannot_be_used_code", "has expired"),
            (TicketStatus::Revoked, true) => refused("actor_token_revoked_code", "has been revoked"),
            (TicketStatus::Revoked, false) => refused("sign_in_token_revoked_code", "has been revoked"),
            (TicketStatus::Accepted, true) => refused("actor_token_already_used_code", "has already been used"),
            (TicketStatus::Accepted, false) => refused("sign_in_token_already_used_code", "has already been used"),
        }
    }
}

impl Row for SignInTicket {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// A sign-in token or actor token somebody asks for.
#[derive(Debug)]
pub(crate) struct NewSignInTicket {
    user_id: String,
    actor: Option<Map<String, Value>>,
    organization: Option<String>,
    redirect_url: Option<String>,
    expires_in: i64,
    session_seconds: Option<i64>,
}

impl NewSignInTicket {
    pub(crate) fn read_sign_in(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            user_id: form.string("user_id")?.required("user_id")?,
            actor: None,
            organization: form.string("org_id")?.given().filter(|id| !id.is_empty()),
            expires_in: form.bounded("expires_in_seconds", seconds())?.given().unwrap_or(SIGN_IN_SECONDS),
            redirect_url: None,
            session_seconds: None,
        };
        form.finish()?;
        Ok(new)
    }

    pub(crate) fn read_actor(mut form: Form) -> Result<Self, Refusal> {
        let actor = form.object("actor")?.required("actor")?;
        if !actor.get("sub").is_some_and(Value::is_string) {
            return Err(Refusal::missing("actor.sub"));
        }
        let session = form.bounded("session_max_duration_in_seconds", seconds())?.given();
        let new = Self {
            user_id: form.string("user_id")?.required("user_id")?,
            actor: Some(actor),
            organization: None,
            redirect_url: None,
            expires_in: form.bounded("expires_in_seconds", seconds())?.given().unwrap_or(ACTOR_SECONDS),
            session_seconds: Some(session.unwrap_or(ACTOR_SESSION_SECONDS)),
        };
        form.finish()?;
        Ok(new)
    }
}

impl NewSignInTicket {
    /// What lets an agent in as a user.
    pub(crate) fn of_agent(
        user_id: String,
        actor: Map<String, Value>,
        session_seconds: i64,
        redirect_url: String,
    ) -> Self {
        Self {
            user_id,
            actor: Some(actor),
            organization: None,
            redirect_url: Some(redirect_url),
            expires_in: ACTOR_SECONDS,
            session_seconds: Some(session_seconds),
        }
    }
}

/// Any time that ends before the calendar does.
fn seconds() -> std::ops::RangeInclusive<i64> {
    1..=i64::from(u32::MAX)
}

impl Change<'_> {
    pub(crate) fn create_sign_in_ticket(&mut self, new: NewSignInTicket) -> Result<SignInTicket, Refusal> {
        let prefix = if new.actor.is_some() { ACTOR_PREFIX } else { SIGN_IN_PREFIX };
        let id = self.state.ids.prefixed(prefix, self.now);
        self.create_sign_in_ticket_as(id, new)
    }

    pub(crate) fn create_sign_in_ticket_as(
        &mut self,
        id: String,
        new: NewSignInTicket,
    ) -> Result<SignInTicket, Refusal> {
        let user = self.state.users.get(&new.user_id).ok_or_else(|| Refusal::not_found("user", &new.user_id))?;
        let user_id = user.id.clone();
        let organization_id = match &new.organization {
            None => None,
            Some(id) => {
                let found = self.state.organizations.by_id_or_slug(id);
                let organization = found.ok_or_else(|| Refusal::not_found("organization", id))?;
                if self.state.memberships.between(organization.id.as_str(), user_id.as_str()).is_none() {
                    let long = format!("User {user_id} is not a member of organization {}.", organization.id);
                    let code = "not_a_member_in_organization";
                    return Err(Refusal::new(StatusCode::FORBIDDEN, code, "not a member", long));
                }
                Some(organization.id.clone())
            }
        };
        let ticket = SignInTicket {
            id,
            user_id,
            actor: new.actor,
            organization_id,
            status: TicketStatus::Pending,
            token: Secret::new(ids::hex(&self.state.ids.secret::<24>())),
            expires_at: self.now.plus(Duration::from_secs(new.expires_in.unsigned_abs())),
            redirect_url: new.redirect_url,
            session_seconds: new.session_seconds,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.sign_in_tickets.put(ticket.clone());
        Ok(ticket)
    }

    /// Revokes a sign-in token, or an actor token: an id of one kind does not find the other.
    pub(crate) fn revoke_sign_in_ticket(&mut self, id: &str, of_actor: bool) -> Result<SignInTicket, Refusal> {
        let what = if of_actor { "actor token" } else { "sign in token" };
        let prefix = if of_actor { ACTOR_PREFIX } else { SIGN_IN_PREFIX };
        let found = self.state.sign_in_tickets.get(id).filter(|ticket| ticket.id.starts_with(prefix));
        let mut ticket = found.ok_or_else(|| Refusal::not_found(what, id))?.clone();
        if ticket.status != TicketStatus::Pending {
            let code =
                if of_actor { "actor_token_cannot_be_revoked_code" } else { "sign_in_token_cannot_be_revoked_code" };
            let long = format!("The {what} cannot be revoked: it is not pending any more.");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, code, "cannot revoke", long));
        }
        ticket.status = TicketStatus::Revoked;
        ticket.updated_at = self.now;
        self.state.sign_in_tickets.put(ticket.clone());
        Ok(ticket)
    }

    /// Uses a ticket of any kind.
    pub(crate) fn redeem(&mut self, ticket: &str) -> Result<Redeemed, Refusal> {
        let state = &self.state;
        if let Some(found) = state.sign_in_tickets.find(|one| one.token.matches(ticket)).cloned() {
            return self.sign_in_by(found).map(Redeemed::Session);
        }
        if let Some(found) = state.invitations.find(|one| one.ticket == ticket).map(|one| one.id.clone()) {
            return self.accept_invitation(&found).map(Redeemed::User);
        }
        let invitations = &state.organization_invitations;
        if let Some(found) = invitations.find(|one| one.ticket == ticket).map(|one| one.id.clone()) {
            return self.accept_organization_invitation(&found, None).map(|invitation| Redeemed::Member(invitation.id));
        }
        let long = "There is no such ticket.";
        Err(Refusal::new(StatusCode::BAD_REQUEST, "ticket_invalid_code", "ticket is invalid", long))
    }

    fn sign_in_by(&mut self, ticket: SignInTicket) -> Result<Session, Refusal> {
        ticket.check_usable(self.now)?;
        let mut form = json!({ "user_id": ticket.user_id, "active_organization_id": ticket.organization_id });
        if let (Some(actor), Some(seconds)) = (&ticket.actor, ticket.session_seconds) {
            form["actor"] = json!(actor);
            form["expires_in_seconds"] = json!(seconds);
        }
        let session = self.create_session(NewSession::read_any(Form::parse(form.to_string().as_bytes())?)?)?;
        self.accept_sign_in_ticket(ticket);
        Ok(session)
    }

    /// Uses it up.
    pub(crate) fn accept_sign_in_ticket(&mut self, mut ticket: SignInTicket) {
        ticket.status = TicketStatus::Accepted;
        ticket.updated_at = self.now;
        self.state.sign_in_tickets.put(ticket);
    }
}
