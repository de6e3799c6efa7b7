//! `POST`, `PATCH` and `DELETE /v1/organization_permissions`.

use clerk::{EventKind, Permission as PermissionKey};
use http::StatusCode;

use super::{Permission, Roles, role_change::check_name};
use crate::{
    change::Change,
    form::{Field, Form},
    refusal::Refusal,
};

/// A permission somebody asks for.
#[derive(Debug)]
pub(crate) struct NewPermission {
    name: String,
    key: String,
    description: String,
}

impl NewPermission {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            name: form.string("name")?.required("name")?,
            key: form.string("key")?.required("key")?,
            description: form.string("description")?.given().unwrap_or_default(),
        };
        form.finish()?;
        check_name(&new.name)?;
        check_key(&new.key)?;
        Ok(new)
    }
}

/// What `PATCH /v1/organization_permissions/{id}` asks for.
#[derive(Debug)]
pub(crate) struct PermissionPatch {
    name: Field<String>,
    key: Field<String>,
    description: Field<String>,
}

impl PermissionPatch {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let patch =
            Self { name: form.string("name")?, key: form.string("key")?, description: form.string("description")? };
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
    pub(crate) fn find_permission(&self, id: &str) -> Result<&Permission, Refusal> {
        self.permission_by_id(id).ok_or_else(|| Refusal::not_found("organization permission", id))
    }
}

impl Change<'_> {
    pub(crate) fn create_permission(&mut self, new: NewPermission) -> Result<Permission, Refusal> {
        if self.state.roles.permission(&new.key).is_some() {
            return Err(Refusal::taken("key", "key"));
        }
        let permission = Permission {
            id: self.state.ids.prefixed("perm_", self.now),
            key: new.key,
            name: new.name,
            description: new.description,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.roles.permissions.push(permission.clone());
        self.announce(EventKind::PermissionCreated, &permission.object());
        Ok(permission)
    }

    /// Announces the permission, then every role that gives it: they carry it whole.
    pub(crate) fn update_permission(&mut self, id: &str, patch: PermissionPatch) -> Result<Permission, Refusal> {
        let mut permission = self.modifiable_permission(id)?.clone();
        let old_key = permission.key.clone();
        patch.name.set(&mut permission.name);
        patch.key.set(&mut permission.key);
        patch.description.set(&mut permission.description);
        if permission.key != old_key && self.state.roles.permission(&permission.key).is_some() {
            return Err(Refusal::taken("key", "key"));
        }
        permission.updated_at = self.now;
        let known = self.state.roles.permissions.iter_mut().find(|known| known.id == permission.id);
        *known.expect("the permission was found a moment ago") = permission.clone();
        self.announce(EventKind::PermissionUpdated, &permission.object());
        self.change_roles_with(&old_key, Some(&permission.key));
        Ok(permission)
    }

    /// Takes the permission from every role, then removes it.
    pub(crate) fn delete_permission(&mut self, id: &str) -> Result<Permission, Refusal> {
        let permission = self.modifiable_permission(id)?.clone();
        self.state.roles.permissions.retain(|known| known.id != permission.id);
        self.announce(EventKind::PermissionDeleted, &permission.deleted());
        self.change_roles_with(&permission.key, None);
        Ok(permission)
    }

    fn change_roles_with(&mut self, old_key: &str, new_key: Option<&str>) {
        let giving = |role: &&super::Role| role.permissions.iter().any(|key| key == old_key);
        let roles: Vec<_> = self.state.roles.oldest_first().filter(giving).cloned().collect();
        for mut role in roles {
            role.permissions.retain(|key| key != old_key);
            role.permissions.extend(new_key.map(str::to_owned));
            role.permissions.sort_unstable();
            self.put_changed_role(role);
        }
    }

    fn modifiable_permission(&self, id: &str) -> Result<&Permission, Refusal> {
        let permission = self.state.roles.find_permission(id)?;
        if permission.is_system() {
            let long = format!("The permission {} belongs to Clerk and cannot be changed.", permission.key);
            let (code, short) =
                ("organization_system_permission_not_modifiable", "organization system permission cannot be modified");
            return Err(Refusal::new(StatusCode::FORBIDDEN, code, short, long));
        }
        Ok(permission)
    }
}

fn check_key(key: &str) -> Result<(), Refusal> {
    let custom = PermissionKey::parse(key).is_ok() && !key.starts_with(super::SYSTEM_PREFIX);
    if custom { Ok(()) } else { Err(Refusal::wrong_format("key", "of the form `org:feature:action`, without `sys_`")) }
}
