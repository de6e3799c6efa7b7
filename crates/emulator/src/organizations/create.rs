//! `POST /v1/organizations`: reads and checks the form, then makes the organization and its first member.

use clerk::{EventKind, OrganizationId, Timestamp};
use http::StatusCode;

use super::Organization;
use crate::{
    change::Change,
    form::Form,
    metadata::{self, Metadata},
    refusal::Refusal,
};

const NAME_LIMIT: usize = 256;

/// An organization somebody asks for.
#[derive(Debug)]
pub(crate) struct NewOrganization {
    /// An id of the caller's own choice; drawn otherwise.
    id: Option<OrganizationId>,
    name: String,
    slug: Option<String>,
    created_by: Option<String>,
    /// What the instance says when nobody else does.
    max_allowed_memberships: Option<i64>,
    public_metadata: Metadata,
    private_metadata: Metadata,
    role_set_key: Option<String>,
    created_at: Option<Timestamp>,
}

impl NewOrganization {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            id: None,
            name: form.string("name")?.required("name")?,
            slug: form.string("slug")?.given().filter(|slug| !slug.is_empty()),
            created_by: form.string("created_by")?.given().filter(|id| !id.is_empty()),
            max_allowed_memberships: form.bounded("max_allowed_memberships", 0..=i64::MAX)?.given(),
            public_metadata: metadata::read(&mut form, "public_metadata")?.given().unwrap_or_default(),
            private_metadata: metadata::read(&mut form, "private_metadata")?.given().unwrap_or_default(),
            role_set_key: form.string("role_set_key")?.given(),
            created_at: form.time("created_at")?.given(),
        };
        form.finish()?;
        check_name(&new.name)?;
        if let Some(slug) = &new.slug {
            check_slug(slug)?;
        }
        Ok(new)
    }

    /// An organization whose id is known beforehand, for seeds.
    pub(crate) fn with_id(self, id: OrganizationId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// One of many that differ in nothing but a number, for seeds.
    pub(crate) fn numbered(number: u32, created_at: Timestamp) -> Self {
        Self {
            id: None,
            name: format!("Organization {number}"),
            slug: Some(format!("organization-{number}")),
            created_by: None,
            max_allowed_memberships: None,
            public_metadata: Metadata::new(),
            private_metadata: Metadata::new(),
            role_set_key: None,
            created_at: Some(created_at),
        }
    }
}

impl Change<'_> {
    /// Makes the organization and announces `organization.created`; a creator becomes its administrator and
    /// `organizationMembership.created` follows.
    pub(crate) fn create_organization(&mut self, new: NewOrganization) -> Result<OrganizationId, Refusal> {
        self.check_organizations_enabled()?;
        let creator = match &new.created_by {
            None => None,
            Some(id) => Some(self.state.users.get(id).ok_or_else(|| unknown_creator(id))?.id.clone()),
        };
        let slug = match new.slug {
            Some(_) if self.state.configuration.organizations.slug_disabled => {
                return Err(Refusal::unknown_parameters(std::iter::once("slug")));
            }
            Some(slug) if self.state.organizations.slug_owner(&slug).is_some() => {
                return Err(Refusal::taken("slug", "slug"));
            }
            Some(slug) => slug,
            None => self.free_slug(&new.name),
        };
        if let Some(key) = &new.role_set_key {
            self.state.roles.find_set(key)?;
        }
        let id = new.id.unwrap_or_else(|| self.state.ids.organization(self.now));
        if self.state.organizations.get(id.as_str()).is_some() {
            return Err(Refusal::taken("id", "id"));
        }
        let role_set = new.role_set_key.clone();
        self.state.organizations.put(Organization {
            id: id.clone(),
            name: new.name,
            image_url: None,
            slug,
            max_allowed_memberships: new
                .max_allowed_memberships
                .unwrap_or(self.state.configuration.organizations.max_allowed_memberships),
            admin_delete_enabled: self.state.configuration.organizations.admin_delete_enabled,
            public_metadata: new.public_metadata,
            private_metadata: new.private_metadata,
            created_by: creator.clone(),
            role_set_key: new.role_set_key,
            created_at: new.created_at.unwrap_or(self.now),
            updated_at: self.now,
        });
        match creator {
            None => self.announce_organization(EventKind::OrganizationCreated, &id),
            Some(user_id) => {
                let role = self.state.roles.creator_role(role_set.as_deref()).to_owned();
                let membership = self.insert_membership(&id, &user_id, &role, Metadata::new(), Metadata::new());
                self.announce_organization(EventKind::OrganizationCreated, &id);
                self.announce_membership(EventKind::OrganizationMembershipCreated, &membership);
            }
        }
        Ok(id)
    }

    /// The name as a slug, with the time behind it when somebody has it already.
    fn free_slug(&self, name: &str) -> String {
        let slug = slugify(name);
        let taken = |slug: &str| self.state.organizations.slug_owner(slug).is_some();
        if !slug.is_empty() && !taken(&slug) {
            return slug;
        }
        let stem = if slug.is_empty() { "organization" } else { &slug };
        let mut number = self.now.seconds();
        while taken(&format!("{stem}-{number}")) {
            number += 1;
        }
        format!("{stem}-{number}")
    }
}

fn unknown_creator(id: &str) -> Refusal {
    let message = format!("No users found with id {id}.");
    Refusal::new(StatusCode::BAD_REQUEST, "organization_creator_not_found", "creator not found", message)
}

pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(Refusal::wrong_value("name", "An empty text", "the name of the organization"));
    }
    if name.chars().count() > NAME_LIMIT {
        let message = format!("name should not exceed {NAME_LIMIT} characters.");
        return Err(Refusal::form("form_param_max_length_exceeded", "exceeds maximum length", message, "name"));
    }
    Ok(())
}

pub(super) fn check_slug(slug: &str) -> Result<(), Refusal> {
    let well_formed =
        slug.len() <= NAME_LIMIT && slug.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if well_formed {
        Ok(())
    } else {
        Err(Refusal::wrong_format("slug", "made of lowercase letters, digits and dashes"))
    }
}

fn slugify(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        match character {
            'a'..='z' | '0'..='9' => slug.push(character),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_slugs() {
        assert_eq!(slugify("Acme Corp."), "acme-corp");
        assert_eq!(slugify("  Ünïque & Söns "), "n-que-s-ns");
        assert_eq!(slugify("!!!"), "");
    }

    #[test]
    fn names_and_slugs_are_checked() {
        check_slug("acme-corp-2").unwrap();
        assert_eq!(check_slug("Acme Corp").unwrap_err().code(), "form_param_format_invalid");
        assert_eq!(check_name(" ").unwrap_err().code(), "form_param_value_invalid");
        assert_eq!(check_name(&"x".repeat(257)).unwrap_err().code(), "form_param_max_length_exceeded");
    }
}
