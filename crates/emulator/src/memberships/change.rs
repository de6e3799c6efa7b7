//! Adding, changing and removing members.

use clerk::{EventKind, OrganizationId, UserId};
use http::StatusCode;

use super::Membership;
use crate::{
    change::Change,
    form::{Field, Form},
    metadata::{self, Metadata, MetadataMode},
    refusal::Refusal,
};

/// What `POST /v1/organizations/{id}/memberships` asks for.
#[derive(Debug)]
pub(crate) struct NewMembership {
    user_id: String,
    role: String,
    public_metadata: Metadata,
    private_metadata: Metadata,
}

impl NewMembership {
    pub(crate) fn plain(user_id: &str, role: &str) -> Self {
        let (user_id, role) = (user_id.to_owned(), role.to_owned());
        Self { user_id, role, public_metadata: Metadata::new(), private_metadata: Metadata::new() }
    }

    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            user_id: form.string("user_id")?.required("user_id")?,
            role: form.string("role")?.required("role")?,
            public_metadata: metadata::read(&mut form, "public_metadata")?.given().unwrap_or_default(),
            private_metadata: metadata::read(&mut form, "private_metadata")?.given().unwrap_or_default(),
        };
        form.finish()?;
        Ok(new)
    }
}

/// What `PATCH …/memberships/{user_id}` asks for.
#[derive(Debug)]
pub(crate) struct MembershipPatch {
    role: String,
}

impl MembershipPatch {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let role = form.string("role")?.required("role")?;
        form.finish()?;
        Ok(Self { role })
    }
}

/// The metadata members of a form.
#[derive(Debug)]
pub(crate) struct MembershipMetadata {
    public: Field<Metadata>,
    private: Field<Metadata>,
}

impl MembershipMetadata {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let metadata = Self {
            public: metadata::read(&mut form, "public_metadata")?,
            private: metadata::read(&mut form, "private_metadata")?,
        };
        form.finish()?;
        Ok(metadata)
    }
}

impl Change<'_> {
    /// Adds a member and announces `organizationMembership.created`.
    pub(crate) fn create_membership(&mut self, organization: &str, new: NewMembership) -> Result<Membership, Refusal> {
        let state = &self.state;
        let organization = state
            .organizations
            .by_id_or_slug(organization)
            .ok_or_else(|| Refusal::not_found("organization", organization))?;
        let user = state.users.get(&new.user_id).ok_or_else(|| Refusal::not_found("user", &new.user_id))?;
        self.check_role(&new.role)?;
        let (organization, user) = (organization.id.clone(), user.id.clone());
        self.check_can_join(&organization, &user)?;
        let membership =
            self.insert_membership(&organization, &user, &new.role, new.public_metadata, new.private_metadata);
        self.announce_membership(EventKind::OrganizationMembershipCreated, &membership);
        Ok(membership)
    }

    /// Stores a new membership without a word to anybody; the caller has checked everything.
    pub(crate) fn insert_membership(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        role: &str,
        public_metadata: Metadata,
        private_metadata: Metadata,
    ) -> Membership {
        let membership = Membership {
            id: self.state.ids.membership(self.now),
            organization_id: organization.clone(),
            user_id: user.clone(),
            role: role.to_owned(),
            public_metadata,
            private_metadata,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.memberships.put(membership.clone());
        membership
    }

    pub(crate) fn update_membership(
        &mut self,
        organization: &str,
        user: &str,
        patch: MembershipPatch,
    ) -> Result<Membership, Refusal> {
        self.check_role(&patch.role)?;
        self.alter_membership(organization, user, |membership| {
            membership.role = patch.role;
            Ok(())
        })
    }

    pub(crate) fn update_membership_metadata(
        &mut self,
        organization: &str,
        user: &str,
        metadata: MembershipMetadata,
    ) -> Result<Membership, Refusal> {
        self.alter_membership(organization, user, |membership| {
            let MembershipMetadata { public, private } = metadata;
            metadata::apply(MetadataMode::Merge, "public_metadata", public, &mut membership.public_metadata)?;
            metadata::apply(MetadataMode::Merge, "private_metadata", private, &mut membership.private_metadata)
        })
    }

    /// Removes a member and announces `organizationMembership.deleted` with the whole membership in it.
    pub(crate) fn delete_membership(&mut self, organization: &str, user: &str) -> Result<Membership, Refusal> {
        let membership = self.membership(organization, user)?.clone();
        self.state.memberships.remove(&membership.id);
        self.state.sessions.leave(&membership.user_id, &membership.organization_id);
        self.announce_membership(EventKind::OrganizationMembershipDeleted, &membership);
        Ok(membership)
    }

    fn alter_membership(
        &mut self,
        organization: &str,
        user: &str,
        alter: impl FnOnce(&mut Membership) -> Result<(), Refusal>,
    ) -> Result<Membership, Refusal> {
        let mut membership = self.membership(organization, user)?.clone();
        alter(&mut membership)?;
        Ok(self.put_changed_membership(membership))
    }

    /// Stores a changed membership and announces it.
    pub(crate) fn put_changed_membership(&mut self, mut membership: Membership) -> Membership {
        membership.updated_at = self.now;
        self.state.memberships.put(membership.clone());
        self.announce_membership(EventKind::OrganizationMembershipUpdated, &membership);
        membership
    }

    fn membership(&self, organization: &str, user: &str) -> Result<&Membership, Refusal> {
        let state = &self.state;
        let organization = state
            .organizations
            .by_id_or_slug(organization)
            .ok_or_else(|| Refusal::not_found("organization", organization))?;
        state
            .memberships
            .between(organization.id.as_str(), user)
            .ok_or_else(|| Refusal::not_found("organization membership", user))
    }

    /// Refuses who is a member already, and whom the organization has no room for.
    pub(crate) fn check_can_join(&self, organization: &OrganizationId, user: &UserId) -> Result<(), Refusal> {
        let memberships = &self.state.memberships;
        if memberships.between(organization.as_str(), user.as_str()).is_some() {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "already_a_member_in_organization",
                "already a member",
                format!("User {user} is already a member of organization {organization}."),
            ));
        }
        let allowed = self.state.organizations.get(organization.as_str()).map(|one| one.max_allowed_memberships);
        let limit = usize::try_from(allowed.unwrap_or(0)).unwrap_or(usize::MAX);
        if limit > 0 && memberships.count_in(organization) >= limit {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "organization_membership_quota_exceeded",
                "organization membership quota exceeded",
                format!("The organization has reached its limit of {limit} memberships."),
            ));
        }
        Ok(())
    }

    pub(crate) fn check_role(&self, key: &str) -> Result<(), Refusal> {
        if self.state.roles.get(key).is_some() {
            return Ok(());
        }
        let message = format!("Organization role {key} was not found.");
        let refusal = Refusal::new(StatusCode::NOT_FOUND, "resource_not_found", "not found", message);
        Err(refusal.with_meta(serde_json::json!({ "param_name": "role" })))
    }
}
