//! Adding, changing, verifying and removing domains.

use clerk::EventKind;
use http::StatusCode;

use super::{ENROLLMENT_MODES, OrganizationDomain};
use crate::{change::Change, form::Form, refusal::Refusal};

/// Providers that give an address to everybody; Clerk takes no such domain for an organization.
const COMMON: [&str; 8] =
    ["gmail.com", "googlemail.com", "hotmail.com", "icloud.com", "live.com", "outlook.com", "proton.me", "yahoo.com"];

/// A domain somebody adds.
#[derive(Debug)]
pub(crate) struct NewOrganizationDomain {
    name: String,
    enrollment_mode: &'static str,
    verified: bool,
}

impl NewOrganizationDomain {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            name: form.string("name")?.required("name")?.to_lowercase(),
            enrollment_mode: form.word("enrollment_mode", &ENROLLMENT_MODES)?.given().unwrap_or(ENROLLMENT_MODES[0]),
            verified: form.boolean("verified")?.given().unwrap_or(true),
        };
        form.finish()?;
        check_name(&new.name)?;
        Ok(new)
    }
}

/// What `PATCH …/domains/{id}` asks for.
#[derive(Debug)]
pub(crate) struct OrganizationDomainPatch {
    enrollment_mode: Option<&'static str>,
    verified: Option<bool>,
}

impl OrganizationDomainPatch {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let patch = Self {
            enrollment_mode: form.word("enrollment_mode", &ENROLLMENT_MODES)?.given(),
            verified: form.boolean("verified")?.given(),
        };
        form.finish()?;
        Ok(patch)
    }
}

impl Change<'_> {
    pub(crate) fn create_organization_domain(
        &mut self,
        organization: &str,
        new: NewOrganizationDomain,
    ) -> Result<OrganizationDomain, Refusal> {
        if !self.state.configuration.organizations.domains_enabled {
            let long = "Domains of organizations are not enabled for this instance. PATCH \
                        /v1/instance/organization_settings enables them.";
            let code = "organization_domains_not_enabled";
            return Err(Refusal::new(StatusCode::FORBIDDEN, code, "access denied", long));
        }
        let found = self.state.organizations.by_id_or_slug(organization);
        let organization = found.ok_or_else(|| Refusal::not_found("organization", organization))?.id.clone();
        if let Some(holder) = self.state.organization_domains.oldest_first().find(|domain| domain.name == new.name) {
            let (code, whose) = match holder.organization_id == organization {
                true => ("organization_domain_already_exists_same_organization", "your organization"),
                false => ("organization_domain_already_exists", "another organization"),
            };
            let message = format!("The domain {} is already used by {whose}.", new.name);
            return Err(Refusal::form(code, "organization domain already exists", message, "name"));
        }
        let domain = OrganizationDomain {
            id: self.state.ids.prefixed("orgdmn_", self.now),
            organization_id: organization,
            name: new.name,
            enrollment_mode: new.enrollment_mode.to_owned(),
            verified_at: new.verified.then_some(self.now),
            owned_since: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.organization_domains.put(domain.clone());
        let object = domain.object(self.view());
        self.announce(EventKind::OrganizationDomainCreated, &object);
        Ok(domain)
    }

    pub(crate) fn update_organization_domain(
        &mut self,
        organization: &str,
        id: &str,
        patch: &OrganizationDomainPatch,
    ) -> Result<OrganizationDomain, Refusal> {
        let mut domain = self.view().organization_domain(organization, id)?.clone();
        if let Some(mode) = patch.enrollment_mode {
            mode.clone_into(&mut domain.enrollment_mode);
        }
        match patch.verified {
            Some(true) => domain.verified_at = domain.verified_at.or(Some(self.now)),
            Some(false) => domain.verified_at = None,
            None => {}
        }
        Ok(self.put_changed_organization_domain(domain))
    }

    /// Verifies the ownership; a domain that is owned already stays as it is, without an event.
    pub(crate) fn verify_organization_domain_ownership(
        &mut self,
        organization: &str,
        id: &str,
    ) -> Result<OrganizationDomain, Refusal> {
        let mut domain = self.view().organization_domain(organization, id)?.clone();
        if domain.owned_since.is_some() {
            return Ok(domain);
        }
        domain.owned_since = Some(self.now);
        Ok(self.put_changed_organization_domain(domain))
    }

    pub(crate) fn delete_organization_domain(
        &mut self,
        organization: &str,
        id: &str,
    ) -> Result<OrganizationDomain, Refusal> {
        let domain = self.view().organization_domain(organization, id)?.clone();
        self.state.organization_domains.remove(&domain.id);
        self.announce(EventKind::OrganizationDomainDeleted, &domain.deleted());
        Ok(domain)
    }

    fn put_changed_organization_domain(&mut self, mut domain: OrganizationDomain) -> OrganizationDomain {
        domain.updated_at = self.now;
        self.state.organization_domains.put(domain.clone());
        let object = domain.object(self.view());
        self.announce(EventKind::OrganizationDomainUpdated, &object);
        domain
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|one| one.is_alphanumeric() || one == '-')
    };
    if name.len() > 253 || name.split('.').count() < 2 || !name.split('.').all(label) {
        return Err(Refusal::wrong_format("name", "a domain name, e.g. `example.com`"));
    }
    if COMMON.contains(&name) {
        let message = format!("{name} is a common email provider domain. Please use a different one.");
        return Err(Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "organization_domain_common",
            "common email domain",
            message,
        )
        .with_meta(serde_json::json!({ "param_name": "name" })));
    }
    Ok(())
}
