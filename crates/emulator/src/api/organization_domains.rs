//! `/v1/organization_domains` and the domains below an organization.

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    change::Change,
    organization_domains::{
        NewOrganizationDomain, OrganizationDomain, OrganizationDomainList, OrganizationDomainPatch,
    },
    refusal::Refusal,
    view::View,
};

pub(crate) fn list_of_instance(call: &Call) -> Reply {
    let list = OrganizationDomainList::of_instance(&call.query)?;
    call.instance.read(|view| page(&list, view))
}

pub(crate) fn list_of_organization(call: &Call) -> Reply {
    let id = call.path("organization_id");
    call.instance.read(|view| {
        let found = view.state.organizations.by_id_or_slug(id);
        let organization = found.ok_or_else(|| Refusal::not_found("organization", id))?;
        page(&OrganizationDomainList::of_organization(&call.query, organization.id.as_str())?, view)
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewOrganizationDomain::read(call.form()?)?;
    call.change(|change| {
        let domain = change.create_organization_domain(call.path("organization_id"), new)?;
        reply(&domain.object(change.view()))
    })
}

pub(crate) fn update(call: &Call) -> Reply {
    let patch = OrganizationDomainPatch::read(call.form()?)?;
    changed(call, |change, organization, id| change.update_organization_domain(organization, id, &patch))
}

pub(crate) fn verify_ownership(call: &Call) -> Reply {
    changed(call, |change, organization, id| change.verify_organization_domain_ownership(organization, id))
}

pub(crate) fn delete(call: &Call) -> Reply {
    call.change(|change| {
        let domain = change.delete_organization_domain(call.path("organization_id"), call.path("domain_id"))?;
        reply(&domain.deleted())
    })
}

fn page(list: &OrganizationDomainList, view: View<'_>) -> Reply {
    let (page, total_count) = list.select(view);
    reply(&Paginated { data: page.into_iter().map(|domain| domain.object(view)).collect(), total_count })
}

fn changed(
    call: &Call,
    operation: impl FnOnce(&mut Change<'_>, &str, &str) -> Result<OrganizationDomain, Refusal>,
) -> Reply {
    call.change(|change| {
        let domain = operation(change, call.path("organization_id"), call.path("domain_id"))?;
        reply(&domain.object(change.view()))
    })
}
