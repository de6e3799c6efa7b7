//! A reading of the state at one moment, and how its objects are shown.

use clerk::{InstanceId, OrganizationId, Timestamp};
use serde_json::Value;

use crate::{
    memberships::{Membership, MembershipObject},
    organization_invitations::OrganizationInvitation,
    organizations::{Counts, Organization, OrganizationObject, public_organization_data},
    refusal::Refusal,
    sessions::{Session, SessionObject},
    state::State,
    users::{User, UserObject},
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) state: &'a State,
    pub(crate) instance_id: &'a InstanceId,
    pub(crate) now: Timestamp,
}

/// Whether an organization is shown with its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Plain,
    WithCounts,
}

impl Detail {
    pub(crate) fn counted(wanted: bool) -> Self {
        if wanted { Self::WithCounts } else { Self::Plain }
    }
}

impl<'a> View<'a> {
    pub(crate) fn user(self, user: &'a User) -> UserObject<'a> {
        UserObject { user, instance_id: self.instance_id, now: self.now }
    }

    pub(crate) fn organization(self, organization: &'a Organization, detail: Detail) -> OrganizationObject<'a> {
        let counts = (detail == Detail::WithCounts).then(|| Counts::of(&organization.id, self));
        OrganizationObject { organization, instance_id: self.instance_id, counts }
    }

    pub(crate) fn membership(self, membership: &'a Membership, detail: Detail) -> MembershipObject<'a> {
        MembershipObject::of(membership, self, detail)
    }

    /// The part of an organization that its invitations and domains carry.
    pub(crate) fn public_organization(self, id: &OrganizationId) -> Value {
        let organization = self.state.organizations.get(id.as_str()).expect("what an organization owns goes with it");
        public_organization_data(organization, self.instance_id)
    }

    /// An invitation by its id, below its organization or anywhere.
    pub(crate) fn organization_invitation(
        self,
        organization: Option<&str>,
        id: &str,
    ) -> Result<&'a OrganizationInvitation, Refusal> {
        let within = match organization {
            None => None,
            Some(organization) => {
                let found = self.state.organizations.by_id_or_slug(organization);
                Some(&found.ok_or_else(|| Refusal::not_found("organization", organization))?.id)
            }
        };
        let invitation = self.state.organization_invitations.get(id);
        let found = invitation.filter(|invitation| within.is_none_or(|id| *id == invitation.organization_id));
        found.ok_or_else(|| Refusal::not_found("organization invitation", id))
    }

    pub(crate) fn session(self, session: &'a Session) -> SessionObject<'a> {
        SessionObject { session, user: None, now: self.now }
    }

    /// A session as webhooks show it: with the whole user.
    pub(crate) fn session_with_user(self, session: &'a Session) -> SessionObject<'a> {
        let user = self.state.users.get(session.user_id.as_str()).expect("a session belongs to a user");
        SessionObject { session, user: Some(self.user(user)), now: self.now }
    }
}
