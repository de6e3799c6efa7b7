//! Roles, the permissions they give, and the sets that roles are gathered in.
//!
//! Every instance begins with `org:admin` and `org:member`. System permissions (`org:sys_…`) appear on membership
//! objects and never in a token; custom permissions appear in both. The defaults follow Clerk's "Roles and permissions":
//! an administrator has all system permissions, a member reads members and billing.
//!
//! A membership names its role by key, so a change of a role is seen at once in the `permissions` of every member. Clerk
//! is not known to announce that for each membership: `role.updated` is the only event. A permission that changes or
//! goes changes the roles that give it, and each of them is announced.

mod definition;
mod object;
mod permission_change;
mod role_change;
mod role_set_change;

use clerk::{InstanceId, Permission as PermissionKey, Timestamp};
use serde::{Deserialize, Serialize};

pub use definition::{InvalidRole, RoleDefinition};
pub(crate) use definition::{check, stable_id};
pub(crate) use permission_change::{NewPermission, PermissionPatch};
pub(crate) use role_change::{NewRole, RolePatch};
pub(crate) use role_set_change::{NewRoleSet, RoleReplacement, RoleSetAddition, RoleSetPatch, RoleSetReplacement};

use crate::{refusal::Refusal, table::Row};

pub(crate) const ADMIN: &str = "org:admin";
pub(crate) const MEMBER: &str = "org:member";
/// Who may invite and remove members.
pub(crate) const MANAGE_MEMBERSHIPS: &str = "org:sys_memberships:manage";
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
/// What a creator of an organization must be allowed to do (Clerk: "The Creator role").
const CREATOR_PERMISSIONS: [&str; 3] =
    ["org:sys_memberships:manage", "org:sys_memberships:read", "org:sys_profile:delete"];
const INITIAL_ROLE_SET: &str = "role_set:default";

/// One role, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Role {
    pub(crate) id: String,
    /// `org:billing`, with the prefix.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Keys, sorted, each once.
    pub(crate) permissions: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// One permission, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Permission {
    pub(crate) id: String,
    /// `org:invoices:read`, with the prefix.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Roles that organizations of one kind may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleSet {
    pub(crate) id: String,
    /// `role_set:default`, with the prefix.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Keys of roles, in the order they were added.
    pub(crate) roles: Vec<String>,
    pub(crate) default_role: String,
    pub(crate) creator_role: String,
    /// Whether organizations get it that ask for none.
    pub(crate) initial: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// The roles of an instance. There are a handful of each, so lists are index enough.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Roles {
    roles: Vec<Role>,
    permissions: Vec<Permission>,
    sets: Vec<RoleSet>,
}

impl Roles {
    /// What every instance begins with. Ids are a hash of instance and key: configuration has the same ids in a new
    /// instance that has the same key.
    pub(crate) fn initial(instance_id: &InstanceId, now: Timestamp) -> Self {
        let mut roles = Self::default();
        roles.define(&definition::built_in(), instance_id, now);
        for key in SYSTEM_PERMISSIONS {
            roles.ensure_permission(key, instance_id, now);
        }
        roles.sets.push(RoleSet {
            id: definition::stable_id("rset_", INITIAL_ROLE_SET, instance_id),
            key: INITIAL_ROLE_SET.to_owned(),
            name: "Default role set".to_owned(),
            description: None,
            roles: vec![ADMIN.to_owned(), MEMBER.to_owned()],
            default_role: MEMBER.to_owned(),
            creator_role: ADMIN.to_owned(),
            initial: true,
            created_at: now,
            updated_at: now,
        });
        roles
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }

    /// Adds what the options define and is not there yet. What a definition says of a known role adds to it.
    pub(crate) fn define(&mut self, definitions: &[RoleDefinition], instance_id: &InstanceId, now: Timestamp) {
        for definition in definitions {
            for key in &definition.permissions {
                self.ensure_permission(key, instance_id, now);
            }
            let known = self.roles.iter_mut().find(|role| role.key == definition.key);
            let role = match known {
                Some(role) => role,
                None => {
                    self.roles.push(Role {
                        id: definition::stable_id("role_", &definition.key, instance_id),
                        key: definition.key.clone(),
                        name: definition.name.clone(),
                        description: None,
                        permissions: Vec::new(),
                        created_at: now,
                        updated_at: now,
                    });
                    self.roles.last_mut().expect("a role was just added")
                }
            };
            role.name.clone_from(&definition.name);
            role.permissions.extend(definition.permissions.iter().cloned());
            role.permissions.sort_unstable();
            role.permissions.dedup();
            if let Some(initial) = self.sets.iter_mut().find(|set| set.initial)
                && !initial.roles.contains(&definition.key)
            {
                initial.roles.push(definition.key.clone());
            }
        }
    }

