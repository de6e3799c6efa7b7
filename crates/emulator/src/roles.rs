//! Roles and the permissions they give.
//!
//! Every instance begins with `org:admin` and `org:member`. System permissions (`org:sys_…`) appear on membership
//! objects and never in a token; custom permissions appear in both. The defaults follow Clerk's "Roles and permissions":
//! an administrator has all system permissions, a member reads members and billing.

mod object;

use clerk::Permission;
use serde::{Deserialize, Serialize};

pub(crate) use object::{permission_object, role_object};

pub(crate) const ADMIN: &str = "org:admin";
const MEMBER: &str = "org:member";
const SYSTEM_PREFIX: &str = "org:sys_";
const SYSTEM_PERMISSIONS: [&str; 9] = [
    "org:sys_billing:manage",
    "org:sys_billing:read",
    "org:sys_domains:manage",
    "org:sys_domains:read",
    "org:sys_entconns:manage",
    "org:sys_memberships:manage",
    "org:sys_memberships:read",
    "org:sys_profile:delete",
    "org:sys_profile:manage",
];
const MEMBER_PERMISSIONS: [&str; 2] = ["org:sys_billing:read", "org:sys_memberships:read"];

/// A role an instance is configured with. Defining `org:admin` or `org:member` adds permissions to the built-in role;
/// any other key makes a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleDefinition {
    /// `org:billing`, with the prefix.
    pub key: String,
    /// What people read: `Billing`.
    pub name: String,
    /// `org:invoices:read`, with the prefix; system permissions may be among them.
    #[serde(default)]
    pub permissions: Vec<String>,
}

/// The roles of an instance.
#[derive(Debug, Clone)]
pub(crate) struct Roles(Vec<RoleDefinition>);

impl Default for Roles {
    fn default() -> Self {
        let role = |key: &str, name: &str, permissions: &[&str]| RoleDefinition {
            key: key.to_owned(),
            name: name.to_owned(),
            permissions: permissions.iter().map(|&key| key.to_owned()).collect(),
        };
        Self(vec![role(ADMIN, "Admin", &SYSTEM_PERMISSIONS), role(MEMBER, "Member", &MEMBER_PERMISSIONS)])
    }
}

impl Roles {
    pub(crate) fn with(definitions: &[RoleDefinition]) -> Self {
        let mut roles = Self::default();
        for definition in definitions {
            match roles.0.iter_mut().find(|role| role.key == definition.key) {
                None => roles.0.push(definition.clone()),
                Some(role) => {
                    role.name.clone_from(&definition.name);
                    role.permissions.extend(definition.permissions.iter().cloned());
                }
            }
        }
        for role in &mut roles.0 {
            role.permissions.sort_unstable();
            role.permissions.dedup();
        }
        roles
    }

    pub(crate) fn get(&self, key: &str) -> Option<&RoleDefinition> {
        self.0.iter().find(|role| role.key == key)
    }

    /// What a token of this role carries: custom permissions only.
    pub(crate) fn token_permissions(&self, key: &str) -> Vec<Permission> {
        let Some(role) = self.get(key) else { return Vec::new() };
        role.permissions
            .iter()
            .filter(|key| !key.starts_with(SYSTEM_PREFIX))
            .map(|key| Permission::parse(key).expect("the permissions of a role were parsed at the start"))
            .collect()
    }
}

/// A role definition that Clerk would not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRole {
    /// The key has no `org:` prefix or holds characters a key cannot have.
    #[error("role key {0:?} is not of the form org:name (lowercase letters, digits, `_`)")]
    Key(String),
    /// A permission key is malformed.
    #[error("permission {permission:?} of role {role} is not of the form org:feature:action")]
    Permission {
        /// The role that lists it.
        role: String,
        /// What was found.
        permission: String,
    },
}

pub(crate) fn check(definitions: &[RoleDefinition]) -> Result<(), InvalidRole> {
    for role in definitions {
        let named = role.key.strip_prefix("org:").is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        });
        if !named {
            return Err(InvalidRole::Key(role.key.clone()));
        }
        if let Some(permission) = role.permissions.iter().find(|key| Permission::parse(key).is_err()) {
            return Err(InvalidRole::Permission { role: role.key.clone(), permission: permission.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn billing() -> RoleDefinition {
        RoleDefinition {
            key: "org:billing".to_owned(),
            name: "Billing".to_owned(),
            permissions: vec!["org:sys_billing:manage".to_owned(), "org:invoices:read".to_owned()],
        }
    }

    #[test]
    fn system_permissions_stay_out_of_tokens() {
        let roles = Roles::with(&[billing()]);
        let carried: Vec<String> = roles.token_permissions("org:billing").iter().map(ToString::to_string).collect();
        assert_eq!(carried, ["org:invoices:read"]);
        assert!(roles.token_permissions(ADMIN).is_empty());
    }

    #[test]
    fn a_definition_adds_to_a_built_in_role() {
        let admin = RoleDefinition {
            key: ADMIN.to_owned(),
            name: "Chief".to_owned(),
            permissions: vec!["org:posts:read".to_owned()],
        };
        let roles = Roles::with(&[admin]);
        let admin = roles.get(ADMIN).unwrap();
        assert_eq!(admin.name, "Chief");
        assert_eq!(admin.permissions.len(), SYSTEM_PERMISSIONS.len() + 1);
    }

    #[test]
    fn malformed_definitions_are_named() {
        let bad_key = RoleDefinition { key: "billing".to_owned(), ..billing() };
        assert_eq!(check(&[bad_key]), Err(InvalidRole::Key("billing".to_owned())));
        let bad_permission = RoleDefinition { permissions: vec!["invoices".to_owned()], ..billing() };
        assert!(check(&[bad_permission]).unwrap_err().to_string().contains("invoices"));
        check(&[billing()]).unwrap();
    }
}
