//! An organization.

use serde_json::value::RawValue;

use super::ObjectError;
use super::fields::Fields;
use crate::{OrganizationId, Timestamp, jsonb_text};

/// An organization, as in `organization.created`, `organization.updated`, `GET /organizations` and inside memberships.
#[derive(Clone, Debug)]
pub struct Organization {
    /// `id`.
    pub id: OrganizationId,
    /// `name`.
    pub name: Option<String>,
    /// `slug`; absent when the instance does not use slugs.
    pub slug: Option<String>,
    /// `image_url`.
    pub image_url: Option<String>,
    /// `created_by`: a user id, who may be gone by now.
    pub created_by: Option<String>,
    /// `members_count`; only in some answers.
    pub members_count: Option<i64>,
    /// `max_allowed_memberships`; 0 means no limit.
    pub max_allowed_memberships: Option<i64>,
    /// `public_metadata`.
    pub public_metadata: Option<Box<RawValue>>,
    /// `created_at`.
    pub created_at: Option<Timestamp>,
    /// `updated_at`: the version that upserts are ordered by.
    pub updated_at: Option<Timestamp>,
}

impl Organization {
    /// Reads an organization object.
    pub fn from_json(json: &str) -> Result<Self, ObjectError> {
        let json = jsonb_text(json);
        let organization = Fields::parse("organization", &json)?;
        Ok(Self {
            id: organization.id("id", "an organization id (`org_…`)", OrganizationId::parse)?,
            name: organization.text("name"),
            slug: organization.text("slug"),
            image_url: organization.text("image_url"),
            created_by: organization.text("created_by"),
            members_count: organization.get("members_count"),
            max_allowed_memberships: organization.get("max_allowed_memberships"),
            public_metadata: organization.raw("public_metadata"),
            created_at: organization.moment("created_at"),
            updated_at: organization.moment("updated_at"),
        })
    }
}
