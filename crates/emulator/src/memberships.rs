//! Memberships: which user belongs to which organization, and as what.
//!
//! A user is in an organization once at most. A membership's id is its generation: whoever is removed and added again
//! gets a new one.

mod change;
mod collection;
mod list;
mod object;

use clerk::{MembershipId, OrganizationId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

pub(crate) use change::{MembershipMetadata, MembershipPatch, NewMembership};
pub(crate) use collection::Memberships;
pub(crate) use list::{MembershipList, MembershipScope};
pub(crate) use object::MembershipObject;

use crate::metadata::Metadata;

/// One membership, as stored. What the API shows is [`MembershipObject`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Membership {
    pub(crate) id: MembershipId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) user_id: UserId,
    /// `org:admin`, with the prefix.
    pub(crate) role: String,
    pub(crate) public_metadata: Metadata,
    pub(crate) private_metadata: Metadata,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}
