//! `/v1/role_sets`. Clerk announces nothing about them.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Value;

use super::{RoleSet, Roles, definition::is_key, role_change::check_name};
use crate::{
    change::Change,
    form::{Field, Form},
    refusal::Refusal,
};

const PREFIX: &str = "role_set:";

/// A role set somebody asks for.
#[derive(Debug)]
pub(crate) struct NewRoleSet {
    name: String,
    key: Option<String>,
    description: Option<String>,
    default_role: String,
    creator_role: String,
    initial: bool,
    roles: Vec<String>,
}

impl NewRoleSet {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            name: form.string("name")?.required("name")?,
            key: form.string("key")?.given().filter(|key| !key.is_empty()),
            description: form.string("description")?.given(),
            default_role: form.string("default_role_key")?.required("default_role_key")?,
            creator_role: form.string("creator_role_key")?.required("creator_role_key")?,
            initial: form.word("type", &["initial", "custom"])?.given() == Some("initial"),
            roles: form.strings("roles")?.required("roles")?,
        };
        form.finish()?;
        check_name(&new.name)?;
        if let Some(key) = &new.key {
            check_key(key)?;
        }
        if new.roles.is_empty() {
            return Err(Refusal::wrong_value("roles", "An empty list", "at least one role"));
        }
        Ok(new)
    }
}

/// What `PATCH /v1/role_sets/{key or id}` asks for.
#[derive(Debug)]
pub(crate) struct RoleSetPatch {
    name: Field<String>,
    key: Field<String>,
    description: Field<String>,
    make_initial: bool,
    default_role: Field<String>,
    creator_role: Field<String>,
}

impl RoleSetPatch {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let patch = Self {
            name: form.string("name")?,
            key: form.string("key")?,
            description: form.string("description")?,
            make_initial: form.word("type", &["initial"])?.given().is_some(),
            default_role: form.string("default_role_key")?,
            creator_role: form.string("creator_role_key")?,
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

/// Roles that join a set.
#[derive(Debug)]
pub(crate) struct RoleSetAddition {
    roles: Vec<String>,
    default_role: Field<String>,
    creator_role: Field<String>,
}

impl RoleSetAddition {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let addition = Self {
            roles: form.strings("role_keys")?.required("role_keys")?,
            default_role: form.string("default_role_key")?,
            creator_role: form.string("creator_role_key")?,
        };
        form.finish()?;
        Ok(addition)
    }
}

/// One role of a set gives way to another, members included.
#[derive(Debug)]
pub(crate) struct RoleReplacement {
    from: String,
    to: String,
}

impl RoleReplacement {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let replacement = Self {
            from: form.string("role_key")?.required("role_key")?,
            to: form.string("to_role_key")?.required("to_role_key")?,
        };
        form.finish()?;
        Ok(replacement)
    }
}

/// A whole set gives way to another.
#[derive(Debug)]
pub(crate) struct RoleSetReplacement {
    destination: String,
    /// Which role of the destination the members of a role get that is not in it.
    mappings: BTreeMap<String, String>,
}

impl RoleSetReplacement {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let destination = form.string("dest_role_set_key")?.required("dest_role_set_key")?;
        let given = form.object("reassignment_mappings")?.given().unwrap_or_default();
        form.finish()?;
        let mapping = |(from, to): (String, Value)| match to {
            Value::String(to) => Ok((from, to)),
            _ => Err(Refusal::wrong_type("reassignment_mappings", "object of strings")),
        };
        Ok(Self { destination, mappings: given.into_iter().map(mapping).collect::<Result<_, _>>()? })
    }
}

impl Roles {
    pub(crate) fn find_set(&self, key_or_id: &str) -> Result<&RoleSet, Refusal> {
        self.set(key_or_id).ok_or_else(|| Refusal::not_found("role set", key_or_id))
    }

    fn put_set(&mut self, set: RoleSet) {
        if set.initial {
            self.sets.iter_mut().for_each(|other| other.initial = false);
        }
        match self.sets.iter_mut().find(|known| known.id == set.id) {
            Some(known) => *known = set,
            None => self.sets.push(set),
        }
    }

    fn check_set(&self, set: &RoleSet) -> Result<(), Refusal> {
        if self.sets.iter().any(|other| other.key == set.key && other.id != set.id) {
            return Err(Refusal::taken("key", "key"));
        }
        for key in &set.roles {
            self.get(key).ok_or_else(|| Refusal::not_found("organization role", key))?;
        }
        for (parameter, key) in [("default_role_key", &set.default_role), ("creator_role_key", &set.creator_role)] {
            if !set.roles.contains(key) {
                return Err(Refusal::wrong_value(parameter, key, "one of the roles of the set"));
            }
        }
        match self.get(&set.creator_role) {
            Some(role) if role.may_create_organizations() => Ok(()),
            _ => {
                let long = format!("The role {} may not do what a creator of organizations does.", set.creator_role);
                let (code, short) =
                    ("organization_missing_creator_role_permissions", "missing permissions for creator role");
                Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, short, long))
            }
        }
    }
}

