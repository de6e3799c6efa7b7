//! The organization that is active in a session.

use super::ClaimsError;
use super::claim_set::ClaimSet;
use crate::{OrganizationId, Permission, unpack};

/// Organization, role and permissions of the session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActiveOrganization {
    /// `org_id` or `o.id`.
    pub id: OrganizationId,
    /// `org_slug` or `o.slg`; absent when the instance does not use slugs.
    pub slug: Option<String>,
    /// `org_role` or `o.rol`, always with `org:` in front: `org:admin`.
    pub role: Option<String>,
    /// `org_permissions`, or unpacked from `fea`, `o.per` and `o.fpm`. Never contains system permissions.
    pub permissions: Vec<Permission>,
}

impl ActiveOrganization {
    /// v1, and templates that imitate it.
    pub(super) fn read_v1(claims: &ClaimSet<'_>) -> Result<Option<Self>, ClaimsError> {
        let Some(id) = claims.id("org_id", OrganizationId::parse)? else { return Ok(None) };
        let permissions: Result<_, _> =
            claims.list("org_permissions")?.iter().map(|permission| Permission::parse(permission)).collect();
        Ok(Some(Self {
            id,
            slug: claims.text("org_slug")?,
            role: claims.text("org_role")?.and_then(with_prefix),
            permissions: permissions?,
        }))
    }

    /// v2: everything in `o`, except the names of the features.
    pub(super) fn read_v2(claims: &ClaimSet<'_>) -> Result<Option<Self>, ClaimsError> {
        let Some(o) = claims.object("o", "o.")? else { return Ok(None) };
        let id = o.id("id", OrganizationId::parse)?.ok_or_else(|| o.missing("id", "an organization id"))?;
        let features = claims.text("fea")?.unwrap_or_default();
        let permissions = o.text("per")?.unwrap_or_default();
        let masks = o.text("fpm")?.unwrap_or_default();
        Ok(Some(Self {
            id,
            slug: o.text("slg")?,
            role: o.text("rol")?.and_then(with_prefix),
            permissions: unpack(&features, &permissions, &masks)
                .map_err(|source| ClaimsError::Permissions { claim: "fea", source })?,
        }))
    }
}

/// v1 writes `org:admin`, v2 `admin`; both mean the same role.
fn with_prefix(role: String) -> Option<String> {
    match role.strip_prefix("org:") {
        _ if role.is_empty() => None,
        Some(_) => Some(role),
        None => Some(format!("org:{role}")),
    }
}
