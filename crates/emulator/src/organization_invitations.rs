//! Invitations to an organization.
//!
//! An organization has one pending invitation for an e-mail address at most. Accepting one makes the membership that it
//! described, metadata included. A deleted organization takes its invitations along.

mod change;
mod list;
mod object;

use clerk::{OrganizationId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

pub(crate) use change::NewOrganizationInvitation;
pub(crate) use list::OrganizationInvitationList;

use crate::{
    invitation_status::InvitationStatus,
    metadata::Metadata,
    table::{Row, Table},
};

/// One invitation, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationInvitation {
    pub(crate) id: String,
    pub(crate) organization_id: OrganizationId,
    pub(crate) email_address: String,
    /// `org:member`, with the prefix.
    pub(crate) role: String,
    pub(crate) inviter_id: Option<UserId>,
    pub(crate) status: InvitationStatus,
    /// Who accepted it.
    pub(crate) user_id: Option<UserId>,
    pub(crate) public_metadata: Metadata,
    pub(crate) private_metadata: Metadata,
    pub(crate) redirect_url: Option<String>,
    /// What the link in the e-mail carries.
    pub(crate) ticket: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl OrganizationInvitation {
    pub(crate) fn status_at(&self, now: Timestamp) -> &'static str {
        self.status.name_at(now, self.expires_at)
    }

    pub(crate) fn is_pending(&self, now: Timestamp) -> bool {
        self.status_at(now) == "pending"
    }
}

impl Row for OrganizationInvitation {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl Table<OrganizationInvitation> {
    pub(crate) fn pending_in(&self, organization: &OrganizationId, now: Timestamp) -> usize {
        let pending = |invitation: &&OrganizationInvitation| {
            invitation.organization_id == *organization && invitation.is_pending(now)
        };
        self.oldest_first().filter(pending).count()
    }

    pub(crate) fn name_role(&self, role: &str, now: Timestamp) -> bool {
        self.oldest_first().any(|invitation| invitation.role == role && invitation.is_pending(now))
    }

    pub(crate) fn rename_role(&mut self, old: &str, new: &str) {
        self.rows_mut()
            .filter(|invitation| invitation.role == old)
            .for_each(|invitation| new.clone_into(&mut invitation.role));
    }
}
