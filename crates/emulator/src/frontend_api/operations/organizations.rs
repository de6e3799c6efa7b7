//! Organizations, as their members see and change them.
//!
//! The Backend API may do anything; here the role of whoever asks decides, by Clerk's system permissions. An organization
//! one is not a member of is answered as if it did not exist.

mod invitations;
mod memberships;

use http::StatusCode;
use serde_json::{Map, Value, json};

pub(super) use invitations::{
    accept as accept_invitation, create as create_invitation, create_bulk as create_invitations,
    list as list_invitations, list_mine as list_my_invitations, revoke as revoke_invitation,
};
pub(super) use memberships::{
    create_membership, delete_membership, leave, list_memberships, list_mine, update_membership,
};

use crate::{
    api_version::ApiVersion,
    change::deleted_organization,
    form::Form,
    frontend_api::call::{Answer, Asking, FrontendCall, FrontendReply},
    images,
    memberships::Membership,
    organizations::{NewOrganization, OrganizationPatch},
    refusal::Refusal,
    view::View,
};

const MANAGE_PROFILE: &str = "org:sys_profile:manage";
const DELETE_PROFILE: &str = "org:sys_profile:delete";
const READ_MEMBERSHIPS: &str = "org:sys_memberships:read";

/// The creator is the first administrator.
pub(super) fn create(call: &FrontendCall) -> FrontendReply {
    let id = call.as_user(|change, asking| {
        if !asking.user(change.view()).create_organization_enabled {
            let message = "This user may not create organizations.";
            return Err(forbidden("organization_creation_not_allowed", message));
        }
        let mut members = fields(call);
        members.insert("created_by".to_owned(), json!(asking.user));
        change.create_organization(NewOrganization::read(Form::of(members))?)
    })?;
    show(call, id.as_str())
}

pub(super) fn get(call: &FrontendCall) -> FrontendReply {
    show(call, call.path("organization_id"))
}

pub(super) fn update(call: &FrontendCall) -> FrontendReply {
    let patch = OrganizationPatch::read(Form::of(fields(call)), ApiVersion::LATEST)?;
    let id = call.as_user(|change, asking| {
        let id = permitted(call, change.view(), &asking, MANAGE_PROFILE)?.organization_id.clone();
        change.update_organization(id.as_str(), patch)
    })?;
    show(call, id.as_str())
}

pub(super) fn set_logo(call: &FrontendCall) -> FrontendReply {
    let upload = call.upload.as_ref().ok_or_else(images::missing)?;
    let id = call.as_user(|change, asking| {
        let id = permitted(call, change.view(), &asking, MANAGE_PROFILE)?.organization_id.clone();
        let url = change.keep_image(upload);
        change.set_organization_image(id.as_str(), Some(url))
    })?;
    show(call, id.as_str())
}

pub(super) fn delete_logo(call: &FrontendCall) -> FrontendReply {
    call.as_user(|change, asking| {
        let id = permitted(call, change.view(), &asking, MANAGE_PROFILE)?.organization_id.clone();
        change.set_organization_image(id.as_str(), None)
    })?;
    call.show(|_, _| Ok(json!({ "object": "image", "deleted": true })))
}

pub(super) fn delete(call: &FrontendCall) -> FrontendReply {
    let notice = call.as_user(|change, asking| {
        let id = permitted(call, change.view(), &asking, DELETE_PROFILE)?.organization_id.clone();
        let organization = change.state.organizations.get(id.as_str()).expect("a membership has its organization");
        if !organization.admin_delete_enabled {
            return Err(forbidden(
                "organization_delete_not_allowed",
                "This organization may not be deleted by members.",
            ));
        }
        Ok(deleted_organization(&change.delete_organization(id.as_str())?))
    })?;
    call.show(|_, _| Ok(notice))
}

/// The roles an administrator can give.
pub(super) fn roles(call: &FrontendCall) -> FrontendReply {
    call.show(|face, asking| {
        member(call, face.view, asking)?;
        let roles: Vec<Value> = face
            .view
            .state
            .roles
            .oldest_first()
            .map(|role| {
                let mut object = role.object(&face.view.state.roles);
                // The specification wants a text here.
                if object["description"].is_null() {
                    object["description"] = json!("");
                }
                object
            })
            .collect();
        Ok(json!({ "total_count": roles.len(), "data": roles }))
    })
}

/// What is never there: suggestions, membership requests and domains come of verified domains, which are off.
pub(super) fn none(call: &FrontendCall) -> FrontendReply {
    call.show(|_, _| Ok(json!({ "data": [], "total_count": 0 })))
}

fn show(call: &FrontendCall, id: &str) -> FrontendReply {
    call.show(|face, asking| {
        let membership = membership_in(face.view, asking, id)?;
        let organization = face.view.state.organizations.get(membership.organization_id.as_str());
        Ok(face.organization(organization.expect("a membership has its organization")))
    })
}

fn fields(call: &FrontendCall) -> Map<String, Value> {
    let given = ["name", "slug"].into_iter().filter_map(|name| Some((name.to_owned(), json!(call.form.text(name)?))));
    given.collect()
}

/// The membership of whoever asks in the organization of the path.
fn member<'a>(call: &FrontendCall, view: View<'a>, asking: &Asking) -> Result<&'a Membership, Refusal> {
    membership_in(view, asking, call.path("organization_id"))
}

fn membership_in<'a>(view: View<'a>, asking: &Asking, organization: &str) -> Result<&'a Membership, Refusal> {
    let found = view.state.organizations.by_id_or_slug(organization);
    let membership = found.and_then(|it| view.state.memberships.between(it.id.as_str(), asking.user.as_str()));
    membership.ok_or_else(|| Refusal::not_found("organization", organization))
}

/// As [`member`], when the role has the permission.
fn permitted<'a>(
    call: &FrontendCall,
    view: View<'a>,
    asking: &Asking,
    permission: &str,
) -> Result<&'a Membership, Refusal> {
    let membership = member(call, view, asking)?;
    if allows(view, &membership.role, permission) {
        return Ok(membership);
    }
    let message = format!("The role {} does not have the permission {permission}.", membership.role);
    Err(forbidden("missing_permission", &message))
}

fn allows(view: View<'_>, role: &str, permission: &str) -> bool {
    view.state.roles.allows(role, permission)
}

fn forbidden(code: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, code, "not allowed", message)
}

/// A list with its whole length, as pages ask for it.
fn page(call: &FrontendCall, data: Vec<Value>, total_count: usize) -> Answer {
    let client = call.face(|face| call.client_object(face));
    Answer::json(json!({ "response": { "data": data, "total_count": total_count }, "client": client }))
}
