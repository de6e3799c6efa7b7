//! `/v1/organization_roles`, `/v1/organization_permissions` and `/v1/role_sets`.

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    change::Change,
    listing::{Listing, SortKey},
    query::Query,
    refusal::Refusal,
    roles::{
        NewPermission, NewRole, NewRoleSet, Permission, PermissionPatch, Role, RolePatch, RoleReplacement, RoleSet,
        RoleSetAddition, RoleSetPatch, RoleSetReplacement,
    },
};

const PROPERTIES: [&str; 3] = ["created_at", "name", "key"];

pub(crate) fn list_roles(call: &Call) -> Reply {
    let (listing, search) = (Listing::read(&call.query, &PROPERTIES)?, Search::read(&call.query));
    call.instance.read(|view| {
        let roles = &view.state.roles;
        let admits = |role: &Role| search.admits(&role.id, &role.name, &role.key);
        let key = |role: &Role, property: &str| sort_key(property, &role.name, &role.key);
        let (page, total_count) = listing.select(roles.oldest_first(), admits, key);
        reply(&Paginated { data: page.into_iter().map(|role| role.object(roles)).collect(), total_count })
    })
}

pub(crate) fn get_role(call: &Call) -> Reply {
    call.instance.read(|view| reply(&view.state.roles.find(call.path("role_id"))?.object(&view.state.roles)))
}

pub(crate) fn create_role(call: &Call) -> Reply {
    let new = NewRole::read(call.form()?)?;
    changed_role(call, |change| change.create_role(new))
}

pub(crate) fn update_role(call: &Call) -> Reply {
    let patch = RolePatch::read(call.form()?)?;
    changed_role(call, |change| change.update_role(call.path("role_id"), patch))
}

pub(crate) fn delete_role(call: &Call) -> Reply {
    call.change(|change| reply(&change.delete_role(call.path("role_id"))?.deleted()))
}

pub(crate) fn assign_permission(call: &Call) -> Reply {
    changed_role(call, |change| change.assign_permission(call.path("role_id"), call.path("permission_id")))
}

pub(crate) fn remove_permission(call: &Call) -> Reply {
    changed_role(call, |change| change.remove_permission(call.path("role_id"), call.path("permission_id")))
}

pub(crate) fn list_permissions(call: &Call) -> Reply {
    let (listing, search) = (Listing::read(&call.query, &PROPERTIES)?, Search::read(&call.query));
    call.instance.read(|view| {
        let admits = |permission: &Permission| search.admits(&permission.id, &permission.name, &permission.key);
        let key = |permission: &Permission, property: &str| sort_key(property, &permission.name, &permission.key);
        let (page, total_count) = listing.select(view.state.roles.permissions(), admits, key);
        reply(&Paginated { data: page.into_iter().map(Permission::object).collect(), total_count })
    })
}

pub(crate) fn get_permission(call: &Call) -> Reply {
    call.instance.read(|view| reply(&view.state.roles.find_permission(call.path("permission_id"))?.object()))
}

pub(crate) fn create_permission(call: &Call) -> Reply {
    let new = NewPermission::read(call.form()?)?;
    call.change(|change| reply(&change.create_permission(new)?.object()))
}

pub(crate) fn update_permission(call: &Call) -> Reply {
    let patch = PermissionPatch::read(call.form()?)?;
    call.change(|change| reply(&change.update_permission(call.path("permission_id"), patch)?.object()))
}

pub(crate) fn delete_permission(call: &Call) -> Reply {
    call.change(|change| reply(&change.delete_permission(call.path("permission_id"))?.deleted()))
}

pub(crate) fn list_role_sets(call: &Call) -> Reply {
    let (listing, search) = (Listing::read(&call.query, &PROPERTIES)?, Search::read(&call.query));
    call.instance.read(|view| {
        let (roles, memberships) = (&view.state.roles, &view.state.memberships);
        let admits = |set: &RoleSet| search.admits(&set.id, &set.name, &set.key);
        let key = |set: &RoleSet, property: &str| sort_key(property, &set.name, &set.key);
        let (page, total_count) = listing.select(roles.sets(), admits, key);
        reply(&Paginated { data: page.into_iter().map(|set| set.object(roles, memberships)).collect(), total_count })
    })
}

pub(crate) fn get_role_set(call: &Call) -> Reply {
    call.instance.read(|view| {
        let set = view.state.roles.find_set(call.path("role_set_key_or_id"))?;
        reply(&set.object(&view.state.roles, &view.state.memberships))
    })
}

pub(crate) fn create_role_set(call: &Call) -> Reply {
    let new = NewRoleSet::read(call.form()?)?;
    changed_set(call, |change| change.create_role_set(new))
}

pub(crate) fn update_role_set(call: &Call) -> Reply {
    let patch = RoleSetPatch::read(call.form()?)?;
    changed_set(call, |change| change.update_role_set(call.path("role_set_key_or_id"), patch))
}

pub(crate) fn add_to_role_set(call: &Call) -> Reply {
    let addition = RoleSetAddition::read(call.form()?)?;
    changed_set(call, |change| change.add_to_role_set(call.path("role_set_key_or_id"), addition))
}

pub(crate) fn replace_in_role_set(call: &Call) -> Reply {
    let replacement = RoleReplacement::read(call.form()?)?;
    changed_set(call, |change| change.replace_in_role_set(call.path("role_set_key_or_id"), &replacement))
}

pub(crate) fn replace_role_set(call: &Call) -> Reply {
    let replacement = RoleSetReplacement::read(call.form()?)?;
    call.change(|change| reply(&change.replace_role_set(call.path("role_set_key_or_id"), &replacement)?.deleted()))
}

/// Exact for ids, partial for names and keys.
struct Search(Option<String>);

impl Search {
    fn read(query: &Query) -> Self {
        Self(query.search("query"))
    }

    fn admits(&self, id: &str, name: &str, key: &str) -> bool {
        let Self(Some(part)) = self else { return true };
        id.to_lowercase() == *part || name.to_lowercase().contains(part) || key.to_lowercase().contains(part)
    }
}

fn sort_key(property: &str, name: &str, key: &str) -> SortKey {
    SortKey::Text(if property == "name" { name } else { key }.to_owned())
}

fn changed_role(call: &Call, operation: impl FnOnce(&mut Change<'_>) -> Result<Role, Refusal>) -> Reply {
    call.change(|change| reply(&operation(change)?.object(&change.state.roles)))
}

fn changed_set(call: &Call, operation: impl FnOnce(&mut Change<'_>) -> Result<RoleSet, Refusal>) -> Reply {
    call.change(|change| {
        let set = operation(change)?;
        reply(&set.object(&change.state.roles, &change.state.memberships))
    })
}
