//! `POST`, `PATCH` and `DELETE /v1/organization_roles`, and the permissions of a role.

use clerk::EventKind;
use http::StatusCode;

use super::{CREATOR_PERMISSIONS, Role, Roles, definition::is_key};
use crate::{
    change::Change,
    form::{Field, Form},
    refusal::Refusal,
};

/// A role somebody asks for.
#[derive(Debug)]
pub(crate) struct NewRole {
    name: String,
    key: String,
    description: Option<String>,
    /// Ids, or keys.
    permissions: Vec<String>,
    include_in_initial_role_set: bool,
}

impl NewRole {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            name: form.string("name")?.required("name")?,
            key: form.string("key")?.required("key")?,
            description: form.string("description")?.given(),
            permissions: form.strings("permissions")?.given().unwrap_or_default(),
            include_in_initial_role_set: form.boolean("include_in_initial_role_set")?.given().unwrap_or(false),
        };
        form.finish()?;
        check_name(&new.name)?;
        check_key(&new.key)?;
        Ok(new)
    }
}

/// What `PATCH /v1/organization_roles/{id}` asks for.
#[derive(Debug)]
pub(crate) struct RolePatch {
    name: Field<String>,
    key: Field<String>,
    description: Field<String>,
    permissions: Field<Vec<String>>,
}

impl RolePatch {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let patch = Self {
            name: form.string("name")?,
            key: form.string("key")?,
            description: form.string("description")?,
            permissions: form.strings("permissions")?,
        };
        form.finish()?;
        if let Field::Given(name) = &patch.name {
            check_name(name)?;
        }
        if let Field::Given(key) = &patch.key {
            check_key(key)?;
        }
        Ok(patch)
    }
}

impl Roles {
    pub(crate) fn find(&self, id: &str) -> Result<&Role, Refusal> {
        self.by_id(id).ok_or_else(|| Refusal::not_found("organization role", id))
    }

    fn put_role(&mut self, role: Role) {
        match self.roles.iter_mut().find(|known| known.id == role.id) {
            Some(known) => *known = role,
            None => self.roles.push(role),
        }
    }

    /// The keys of permissions that were named by id or by key, sorted, each once.
    fn permission_keys(&self, named: &[String]) -> Result<Vec<String>, Refusal> {
        let key = |name: &String| {
            let found = self.permission_by_id(name).or_else(|| self.permission(name));
            found.map(|permission| permission.key.clone()).ok_or_else(|| missing_permission(name))
        };
        let mut keys = named.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }
}

