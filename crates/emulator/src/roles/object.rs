//! Roles, permissions and role sets as the Backend API and webhooks show them.

use serde_json::{Value, json};

use super::{Permission, Role, RoleSet, Roles};
use crate::memberships::Memberships;

impl Role {
    pub(crate) fn object(&self, roles: &Roles) -> Value {
        let permissions = self.permissions.iter().filter_map(|key| roles.permission(key)).map(Permission::object);
        json!({
            "object": "role",
            "id": self.id,
            "name": self.name,
            "key": self.key,
            "description": self.description,
            "is_creator_eligible": self.may_create_organizations(),
            "permissions": permissions.collect::<Vec<_>>(),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    pub(crate) fn deleted(&self) -> Value {
        json!({ "object": "role", "id": self.id, "deleted": true })
    }
}

impl Permission {
    pub(crate) fn object(&self) -> Value {
        json!({
            "object": "permission",
            "id": self.id,
            "name": self.name,
            "key": self.key,
            "description": self.description,
            "type": if self.is_system() { "system" } else { "user" },
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    pub(crate) fn deleted(&self) -> Value {
        json!({ "object": "permission", "id": self.id, "deleted": true })
    }
}

impl RoleSet {
    pub(crate) fn object(&self, roles: &Roles, memberships: &Memberships) -> Value {
        let item = |key: &str| roles.get(key).map(|role| role_set_item(role, memberships));
        let mut object = json!({
            "object": "role_set",
            "id": self.id,
            "name": self.name,
            "key": self.key,
            "description": self.description,
            "roles": self.roles.iter().filter_map(|key| item(key)).collect::<Vec<_>>(),
            "type": if self.initial { "initial" } else { "custom" },
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        });
        // Both may be left out, and neither may be null (2026-05-12, schema RoleSet).
        for (name, key) in [("default_role", &self.default_role), ("creator_role", &self.creator_role)] {
            if let Some(item) = item(key) {
                object[name] = item;
            }
        }
        object
    }

    pub(crate) fn deleted(&self) -> Value {
        json!({ "object": "role_set", "id": self.id, "deleted": true })
    }
}

fn role_set_item(role: &Role, memberships: &Memberships) -> Value {
    let members = memberships.oldest_first().filter(|membership| membership.role == role.key).count();
    json!({
        "object": "role_set_item",
        "id": role.id,
        "name": role.name,
        "key": role.key,
        "description": role.description,
        "members_count": members,
        "has_members": members > 0,
        "created_at": role.created_at,
        "updated_at": role.updated_at,
    })
}
