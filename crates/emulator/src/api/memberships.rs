//! `/v1/organization_memberships` and the memberships below users and organizations.

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    change::Change,
    memberships::{Membership, MembershipList, MembershipMetadata, MembershipPatch, MembershipScope, NewMembership},
    refusal::Refusal,
    view::{Detail, View},
};

pub(crate) fn list_of_instance(call: &Call) -> Reply {
    let list = MembershipList::read(MembershipScope::Instance, &call.query)?;
    call.instance.read(|view| page(&list, view))
}

pub(crate) fn list_of_organization(call: &Call) -> Reply {
    let id = call.path("organization_id");
    call.instance.read(|view| {
        let found = view.state.organizations.by_id_or_slug(id);
        let organization = found.ok_or_else(|| Refusal::not_found("organization", id))?;
        page(&MembershipList::read(MembershipScope::Organization(organization.id.clone()), &call.query)?, view)
    })
}

pub(crate) fn list_of_user(call: &Call) -> Reply {
    let id = call.path("user_id");
    call.instance.read(|view| {
        let user = view.state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))?;
        page(&MembershipList::read(MembershipScope::User(user.id.clone()), &call.query)?, view)
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewMembership::read(call.form()?)?;
    changed(call, |change| change.create_membership(call.path("organization_id"), new))
}

pub(crate) fn update(call: &Call) -> Reply {
    let patch = MembershipPatch::read(call.form()?)?;
    changed(call, |change| change.update_membership(call.path("organization_id"), call.path("user_id"), patch))
}

pub(crate) fn merge_metadata(call: &Call) -> Reply {
    let metadata = MembershipMetadata::read(call.form()?)?;
    changed(call, |change| {
        change.update_membership_metadata(call.path("organization_id"), call.path("user_id"), metadata)
    })
}

pub(crate) fn delete(call: &Call) -> Reply {
    changed(call, |change| change.delete_membership(call.path("organization_id"), call.path("user_id")))
}

fn page(list: &MembershipList, view: View<'_>) -> Reply {
    let (page, total_count) = list.select(view.state);
    let data = page.into_iter().map(|membership| view.membership(membership, Detail::Plain)).collect();
    reply(&Paginated { data, total_count })
}

fn changed(call: &Call, operation: impl FnOnce(&mut Change<'_>) -> Result<Membership, Refusal>) -> Reply {
    call.change(|change| {
        let membership = operation(change)?;
        reply(&change.view().membership(&membership, Detail::Plain))
    })
}
