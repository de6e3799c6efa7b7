//! Organizations: who shares a tenant.
//!
//! A slug belongs to one organization at most. Invitations and domains stand in files of their own and go with it.

mod collection;
mod create;
mod list;
mod object;
mod update;

use clerk::{OrganizationId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

pub(crate) use collection::Organizations;
pub(crate) use create::NewOrganization;
pub(crate) use list::{OrganizationList, wants_counts};
pub(crate) use object::{Counts, OrganizationObject, public_organization_data};
pub(crate) use update::{OrganizationMetadata, OrganizationPatch};

use crate::metadata::Metadata;

/// One organization, as stored. What the API shows is [`OrganizationObject`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Organization {
    pub(crate) id: OrganizationId,
    pub(crate) name: String,
    pub(crate) slug: String,
    /// Where the logo is that somebody uploaded.
    #[serde(default)]
    pub(crate) image_url: Option<String>,
    /// Zero means that there is no limit.
    pub(crate) max_allowed_memberships: i64,
    pub(crate) admin_delete_enabled: bool,
    pub(crate) public_metadata: Metadata,
    pub(crate) private_metadata: Metadata,
    pub(crate) created_by: Option<UserId>,
    pub(crate) role_set_key: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}
