//! Invitations to the application. Clerk announces nothing about them: they are seen by asking, and by their e-mail.
//!
//! There is one pending invitation for an e-mail address at most, unless the caller says that existing ones are to be
//! ignored. Accepting one makes the user, whose public metadata is that of the invitation.

mod change;
mod list;

use clerk::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use change::NewInvitation;
pub(crate) use list::InvitationList;

use crate::{invitation_status::InvitationStatus, metadata::Metadata, table::Row, view::View};

/// One invitation, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invitation {
    pub(crate) id: String,
    pub(crate) email_address: String,
    pub(crate) status: InvitationStatus,
    pub(crate) public_metadata: Metadata,
    pub(crate) redirect_url: Option<String>,
    /// What the link in the e-mail carries.
    pub(crate) ticket: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Invitation {
    pub(crate) fn status_at(&self, now: Timestamp) -> &'static str {
        self.status.name_at(now, self.expires_at)
    }

    /// The invitation as the Backend API shows it.
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        json!({
            "object": "invitation",
            "id": self.id,
            "email_address": self.email_address,
            "public_metadata": self.public_metadata,
            "revoked": self.status == InvitationStatus::Revoked,
            "status": self.status_at(view.now),
            "url": self.url(view),
            "expires_at": self.expires_at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    /// The link in the e-mail.
    pub(crate) fn url(&self, view: View<'_>) -> String {
        format!("{}/v1/tickets/accept?ticket={}", view.state.base_url, self.ticket)
    }
}

impl Row for Invitation {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}