    fn ensure_permission(&mut self, key: &str, instance_id: &InstanceId, now: Timestamp) {
        if self.permission(key).is_none() {
            self.permissions.push(Permission {
                id: definition::stable_id("perm_", key, instance_id),
                key: key.to_owned(),
                name: key.trim_start_matches("org:").replace([':', '_'], " "),
                description: String::new(),
                created_at: now,
                updated_at: now,
            });
        }
    }

    /// A role by its key.
    pub(crate) fn get(&self, key: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.key == key)
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }

    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = &Role> {
        self.roles.iter()
    }

    /// A permission by its key.
    pub(crate) fn permission(&self, key: &str) -> Option<&Permission> {
        self.permissions.iter().find(|permission| permission.key == key)
    }

    pub(crate) fn permission_by_id(&self, id: &str) -> Option<&Permission> {
        self.permissions.iter().find(|permission| permission.id == id)
    }

    pub(crate) fn permissions(&self) -> impl Iterator<Item = &Permission> {
        self.permissions.iter()
    }

    /// A set by its key or its id.
    pub(crate) fn set(&self, key_or_id: &str) -> Option<&RoleSet> {
        self.sets.iter().find(|set| set.key == key_or_id || set.id == key_or_id)
    }

    pub(crate) fn sets(&self) -> impl Iterator<Item = &RoleSet> {
        self.sets.iter()
    }

    /// Which roles creators of organizations and whoever joins by default get; nothing keeps what there is.
    pub(crate) fn set_initial_roles(
        &mut self,
        creator: Option<String>,
        joining: Option<String>,
    ) -> Result<(), Refusal> {
        let Some(set) = self.sets.iter_mut().find(|set| set.initial) else { return Ok(()) };
        for key in [&creator, &joining].into_iter().flatten() {
            if !set.roles.contains(key) {
                return Err(Refusal::wrong_value("role", key, &format!("a role of {}", set.key)));
            }
        }
        set.creator_role = creator.unwrap_or_else(|| set.creator_role.clone());
        set.default_role = joining.unwrap_or_else(|| set.default_role.clone());
        Ok(())
    }

    /// The role that whoever makes an organization has in it.
    pub(crate) fn creator_role(&self, role_set: Option<&str>) -> &str {
        let set = self.sets.iter().find(|set| role_set.map_or(set.initial, |key| set.key == key));
        set.map_or(ADMIN, |set| &set.creator_role)
    }

    /// What a token of this role carries: custom permissions only.
    pub(crate) fn token_permissions(&self, key: &str) -> Vec<PermissionKey> {
        let Some(role) = self.get(key) else { return Vec::new() };
        role.permissions
            .iter()
            .filter(|key| !key.starts_with(SYSTEM_PREFIX))
            .map(|key| PermissionKey::parse(key).expect("the permissions of a role were parsed when they came"))
            .collect()
    }

    pub(crate) fn allows(&self, role: &str, permission: &str) -> bool {
        self.get(role).is_some_and(|role| role.permissions.iter().any(|key| key == permission))
    }
}

impl Role {
    fn may_create_organizations(&self) -> bool {
        CREATOR_PERMISSIONS.iter().all(|needed| self.permissions.iter().any(|key| key == needed))
    }
}

impl Permission {
    pub(crate) fn is_system(&self) -> bool {
        self.key.starts_with(SYSTEM_PREFIX)
    }
}

impl Row for Role {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl Row for Permission {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl Row for RoleSet {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(definition: RoleDefinition) -> Roles {
        let (instance_id, now) = (InstanceId::parse("ins_test").unwrap(), Timestamp::from_seconds(0));
        let mut roles = Roles::initial(&instance_id, now);
        roles.define(&[definition], &instance_id, now);
        roles
    }

    #[test]
    fn system_permissions_stay_out_of_tokens() {
        let roles = with(RoleDefinition {
            key: "org:billing".to_owned(),
            name: "Billing".to_owned(),
            permissions: vec!["org:sys_billing:manage".to_owned(), "org:invoices:read".to_owned()],
        });
        let carried: Vec<String> = roles.token_permissions("org:billing").iter().map(ToString::to_string).collect();
        assert_eq!(carried, ["org:invoices:read"]);
        assert!(roles.token_permissions(ADMIN).is_empty());
        assert_eq!(roles.set(INITIAL_ROLE_SET).unwrap().roles, ["org:admin", "org:member", "org:billing"]);
    }

    #[test]
    fn a_definition_adds_to_a_built_in_role() {
        let roles = with(RoleDefinition {
            key: ADMIN.to_owned(),
            name: "Chief".to_owned(),
            permissions: vec!["org:posts:read".to_owned()],
        });
        let admin = roles.get(ADMIN).unwrap();
        assert_eq!(admin.name, "Chief");
        assert_eq!(admin.permissions.len(), SYSTEM_PERMISSIONS.len() + 1);
    }
}
