//! `/v1/organizations`.

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    change::{Change, deleted_organization},
    metadata::MetadataMode,
    organizations::{NewOrganization, OrganizationList, OrganizationMetadata, OrganizationPatch, wants_counts},
    refusal::Refusal,
    view::Detail,
};

pub(crate) fn list(call: &Call) -> Reply {
    let list = OrganizationList::read(&call.query)?;
    let detail = Detail::counted(list.with_counts);
    call.instance.read(|view| {
        let (page, total_count) = list.select(&view.state.organizations, &view.state.memberships);
        let data = page.into_iter().map(|organization| view.organization(organization, detail)).collect();
        reply(&Paginated { data, total_count })
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewOrganization::read(call.form()?)?;
    call.change(|change| {
        let id = change.create_organization(new)?;
        show(change, id.as_str())
    })
}

pub(crate) fn get(call: &Call) -> Reply {
    let id = call.path("organization_id");
    let detail = Detail::counted(wants_counts(&call.query)?);
    call.instance.read(|view| {
        let found = view.state.organizations.by_id_or_slug(id);
        let organization = found.ok_or_else(|| Refusal::not_found("organization", id))?;
        reply(&view.organization(organization, detail))
    })
}

pub(crate) fn update(call: &Call) -> Reply {
    let patch = OrganizationPatch::read(call.form()?, call.version)?;
    altered(call, |change, id| change.update_organization(id, patch))
}

pub(crate) fn merge_metadata(call: &Call) -> Reply {
    let metadata = OrganizationMetadata::read(call.form()?)?;
    altered(call, |change, id| change.update_organization_metadata(id, metadata, MetadataMode::Merge))
}

pub(crate) fn replace_metadata(call: &Call) -> Reply {
    let metadata = OrganizationMetadata::read(call.form()?)?;
    altered(call, |change, id| change.update_organization_metadata(id, metadata, MetadataMode::Replace))
}

pub(crate) fn delete(call: &Call) -> Reply {
    call.change(|change| {
        let organization = change.delete_organization(call.path("organization_id"))?;
        reply(&deleted_organization(&organization))
    })
}

fn altered(call: &Call, alter: impl FnOnce(&mut Change<'_>, &str) -> Result<clerk::OrganizationId, Refusal>) -> Reply {
    call.change(|change| {
        let id = alter(change, call.path("organization_id"))?;
        show(change, id.as_str())
    })
}

fn show(change: &Change<'_>, id: &str) -> Reply {
    let view = change.view();
    let organization = view.state.organizations.get(id).expect("an organization that was just changed exists");
    reply(&view.organization(organization, Detail::Plain))
}
