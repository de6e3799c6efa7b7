//! Roles that an instance is configured with.

use aws_lc_rs::digest::{SHA256, digest};
use clerk::{InstanceId, Permission};
use serde::{Deserialize, Serialize};

use super::{ADMIN, MEMBER, MEMBER_PERMISSIONS, SYSTEM_PERMISSIONS};
use crate::ids::base62;

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
        if !is_key("org:", &role.key) {
            return Err(InvalidRole::Key(role.key.clone()));
        }
        if let Some(permission) = role.permissions.iter().find(|key| Permission::parse(key).is_err()) {
            return Err(InvalidRole::Permission { role: role.key.clone(), permission: permission.clone() });
        }
    }
    Ok(())
}

/// Clerk: the prefix, "followed by lowercase alphanumeric characters and underscores only".
pub(super) fn is_key(prefix: &str, key: &str) -> bool {
    key.strip_prefix(prefix).is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    })
}

pub(super) fn built_in() -> [RoleDefinition; 2] {
    let role = |key: &str, name: &str, permissions: &[&str]| RoleDefinition {
        key: key.to_owned(),
        name: name.to_owned(),
        permissions: permissions.iter().map(|&key| key.to_owned()).collect(),
    };
    [role(ADMIN, "Admin", &SYSTEM_PERMISSIONS), role(MEMBER, "Member", &MEMBER_PERMISSIONS)]
}

/// An id for what is configured: the same in every run of an instance.
pub(crate) fn stable_id(prefix: &str, key: &str, instance_id: &InstanceId) -> String {
    let fingerprint = digest(&SHA256, format!("{instance_id}/{key}").as_bytes());
    let mut number = [0; 20];
    number.copy_from_slice(&fingerprint.as_ref()[..20]);
    format!("{prefix}{}", base62(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_definitions_are_named() {
        let billing = RoleDefinition {
            key: "org:billing".to_owned(),
            name: "Billing".to_owned(),
            permissions: vec!["org:sys_billing:manage".to_owned(), "org:invoices:read".to_owned()],
        };
        let bad_key = RoleDefinition { key: "billing".to_owned(), ..billing.clone() };
        assert_eq!(check(&[bad_key]), Err(InvalidRole::Key("billing".to_owned())));
        let bad_permission = RoleDefinition { permissions: vec!["invoices".to_owned()], ..billing.clone() };
        assert!(check(&[bad_permission]).unwrap_err().to_string().contains("invoices"));
        check(&[billing]).unwrap();
    }
}
