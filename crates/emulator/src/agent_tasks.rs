//! Agent tasks: a program is let in as a user, once, for a short while. `@clerk/testing` signs in by them.
//!
//! A task is a ticket whose session names the agent as its actor. The id of an agent follows from its name, so that one
//! agent is the same in every task.

use aws_lc_rs::digest::{SHA256, digest};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    change::Change,
    form::Form,
    ids::base62,
    refusal::Refusal,
    tickets::{NewSignInTicket, SignInTicket, TicketStatus},
    view::View,
};

/// Clerk: the session lasts half an hour unless the task says otherwise.
const SESSION_SECONDS: i64 = 1800;
/// What sets the ids of tasks apart from those of other tickets.
const PREFIX: &str = "agtask_";

/// A task somebody asks for.
#[derive(Debug)]
pub(crate) struct NewAgentTask {
    user: String,
    agent_name: String,
    redirect_url: String,
    session_seconds: i64,
}

impl NewAgentTask {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let behalf = form.object("on_behalf_of")?.required("on_behalf_of")?;
        let name = |member: &str| behalf.get(member).and_then(Value::as_str).map(str::to_owned);
        let user = name("user_id").or_else(|| name("identifier"));
        form.word("permissions", &["*"])?.required("permissions")?;
        let new = Self {
            user: user.ok_or_else(|| Refusal::missing("on_behalf_of.user_id"))?,
            agent_name: form.string("agent_name")?.required("agent_name")?,
            redirect_url: form.string("redirect_url")?.required("redirect_url")?,
            session_seconds: form
                .bounded("session_max_duration_in_seconds", 1..=i64::from(u32::MAX))?
                .given()
                .unwrap_or(SESSION_SECONDS),
        };
        form.string("task_description")?.required("task_description")?;
        form.finish()?;
        Ok(new)
    }
}

/// A task as the Backend API shows it; the link works while it is pending.
pub(crate) fn object(ticket: &SignInTicket, view: View<'_>) -> Value {
    let agent = ticket.actor.as_ref().and_then(|actor| actor.get("sub")).cloned().unwrap_or_default();
    let mut object = json!({
        "object": "agent_task",
        "agent_id": agent,
        "agent_task_id": ticket.id,
        "task_id": ticket.id,
    });
    if ticket.status == TicketStatus::Pending {
        object["url"] = json!(ticket.url(view));
    }
    object
}

impl Change<'_> {
    pub(crate) fn create_agent_task(&mut self, new: NewAgentTask) -> Result<SignInTicket, Refusal> {
        let user = self.anybody(&new.user)?.id.clone();
        let mut actor = Map::new();
        actor.insert("sub".to_owned(), json!(agent_id(self.instance_id.as_str(), &new.agent_name)));
        actor.insert("type".to_owned(), json!("agent"));
        let id = self.state.ids.prefixed(PREFIX, self.now);
        let ticket = NewSignInTicket::of_agent(user.to_string(), actor, new.session_seconds, new.redirect_url);
        self.create_sign_in_ticket_as(id, ticket)
    }

    pub(crate) fn revoke_agent_task(&mut self, id: &str) -> Result<SignInTicket, Refusal> {
        let found = self.state.sign_in_tickets.get(id).filter(|ticket| ticket.id.starts_with(PREFIX));
        let mut ticket = found.cloned().ok_or_else(|| {
            let long = "The requested agent task could not be found.";
            Refusal::new(StatusCode::NOT_FOUND, "agent_task_not_found", "agent task not found", long)
        })?;
        if ticket.status != TicketStatus::Pending {
            let (code, short) = ("agent_task_cannot_be_revoked", "cannot revoke agent task");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, code, short, "The agent task is not pending any more."));
        }
        ticket.status = TicketStatus::Revoked;
        ticket.updated_at = self.now;
        self.state.sign_in_tickets.put(ticket.clone());
        Ok(ticket)
    }
}

fn agent_id(instance: &str, name: &str) -> String {
    let fingerprint = digest(&SHA256, format!("{instance} {name}").as_bytes());
    let mut number = [0; 20];
    number.copy_from_slice(&fingerprint.as_ref()[..20]);
    format!("agent_{}", base62(number))
}