impl Change<'_> {
    pub(crate) fn create_role(&mut self, new: NewRole) -> Result<Role, Refusal> {
        self.check_role_key(&new.key, None)?;
        let role = Role {
            permissions: self.state.roles.permission_keys(&new.permissions)?,
            id: self.state.ids.prefixed("role_", self.now),
            key: new.key,
            name: new.name,
            description: new.description,
            created_at: self.now,
            updated_at: self.now,
        };
        let now = self.now;
        if new.include_in_initial_role_set
            && let Some(initial) = self.state.roles.sets.iter_mut().find(|set| set.initial)
        {
            initial.roles.push(role.key.clone());
            initial.updated_at = now;
        }
        self.state.roles.put_role(role.clone());
        self.announce_role(EventKind::RoleCreated, &role);
        Ok(role)
    }

    /// A new key is written into everything that names the role: memberships, invitations, role sets.
    pub(crate) fn update_role(&mut self, id: &str, patch: RolePatch) -> Result<Role, Refusal> {
        let mut role = self.state.roles.find(id)?.clone();
        let old_key = role.key.clone();
        patch.name.set(&mut role.name);
        patch.key.set(&mut role.key);
        patch.description.patch(&mut role.description);
        if let Field::Given(named) = &patch.permissions {
            role.permissions = self.state.roles.permission_keys(named)?;
        }
        self.check_role_key(&role.key, Some(id))?;
        self.check_creator_role(&old_key, &role)?;
        let role = self.put_changed_role(role);
        if role.key != old_key {
            self.state.memberships.rename_role(&old_key, &role.key);
            self.state.organization_invitations.rename_role(&old_key, &role.key);
            for set in &mut self.state.roles.sets {
                let keys = set.roles.iter_mut().chain([&mut set.default_role, &mut set.creator_role]);
                keys.filter(|key| **key == old_key).for_each(|key| key.clone_from(&role.key));
            }
        }
        Ok(role)
    }

    pub(crate) fn delete_role(&mut self, id: &str) -> Result<Role, Refusal> {
        let role = self.state.roles.find(id)?.clone();
        let unprocessable = |code, short: &'static str, long: String| {
            Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, short, long))
        };
        if self.state.roles.sets().any(|set| set.creator_role == role.key) {
            let long = format!("The role {} cannot be deleted: it is the creator role of a role set.", role.key);
            return unprocessable("organization_role_default_creator_role", "role is used as the creator role", long);
        }
        if self.state.roles.sets().any(|set| set.default_role == role.key) {
            let long = format!("The role {} cannot be deleted: it is the default role of a role set.", role.key);
            return unprocessable(
                "organization_role_domain_default_role",
                "role is used as the domain default role",
                long,
            );
        }
        let members = self.state.memberships.oldest_first().filter(|membership| membership.role == role.key).count();
        if members > 0 {
            let long = format!("The role {} cannot be deleted: {members} memberships have it.", role.key);
            return unprocessable(
                "organization_role_assigned_members",
                "role is assigned to organization members",
                long,
            );
        }
        if self.state.organization_invitations.name_role(&role.key, self.now) {
            let long =
                format!("The role {} cannot be deleted: pending invitations name it. Revoke them first.", role.key);
            let short = "role exists in pending organization invitations";
            return unprocessable("organization_role_exists_in_invitations", short, long);
        }
        self.state.roles.roles.retain(|known| known.id != role.id);
        for set in &mut self.state.roles.sets {
            set.roles.retain(|key| *key != role.key);
        }
        self.announce(EventKind::RoleDeleted, &role.deleted());
        Ok(role)
    }

    pub(crate) fn assign_permission(&mut self, role: &str, permission: &str) -> Result<Role, Refusal> {
        let mut role = self.state.roles.find(role)?.clone();
        let key = self.state.roles.find_permission(permission)?.key.clone();
        if role.permissions.contains(&key) {
            let long = format!("The role {} has the permission {key} already.", role.key);
            let code = "organization_role_permission_association_exists";
            return Err(Refusal::new(StatusCode::CONFLICT, code, "permission already assigned to role", long));
        }
        role.permissions.push(key);
        role.permissions.sort_unstable();
        Ok(self.put_changed_role(role))
    }

    pub(crate) fn remove_permission(&mut self, role: &str, permission: &str) -> Result<Role, Refusal> {
        let mut role = self.state.roles.find(role)?.clone();
        let key = self.state.roles.find_permission(permission)?.key.clone();
        let before = role.permissions.len();
        role.permissions.retain(|given| *given != key);
        if role.permissions.len() == before {
            let long = format!("The role {} does not have the permission {key}.", role.key);
            let code = "organization_role_permission_association_not_found";
            return Err(Refusal::new(StatusCode::NOT_FOUND, code, "permission not assigned to role", long));
        }
        self.check_creator_role(&role.key, &role)?;
        Ok(self.put_changed_role(role))
    }

    /// Stores a changed role and announces it.
    pub(super) fn put_changed_role(&mut self, mut role: Role) -> Role {
        role.updated_at = self.now;
        self.state.roles.put_role(role.clone());
        self.announce_role(EventKind::RoleUpdated, &role);
        role
    }

    fn announce_role(&mut self, kind: EventKind, role: &Role) {
        let object = role.object(&self.state.roles);
        self.announce(kind, &object);
    }

    fn check_role_key(&self, key: &str, own: Option<&str>) -> Result<(), Refusal> {
        match self.state.roles.get(key) {
            Some(other) if Some(other.id.as_str()) != own => Err(Refusal::taken("key", "key")),
            _ => Ok(()),
        }
    }

    /// Whoever creates organizations must keep what a creator needs. `key` is what role sets call the role now.
    fn check_creator_role(&self, key: &str, role: &Role) -> Result<(), Refusal> {
        let creates = self.state.roles.sets().any(|set| set.creator_role == key);
        if !creates || role.may_create_organizations() {
            return Ok(());
        }
        let long = format!("The creator role must have the permissions {}.", CREATOR_PERMISSIONS.join(", "));
        let (code, short) = ("organization_missing_creator_role_permissions", "missing permissions for creator role");
        Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, short, long))
    }
}

fn missing_permission(name: &str) -> Refusal {
    Refusal::not_found("organization permission", name)
}

pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    match name.trim().is_empty() {
        true => Err(Refusal::wrong_value("name", "An empty text", "a name")),
        false => Ok(()),
    }
}

fn check_key(key: &str) -> Result<(), Refusal> {
    match is_key("org:", key) {
        true => Ok(()),
        false => Err(Refusal::wrong_format("key", "`org:` and lowercase letters, digits and underscores")),
    }
}
