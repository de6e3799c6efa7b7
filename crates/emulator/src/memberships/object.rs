//! A membership as the Backend API and webhooks show it: with its organization and the public part of its user.

use clerk::{MembershipId, Timestamp};
use serde::Serialize;

use super::Membership;
use crate::{
    metadata::Metadata,
    organizations::OrganizationObject,
    users::PublicUserData,
    view::{Detail, View},
};

/// Serializes one membership.
#[derive(Serialize)]
pub(crate) struct MembershipObject<'a> {
    object: &'static str,
    id: &'a MembershipId,
    role: &'a str,
    role_name: &'a str,
    permissions: &'a [String],
    public_metadata: &'a Metadata,
    private_metadata: &'a Metadata,
    organization: OrganizationObject<'a>,
    public_user_data: PublicUserData<'a>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> MembershipObject<'a> {
    pub(crate) fn of(membership: &'a Membership, view: View<'a>, detail: Detail) -> Self {
        let state = view.state;
        let organization = state
            .organizations
            .get(membership.organization_id.as_str())
            .expect("the organization of a membership exists");
        let user = state.users.get(membership.user_id.as_str()).expect("the user of a membership exists");
        let role = state.roles.get(&membership.role);
        Self {
            object: "organization_membership",
            id: &membership.id,
            role: &membership.role,
            role_name: role.map_or(&membership.role, |role| &role.name),
            permissions: role.map_or(&[], |role| role.permissions.as_slice()),
            public_metadata: &membership.public_metadata,
            private_metadata: &membership.private_metadata,
            organization: view.organization(organization, detail),
            public_user_data: PublicUserData::of(user, view.instance_id),
            created_at: membership.created_at,
            updated_at: membership.updated_at,
        }
    }
}
