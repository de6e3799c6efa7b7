//! The lists of domains: of an organization and of the whole instance.

use http::StatusCode;

use super::{ENROLLMENT_MODES, OrganizationDomain};
use crate::{
    listing::{Listing, SortKey},
    query::{Query, Signed},
    refusal::Refusal,
    view::View,
};

/// One request for a list.
#[derive(Debug)]
pub(crate) struct OrganizationDomainList {
    listing: Listing,
    organization: Option<String>,
    verified: Option<bool>,
    enrollment_modes: Signed,
    search: Option<String>,
    names: Vec<String>,
}

impl OrganizationDomainList {
    pub(crate) fn of_instance(query: &Query) -> Result<Self, Refusal> {
        let search = query.first("query").map(str::to_lowercase);
        if search.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return Err(Refusal::wrong_value("query", "An empty text", "part of a name, or the id of an organization"));
        }
        Ok(Self {
            listing: Listing::read(query, &["created_at", "name"])?,
            organization: query.first("organization_id").filter(|id| !id.is_empty()).map(str::to_owned),
            search,
            names: query.list("domains")?.into_iter().map(str::to_lowercase).collect(),
            ..Self::of_organization(query, "")?
        })
    }

    pub(crate) fn of_organization(query: &Query, organization: &str) -> Result<Self, Refusal> {
        let enrollment_modes = query.signed("enrollment_mode")?;
        let mut named = enrollment_modes.include.iter().chain(&enrollment_modes.exclude);
        if let Some(unknown) = named.find(|mode| !ENROLLMENT_MODES.contains(&mode.as_str())) {
            return Err(Refusal::wrong_value("enrollment_mode", unknown, &ENROLLMENT_MODES.join(", ")));
        }
        Ok(Self {
            listing: Listing::newest_first(query)?,
            organization: Some(organization.to_owned()),
            verified: query.boolean("verified")?,
            enrollment_modes,
            search: None,
            names: Vec::new(),
        })
    }

    pub(crate) fn select<'a>(&self, view: View<'a>) -> (Vec<&'a OrganizationDomain>, usize) {
        let key = |domain: &OrganizationDomain, _: &str| SortKey::Text(domain.name.clone());
        self.listing.select(view.state.organization_domains.oldest_first(), |domain| self.admits(domain), key)
    }

    fn admits(&self, domain: &OrganizationDomain) -> bool {
        self.organization.as_ref().is_none_or(|id| id == domain.organization_id.as_str())
            && self.verified.is_none_or(|verified| verified == domain.verified_at.is_some())
            && self.enrollment_modes.admits(&domain.enrollment_mode)
            && (self.names.is_empty() || self.names.contains(&domain.name))
            && self.search.as_ref().is_none_or(|part| match part.starts_with("org_") {
                true => domain.organization_id.as_str().eq_ignore_ascii_case(part),
                false => domain.name.contains(part),
            })
    }
}

impl View<'_> {
    /// A domain below its organization.
    pub(crate) fn organization_domain(&self, organization: &str, id: &str) -> Result<&OrganizationDomain, Refusal> {
        let found = self.state.organizations.by_id_or_slug(organization);
        let organization = found.ok_or_else(|| Refusal::not_found("organization", organization))?;
        let domain = self.state.organization_domains.get(id);
        let within = domain.filter(|domain| domain.organization_id == organization.id);
        within.ok_or_else(|| {
            let message = format!("No organization domain was found with id {id}.");
            Refusal::new(StatusCode::NOT_FOUND, "resource_not_found", "not found", message)
        })
    }
}
