//! An organization as the Backend API and webhooks show it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clerk::{InstanceId, OrganizationId, Timestamp, UserId};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::Organization;
use crate::{metadata::Metadata, view::View};

/// Serializes one organization; the counts are shown when asked for, and never in webhooks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrganizationObject<'a> {
    pub(crate) organization: &'a Organization,
    pub(crate) instance_id: &'a InstanceId,
    pub(crate) counts: Option<Counts>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    members: usize,
    pending_invitations: usize,
}

impl Counts {
    pub(crate) fn of(organization: &OrganizationId, view: View<'_>) -> Self {
        Self {
            members: view.state.memberships.count_in(organization),
            pending_invitations: view.state.organization_invitations.pending_in(organization, view.now),
        }
    }
}

/// The part of an organization that invitations and domains carry.
pub(crate) fn public_organization_data(organization: &Organization, instance_id: &InstanceId) -> Value {
    json!({
        "id": organization.id,
        "name": organization.name,
        "slug": organization.slug,
        "image_url": image_url(organization, instance_id),
        "has_image": organization.image_url.is_some(),
    })
}

/// The logo that was uploaded, or Clerk's default one: its address carries what to draw.
fn image_url(organization: &Organization, instance_id: &InstanceId) -> String {
    if let Some(url) = &organization.image_url {
        return url.clone();
    }
    let initial: String = organization.name.chars().take(1).flat_map(char::to_uppercase).collect();
    let picture = json!({ "type": "default", "iid": instance_id, "rid": organization.id, "initials": initial });
    format!("https://img.clerk.com/{}", URL_SAFE_NO_PAD.encode(picture.to_string()))
}

#[derive(Serialize)]
struct Wire<'a> {
    object: &'static str,
    id: &'a OrganizationId,
    name: &'a str,
    slug: &'a str,
    image_url: String,
    has_image: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    members_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_member_with_elevated_permissions: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_invitations_count: Option<usize>,
    max_allowed_memberships: i64,
    admin_delete_enabled: bool,
    public_metadata: &'a Metadata,
    private_metadata: &'a Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<&'a UserId>,
    created_at: Timestamp,
    updated_at: Timestamp,
    role_set_key: &'a Option<String>,
}

impl Serialize for OrganizationObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let organization = self.organization;
        Wire {
            object: "organization",
            id: &organization.id,
            name: &organization.name,
            slug: &organization.slug,
            image_url: image_url(organization, self.instance_id),
            has_image: organization.image_url.is_some(),
            members_count: self.counts.map(|counts| counts.members),
            missing_member_with_elevated_permissions: self.counts.map(|counts| counts.members == 0),
            pending_invitations_count: self.counts.map(|counts| counts.pending_invitations),
            max_allowed_memberships: organization.max_allowed_memberships,
            admin_delete_enabled: organization.admin_delete_enabled,
            public_metadata: &organization.public_metadata,
            private_metadata: &organization.private_metadata,
            created_by: organization.created_by.as_ref(),
            created_at: organization.created_at,
            updated_at: organization.updated_at,
            role_set_key: &organization.role_set_key,
        }
        .serialize(serializer)
    }
}
