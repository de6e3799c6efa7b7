//! Who belongs to which organization, and as what.

use serde_json::value::RawValue;

use super::ObjectError;
use super::fields::Fields;
use crate::{MembershipId, OrganizationId, Timestamp, UserId, jsonb_text};

/// A membership, as in all three `organizationMembership.*` events (the deleted one carries it whole) and in
/// `GET /organization_memberships`. A membership of nobody or nowhere is none, so all three ids must be there.
#[derive(Clone, Debug)]
pub struct Membership {
    /// `id`. New when a removed member is added again.
    pub id: MembershipId,
    /// `organization.id`.
    pub organization_id: OrganizationId,
    /// `public_user_data.user_id`.
    pub user_id: UserId,
    /// `role`: `org:admin`.
    pub role: Option<String>,
    /// `role_name`: as people read it.
    pub role_name: Option<String>,
    /// `permissions`, system permissions included; unlike in a token.
    pub permissions: Vec<String>,
    /// `public_metadata`.
    pub public_metadata: Option<Box<RawValue>>,
    /// `created_at`.
    pub created_at: Option<Timestamp>,
    /// `updated_at`. In a deletion it may be older than what is already stored.
    pub updated_at: Option<Timestamp>,
}

impl Membership {
    /// Reads a membership object.
    pub fn from_json(json: &str) -> Result<Self, ObjectError> {
        const OBJECT: &str = "organization membership";
        let json = jsonb_text(json);
        let membership = Fields::parse(OBJECT, &json)?;
        let organization = membership.object_or_empty("organization");
        let user = membership.object_or_empty("public_user_data");
        Ok(Self {
            id: membership.id("id", "a membership id (`orgmem_…`)", MembershipId::parse)?,
            organization_id: organization.id(
                "organization.id",
                "an organization id (`org_…`)",
                OrganizationId::parse,
            )?,
            user_id: user.id("public_user_data.user_id", "a user id (`user_…`)", UserId::parse)?,
            role: membership.text("role"),
            role_name: membership.text("role_name"),
            permissions: membership.texts("permissions"),
            public_metadata: membership.raw("public_metadata"),
            created_at: membership.moment("created_at"),
            updated_at: membership.moment("updated_at"),
        })
    }
}