impl Change<'_> {
    pub(crate) fn create_role_set(&mut self, new: NewRoleSet) -> Result<RoleSet, Refusal> {
        let words: String = new.name.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '_' }).collect();
        let set = RoleSet {
            id: self.state.ids.prefixed("rset_", self.now),
            key: new.key.unwrap_or_else(|| format!("{PREFIX}{}", words.to_lowercase())),
            name: new.name,
            description: new.description,
            roles: new.roles,
            default_role: new.default_role,
            creator_role: new.creator_role,
            initial: new.initial,
            created_at: self.now,
            updated_at: self.now,
        };
        self.store_role_set(set)
    }

    pub(crate) fn update_role_set(&mut self, key_or_id: &str, patch: RoleSetPatch) -> Result<RoleSet, Refusal> {
        let mut set = self.state.roles.find_set(key_or_id)?.clone();
        let old_key = set.key.clone();
        patch.name.set(&mut set.name);
        patch.key.set(&mut set.key);
        patch.description.patch(&mut set.description);
        patch.default_role.set(&mut set.default_role);
        patch.creator_role.set(&mut set.creator_role);
        set.initial |= patch.make_initial;
        let set = self.store_role_set(set)?;
        if set.key != old_key {
            self.state.organizations.move_to_role_set(&old_key, &set.key);
        }
        Ok(set)
    }

    pub(crate) fn add_to_role_set(&mut self, key_or_id: &str, addition: RoleSetAddition) -> Result<RoleSet, Refusal> {
        let mut set = self.state.roles.find_set(key_or_id)?.clone();
        for key in addition.roles {
            if !set.roles.contains(&key) {
                set.roles.push(key);
            }
        }
        addition.default_role.set(&mut set.default_role);
        addition.creator_role.set(&mut set.creator_role);
        self.store_role_set(set)
    }

    /// The members that have the old role in organizations of this set get the new one.
    pub(crate) fn replace_in_role_set(
        &mut self,
        key_or_id: &str,
        replacement: &RoleReplacement,
    ) -> Result<RoleSet, Refusal> {
        let mut set = self.state.roles.find_set(key_or_id)?.clone();
        let RoleReplacement { from, to } = replacement;
        if !set.roles.contains(from) {
            return Err(Refusal::not_found("role of the role set", from));
        }
        set.roles.retain(|key| key != from && key != to);
        set.roles.push(to.clone());
        for key in [&mut set.default_role, &mut set.creator_role] {
            if key == from {
                key.clone_from(to);
            }
        }
        let set = self.store_role_set(set)?;
        self.reassign_members(&set.key, &BTreeMap::from([(from.clone(), to.clone())]));
        Ok(set)
    }

    /// Deletes a set; its organizations go to another one, and their members to the roles that are mapped.
    pub(crate) fn replace_role_set(
        &mut self,
        key_or_id: &str,
        replacement: &RoleSetReplacement,
    ) -> Result<RoleSet, Refusal> {
        let source = self.state.roles.find_set(key_or_id)?.clone();
        let destination = self.state.roles.find_set(&replacement.destination)?.clone();
        if source.id == destination.id {
            return Err(Refusal::wrong_value("dest_role_set_key", &destination.key, "another role set"));
        }
        let unprocessable = |code, short: &'static str, long: String| {
            Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, short, long))
        };
        if let Some(to) = replacement.mappings.values().find(|to| !destination.roles.contains(to)) {
            let long = format!("The role {to} is not in the role set {}.", destination.key);
            let (code, short) =
                ("organization_role_set_reassignment_mappings_invalid", "reassignment mappings invalid");
            return unprocessable(code, short, long);
        }
        let missing: Vec<&str> = source
            .roles
            .iter()
            .filter(|key| !destination.roles.contains(key) && !replacement.mappings.contains_key(*key))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            let long = format!("Say in reassignment_mappings which roles follow {}.", missing.join(", "));
            let (code, short) =
                ("organization_role_set_reassignment_mappings_missing", "reassignment mappings missing");
            return unprocessable(code, short, long);
        }
        self.reassign_members(&source.key, &replacement.mappings);
        self.state.organizations.move_to_role_set(&source.key, &destination.key);
        self.state.roles.sets.retain(|set| set.id != source.id);
        if source.initial {
            self.state.roles.put_set(RoleSet { initial: true, ..destination });
        }
        Ok(source)
    }

    fn store_role_set(&mut self, mut set: RoleSet) -> Result<RoleSet, Refusal> {
        self.state.roles.check_set(&set)?;
        set.updated_at = self.now;
        self.state.roles.put_set(set.clone());
        Ok(set)
    }

    /// Gives members of a set's organizations other roles, each with an event of its own.
    fn reassign_members(&mut self, set: &str, mappings: &BTreeMap<String, String>) {
        let roles = &self.state.roles;
        let of_set = |key: &Option<String>| match key {
            Some(key) => key == set,
            None => roles.set(set).is_some_and(|set| set.initial),
        };
        let state = &self.state;
        let affected: Vec<_> = state
            .organizations
            .oldest_first()
            .filter(|organization| of_set(&organization.role_set_key))
            .flat_map(|organization| state.memberships.in_organization(&organization.id))
            .filter_map(|membership| Some((membership.clone(), mappings.get(&membership.role)?.clone())))
            .collect();
        for (mut membership, role) in affected {
            membership.role = role;
            self.put_changed_membership(membership);
        }
    }
}

fn check_key(key: &str) -> Result<(), Refusal> {
    match is_key(PREFIX, key) {
        true => Ok(()),
        false => Err(Refusal::wrong_format("key", "`role_set:` and lowercase letters, digits and underscores")),
    }
}
