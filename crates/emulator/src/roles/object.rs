//! Roles and permissions as the Backend API shows them.
//!
//! They are configuration, so their ids are not drawn: an id is a hash of instance and key, the same at every start.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::{RoleDefinition, Roles, SYSTEM_PREFIX};
use crate::{ids::base62, view::View};

/// What a creator of an organization must be allowed to do (Clerk: "The Creator role").
const CREATOR_PERMISSIONS: [&str; 3] =
    ["org:sys_memberships:manage", "org:sys_memberships:read", "org:sys_profile:delete"];

pub(crate) fn role_object(role: &RoleDefinition, view: View<'_>) -> Value {
    let creator = CREATOR_PERMISSIONS.iter().all(|needed| role.permissions.iter().any(|key| key == needed));
    json!({
        "object": "role",
        "id": stable_id("role_", &role.key, view),
        "name": role.name,
        "key": role.key,
        "description": null,
        "is_creator_eligible": creator,
        "permissions": role.permissions.iter().map(|key| permission_object(key, view)).collect::<Vec<_>>(),
        "created_at": view.state.created_at,
        "updated_at": view.state.created_at,
    })
}

pub(crate) fn permission_object(key: &str, view: View<'_>) -> Value {
    json!({
        "object": "permission",
        "id": stable_id("perm_", key, view),
        "name": key.trim_start_matches("org:").replace([':', '_'], " "),
        "key": key,
        "description": "",
        "type": if key.starts_with(SYSTEM_PREFIX) { "system" } else { "user" },
        "created_at": view.state.created_at,
        "updated_at": view.state.created_at,
    })
}

impl Roles {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &RoleDefinition> {
        self.0.iter()
    }

    /// Every permission that some role gives, each once.
    pub(crate) fn permissions(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.0.iter().flat_map(|role| &role.permissions).map(String::as_str).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

fn stable_id(prefix: &str, key: &str, view: View<'_>) -> String {
    let fingerprint = digest(&SHA256, format!("{}/{key}", view.instance_id).as_bytes());
    let mut number = [0; 20];
    number.copy_from_slice(&fingerprint.as_ref()[..20]);
    format!("{prefix}{}", base62(number))
}
