//! What a session token says about the active organization, in both versions.

use serde_json::{Map, Value, json};

use super::SessionTokenVersion;
use crate::{memberships::Membership, organizations::Organization, roles::Roles};

/// The membership that is active in a token, and its organization.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActiveMembership<'a> {
    pub(crate) organization: &'a Organization,
    pub(crate) membership: &'a Membership,
}

/// Adds `v` and, when an organization is active, what the version says about it.
pub(super) fn add_organization(
    claims: &mut Map<String, Value>,
    version: SessionTokenVersion,
    active: Option<&ActiveMembership<'_>>,
    roles: &Roles,
) {
    if version == SessionTokenVersion::V2 {
        claims.insert("v".to_owned(), json!(2));
    }
    let Some(ActiveMembership { organization, membership }) = active else { return };
    let permissions = roles.token_permissions(&membership.role);
    match version {
        SessionTokenVersion::V1 => {
            let permissions: Vec<String> = permissions.iter().map(ToString::to_string).collect();
            claims.insert("org_id".to_owned(), json!(organization.id));
            claims.insert("org_permissions".to_owned(), json!(permissions));
            claims.insert("org_role".to_owned(), json!(membership.role));
            claims.insert("org_slug".to_owned(), json!(organization.slug));
        }
        SessionTokenVersion::V2 => {
            let role = membership.role.strip_prefix("org:").unwrap_or(&membership.role);
            let mut active = json!({ "id": organization.id, "slg": organization.slug, "rol": role });
            if !permissions.is_empty() {
                let packed = clerk::pack(&permissions);
                active["per"] = json!(packed.permissions);
                active["fpm"] = json!(packed.masks);
                claims.insert("fea".to_owned(), json!(packed.features));
            }
            claims.insert("o".to_owned(), active);
        }
    }
}
