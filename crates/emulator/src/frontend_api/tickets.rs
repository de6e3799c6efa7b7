//! Tickets: links that vouch for somebody.
//!
//! An invitation to an organization or to the application carries one, and so does a sign-in token. Whoever holds it has
//! the mailbox it was sent to, so the address counts as proven. A ticket is used by signing in when its person has an
//! account, and by signing up otherwise; an invitation is accepted by either.

use clerk::{OrganizationId, UserId};
use http::StatusCode;
use serde_json::{Map, Value};

use crate::{
    change::Change,
    metadata::Metadata,
    refusal::Refusal,
    state::State,
    users::{Identifier, User},
    view::View,
};

/// What a ticket stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ticket {
    kind: Kind,
    id: String,
    /// Who holds it, however that is known.
    holder: Holder,
    /// What becomes active with the sign-in.
    pub(crate) organization: Option<OrganizationId>,
    /// Where the app wants people who come by it.
    pub(crate) redirect_url: Option<String>,
    /// What the session is like that comes of it.
    pub(crate) terms: Terms,
}

/// What sets a session apart from any other: somebody acts as the user, for a shorter time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Terms {
    pub(crate) actor: Option<Map<String, Value>>,
    pub(crate) seconds: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    OrganizationInvitation,
    Invitation,
    SignInTicket,
}

/// Who a ticket was given to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holder {
    Address(String),
    User(UserId),
}

impl Ticket {
    /// The ticket by its text; one that is spent, revoked or late is none.
    pub(crate) fn find(view: View<'_>, text: &str) -> Result<Self, Refusal> {
        let state = view.state;
        if let Some(found) = state.sign_in_tickets.find(|one| one.token.matches(text)) {
            found.check_usable(view.now)?;
            let session = Terms { actor: found.actor.clone(), seconds: found.session_seconds };
            return Ok(Self {
                kind: Kind::SignInTicket,
                id: found.id.clone(),
                holder: Holder::User(found.user_id.clone()),
                organization: found.organization_id.clone(),
                redirect_url: found.redirect_url.clone(),
                terms: session,
            });
        }
        if let Some(invitation) = state.organization_invitations.oldest_first().find(|one| one.ticket == text) {
            let ticket = Self {
                kind: Kind::OrganizationInvitation,
                id: invitation.id.clone(),
                holder: Holder::Address(invitation.email_address.clone()),
                organization: Some(invitation.organization_id.clone()),
                redirect_url: invitation.redirect_url.clone(),
                terms: Terms::default(),
            };
            return pending(ticket, invitation.status_at(view.now));
        }
        if let Some(invitation) = state.invitations.oldest_first().find(|one| one.ticket == text) {
            let ticket = Self {
                kind: Kind::Invitation,
                id: invitation.id.clone(),
                holder: Holder::Address(invitation.email_address.clone()),
                organization: None,
                redirect_url: invitation.redirect_url.clone(),
                terms: Terms::default(),
            };
            return pending(ticket, invitation.status_at(view.now));
        }
        Err(invalid("This ticket is not one of this instance."))
    }

    /// The account of whoever holds the ticket, when there is one.
    pub(crate) fn user<'a>(&self, state: &'a State) -> Option<&'a User> {
        match &self.holder {
            Holder::Address(address) => state.users.owner(&Identifier::email_address(address)),
            Holder::User(id) => state.users.get(id.as_str()),
        }
    }

    /// The address that the ticket proves.
    pub(crate) fn email_address(&self) -> Option<&str> {
        match &self.holder {
            Holder::Address(address) => Some(address),
            Holder::User(_) => None,
        }
    }

    /// What a user who is made by the ticket begins with.
    pub(crate) fn public_metadata(&self, state: &State) -> Metadata {
        match self.kind {
            Kind::OrganizationInvitation | Kind::SignInTicket => Metadata::new(),
            Kind::Invitation => {
                state.invitations.get(&self.id).map(|invitation| invitation.public_metadata.clone()).unwrap_or_default()
            }
        }
    }
}

impl Change<'_> {
    /// Uses the ticket up.
    pub(crate) fn spend(&mut self, ticket: &Ticket, user: &UserId) -> Result<(), Refusal> {
        match ticket.kind {
            Kind::OrganizationInvitation => {
                self.accept_organization_invitation(&ticket.id, Some(user.as_str())).map(|_| ())
            }
            Kind::Invitation => {
                self.mark_invitation_accepted(&ticket.id);
                Ok(())
            }
            Kind::SignInTicket => {
                if let Some(found) = self.state.sign_in_tickets.get(&ticket.id).cloned() {
                    self.accept_sign_in_ticket(found);
                }
                Ok(())
            }
        }
    }
}

fn pending(ticket: Ticket, status: &str) -> Result<Ticket, Refusal> {
    if status == "pending" { Ok(ticket) } else { Err(spent(status)) }
}

fn spent(status: &str) -> Refusal {
    invalid(&format!("This ticket is {status} and cannot be used anymore."))
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "ticket_invalid_code", "ticket is invalid", message)
}
