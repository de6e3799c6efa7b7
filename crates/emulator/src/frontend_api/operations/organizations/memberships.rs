//! Members of an organization, and the organizations of a member.

use clerk::{OrganizationId, UserId};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{READ_MEMBERSHIPS, allows, member, page, permitted};
use crate::{
    form::Form,
    frontend_api::call::{FrontendCall, FrontendReply},
    memberships::{MembershipList, MembershipPatch, MembershipScope, NewMembership},
    refusal::Refusal,
    roles::MANAGE_MEMBERSHIPS,
    view::View,
};

/// The organizations of whoever asks.
pub(crate) fn list_mine(call: &FrontendCall) -> FrontendReply {
    list(call, |view| Ok(MembershipScope::User(call.asking(view)?.user)))
}

/// The members of an organization.
pub(crate) fn list_memberships(call: &FrontendCall) -> FrontendReply {
    list(call, |view| {
        let asking = call.asking(view)?;
        let organization = permitted(call, view, &asking, READ_MEMBERSHIPS)?.organization_id.clone();
        Ok(MembershipScope::Organization(organization))
    })
}

fn list(call: &FrontendCall, scope: impl FnOnce(View<'_>) -> Result<MembershipScope, Refusal>) -> FrontendReply {
    let (data, total) = call.face(|face| {
        let list = MembershipList::read(scope(face.view)?, &call.query)?;
        let (found, total) = list.select(face.view.state);
        let data: Vec<Value> = found.into_iter().map(|membership| face.membership(membership)).collect();
        Ok::<_, Refusal>((data, total))
    })?;
    Ok(page(call, data, total))
}

pub(crate) fn create_membership(call: &FrontendCall) -> FrontendReply {
    let members = ["user_id", "role"].into_iter();
    let members = members.filter_map(|name| Some((name.to_owned(), json!(call.form.text(name)?))));
    let new = NewMembership::read(Form::of(members.collect()))?;
    let membership = call.as_user(|change, asking| {
        let id = permitted(call, change.view(), &asking, MANAGE_MEMBERSHIPS)?.organization_id.clone();
        change.create_membership(id.as_str(), new)
    })?;
    call.show(|face, _| Ok(face.membership(&membership)))
}

pub(crate) fn update_membership(call: &FrontendCall) -> FrontendReply {
    let role = call.form.required("role")?;
    let patch = MembershipPatch::read(Form::of(Map::from_iter([("role".to_owned(), json!(role))])))?;
    let membership = call.as_user(|change, asking| {
        let id = permitted(call, change.view(), &asking, MANAGE_MEMBERSHIPS)?.organization_id.clone();
        if !allows(change.view(), role, MANAGE_MEMBERSHIPS) {
            keep_a_manager(change.view(), &id, call.path("user_id"))?;
        }
        change.update_membership(id.as_str(), call.path("user_id"), patch)
    })?;
    call.show(|face, _| Ok(face.membership(&membership)))
}

pub(crate) fn delete_membership(call: &FrontendCall) -> FrontendReply {
    let user = call.path("user_id");
    // The object is shown while everything it refers to is certainly there.
    let shown = call.face(|face| {
        let asking = call.asking(face.view)?;
        let organization = permitted(call, face.view, &asking, MANAGE_MEMBERSHIPS)?.organization_id.clone();
        let membership = face.view.state.memberships.between(organization.as_str(), user);
        Ok::<_, Refusal>(
            face.membership(membership.ok_or_else(|| Refusal::not_found("organization membership", user))?),
        )
    })?;
    call.as_user(|change, asking| {
        let id = permitted(call, change.view(), &asking, MANAGE_MEMBERSHIPS)?.organization_id.clone();
        keep_a_manager(change.view(), &id, user)?;
        change.delete_membership(id.as_str(), user).map(|_| ())
    })?;
    call.show(|_, _| Ok(shown))
}

/// Leaves an organization.
pub(crate) fn leave(call: &FrontendCall) -> FrontendReply {
    let id = call.as_user(|change, asking| {
        let membership = member(call, change.view(), &asking)?;
        let (id, organization): (_, OrganizationId) = (membership.id.clone(), membership.organization_id.clone());
        keep_a_manager(change.view(), &organization, asking.user.as_str())?;
        change.delete_membership(organization.as_str(), asking.user.as_str())?;
        Ok(id)
    })?;
    call.show(|_, _| Ok(json!({ "object": "organization_membership", "id": id, "deleted": true })))
}

/// Refuses to take away the last member who can manage the others.
fn keep_a_manager(view: View<'_>, organization: &OrganizationId, user: &str) -> Result<(), Refusal> {
    let manages = |id: &UserId, role: &str| id.as_str() != user && allows(view, role, MANAGE_MEMBERSHIPS);
    let mut members = view.state.memberships.in_organization(organization);
    if members.any(|membership| manages(&membership.user_id, &membership.role)) {
        return Ok(());
    }
    let last = view.state.memberships.between(organization.as_str(), user);
    if last.is_none_or(|membership| !allows(view, &membership.role, MANAGE_MEMBERSHIPS)) {
        return Ok(());
    }
    let message = "There has to be at least one organization member with the minimum required permissions.";
    let code = "organization_minimum_permissions_needed";
    Err(Refusal::new(StatusCode::BAD_REQUEST, code, "organization minimum permissions needed", message))
}
