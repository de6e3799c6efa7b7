//! Domains of an organization: whose e-mail addresses may join it, and how.
//!
//! A domain belongs to one organization at most. What Clerk asks the Domain Name System is not asked here: a domain is
//! verified when somebody says so.

mod change;
mod list;
mod object;

use clerk::{OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use change::{NewOrganizationDomain, OrganizationDomainPatch};
pub(crate) use list::OrganizationDomainList;

use crate::table::Row;

const ENROLLMENT_MODES: [&str; 4] =
    ["manual_invitation", "automatic_invitation", "automatic_suggestion", "enterprise_sso"];

/// One domain, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationDomain {
    pub(crate) id: String,
    pub(crate) organization_id: OrganizationId,
    /// In lower case.
    pub(crate) name: String,
    pub(crate) enrollment_mode: String,
    /// Since when the affiliation is verified.
    pub(crate) verified_at: Option<Timestamp>,
    /// Since when the ownership is verified.
    pub(crate) owned_since: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Row for OrganizationDomain {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}
