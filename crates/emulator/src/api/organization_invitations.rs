//! `/v1/organization_invitations` and the invitations below organizations and users.

use serde_json::Value;

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    form::Form,
    organization_invitations::{NewOrganizationInvitation, OrganizationInvitation, OrganizationInvitationList},
    refusal::Refusal,
    users::User,
    view::View,
};

/// Clerk: "limited to a maximum of 10 invitations per API call".
const BULK_LIMIT: usize = 10;

pub(crate) fn list_of_instance(call: &Call) -> Reply {
    let list = OrganizationInvitationList::read(&call.query)?;
    call.instance.read(|view| page(&list, view, OrganizationInvitation::object_with_organization, |_| true))
}

pub(crate) fn list_of_organization(call: &Call) -> Reply {
    of_organization(call, &OrganizationInvitationList::read(&call.query)?)
}

pub(crate) fn list_pending_of_organization(call: &Call) -> Reply {
    of_organization(call, &OrganizationInvitationList::pending(&call.query)?)
}

pub(crate) fn list_of_user(call: &Call) -> Reply {
    let list = OrganizationInvitationList::read(&call.query)?;
    let id = call.path("user_id");
    call.instance.read(|view| {
        let user = view.state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))?;
        let of_user = |invitation: &OrganizationInvitation| is_for(invitation, user);
        page(&list, view, OrganizationInvitation::object_with_organization, of_user)
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewOrganizationInvitation::read(call.form()?)?;
    call.change(|change| {
        let made = change.create_organization_invitations(call.path("organization_id"), vec![new])?;
        reply(&made[0].object(change.view()))
    })
}

pub(crate) fn create_many(call: &Call) -> Reply {
    let forms = Form::parse_many(&call.body, BULK_LIMIT)?;
    let new = forms.into_iter().map(NewOrganizationInvitation::read).collect::<Result<Vec<_>, _>>()?;
    call.change(|change| {
        let made = change.create_organization_invitations(call.path("organization_id"), new)?;
        let data: Vec<Value> = made.iter().map(|invitation| invitation.object(change.view())).collect();
        reply(&Paginated { total_count: data.len(), data })
    })
}

pub(crate) fn get(call: &Call) -> Reply {
    call.instance.read(|view| {
        let (organization, id) = (call.path("organization_id"), call.path("invitation_id"));
        reply(&view.organization_invitation(Some(organization), id)?.object(view))
    })
}

pub(crate) fn revoke(call: &Call) -> Reply {
    let mut form = call.form()?;
    let requester = form.string("requesting_user_id")?.given().filter(|id| !id.is_empty());
    form.finish()?;
    call.change(|change| {
        let (organization, id) = (call.path("organization_id"), call.path("invitation_id"));
        let invitation = change.revoke_organization_invitation(organization, id, requester.as_deref())?;
        reply(&invitation.object(change.view()))
    })
}

/// Accepting, which only the Frontend API of Clerk can do; here it belongs to the control API too.
pub(crate) fn accept(call: &Call) -> Reply {
    let mut form = call.form()?;
    let user = form.string("user_id")?.given();
    form.finish()?;
    call.change(|change| {
        let invitation = change.accept_organization_invitation(call.path("invitation_id"), user.as_deref())?;
        reply(&invitation.event_object(change.view()))
    })
}

fn of_organization(call: &Call, list: &OrganizationInvitationList) -> Reply {
    let id = call.path("organization_id");
    call.instance.read(|view| {
        let found = view.state.organizations.by_id_or_slug(id);
        let organization = found.ok_or_else(|| Refusal::not_found("organization", id))?;
        let within = |invitation: &OrganizationInvitation| invitation.organization_id == organization.id;
        page(list, view, OrganizationInvitation::object, within)
    })
}

fn page(
    list: &OrganizationInvitationList,
    view: View<'_>,
    object: fn(&OrganizationInvitation, View<'_>) -> Value,
    scope: impl Fn(&OrganizationInvitation) -> bool,
) -> Reply {
    let (page, total_count) = list.select(view, scope);
    reply(&Paginated { data: page.into_iter().map(|one| object(one, view)).collect(), total_count })
}

fn is_for(invitation: &OrganizationInvitation, user: &User) -> bool {
    let own = |email: &str| email.eq_ignore_ascii_case(&invitation.email_address);
    user.email_addresses.iter().any(|email| own(&email.email_address))
}
