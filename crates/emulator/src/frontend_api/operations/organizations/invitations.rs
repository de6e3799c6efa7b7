//! Invitations: sent by those who manage members, accepted by whoever has the address.

use serde_json::{Map, Value, json};

use super::{member, page, permitted};
use crate::{
    form::Form,
    frontend_api::call::{Asking, FrontendCall, FrontendReply},
    organization_invitations::{NewOrganizationInvitation, OrganizationInvitation, OrganizationInvitationList},
    refusal::Refusal,
    roles::MANAGE_MEMBERSHIPS,
    view::View,
};

pub(crate) fn create(call: &FrontendCall) -> FrontendReply {
    let mut made = invite(call, &[call.form.required("email_address")?])?;
    let first = made.pop().ok_or_else(|| Refusal::missing("email_address"))?;
    call.show(|face, _| Ok(shown(&first, face.view)))
}

pub(crate) fn create_bulk(call: &FrontendCall) -> FrontendReply {
    let addresses: Vec<&str> = call.form.all("email_address").filter(|address| !address.is_empty()).collect();
    let made = invite(call, &addresses)?;
    call.show(|face, _| Ok(made.iter().map(|invitation| shown(invitation, face.view)).collect()))
}

fn invite(call: &FrontendCall, addresses: &[&str]) -> Result<Vec<OrganizationInvitation>, Refusal> {
    let role = call.form.required("role")?;
    call.as_user(|change, asking| {
        let id = permitted(call, change.view(), &asking, MANAGE_MEMBERSHIPS)?.organization_id.clone();
        let new = addresses.iter().map(|address| {
            NewOrganizationInvitation::read(Form::of(Map::from_iter([
                ("email_address".to_owned(), json!(address)),
                ("role".to_owned(), json!(role)),
                ("inviter_user_id".to_owned(), json!(asking.user)),
            ])))
        });
        change.create_organization_invitations(id.as_str(), new.collect::<Result<_, _>>()?)
    })
}

pub(crate) fn list(call: &FrontendCall) -> FrontendReply {
    select(call, |view, asking| {
        permitted(call, view, asking, MANAGE_MEMBERSHIPS)?;
        let organization = member(call, view, asking)?.organization_id.clone();
        Ok(Box::new(move |invitation| invitation.organization_id == organization))
    })
}

/// Invitations to one of the addresses of whoever asks.
pub(crate) fn list_mine(call: &FrontendCall) -> FrontendReply {
    select(call, |view, asking| {
        let user = asking.user(view);
        let addresses: Vec<String> = user.email_addresses.iter().map(|it| it.email_address.to_lowercase()).collect();
        Ok(Box::new(move |invitation| addresses.contains(&invitation.email_address.to_lowercase())))
    })
}

type Scope = Box<dyn Fn(&OrganizationInvitation) -> bool>;

fn select(call: &FrontendCall, scope: impl FnOnce(View<'_>, &Asking) -> Result<Scope, Refusal>) -> FrontendReply {
    let (data, total) = call.face(|face| {
        let asking = call.asking(face.view)?;
        let list = OrganizationInvitationList::read(&call.query)?;
        let (found, total) = list.select(face.view, scope(face.view, &asking)?);
        let data: Vec<Value> = found.into_iter().map(|invitation| shown(invitation, face.view)).collect();
        Ok::<_, Refusal>((data, total))
    })?;
    Ok(page(call, data, total))
}

pub(crate) fn revoke(call: &FrontendCall) -> FrontendReply {
    let id = call.path("invitation_id");
    let revoked = call.as_user(|change, asking| {
        let organization = permitted(call, change.view(), &asking, MANAGE_MEMBERSHIPS)?.organization_id.clone();
        change.revoke_organization_invitation(organization.as_str(), id, None)
    })?;
    call.show(|face, _| Ok(shown(&revoked, face.view)))
}

pub(crate) fn accept(call: &FrontendCall) -> FrontendReply {
    let id = call.path("invitation_id");
    let accepted = call.as_user(|change, asking| {
        let view = change.view();
        let mine = |invitation: &OrganizationInvitation| {
            let mut addresses = asking.user(view).email_addresses.iter();
            addresses.any(|it| it.email_address.eq_ignore_ascii_case(&invitation.email_address))
        };
        if !view.state.organization_invitations.get(id).is_some_and(mine) {
            return Err(Refusal::not_found("organization invitation", id));
        }
        change.accept_organization_invitation(id, Some(asking.user.as_str()))
    })?;
    call.show(|face, _| Ok(shown(&accepted, face.view)))
}

/// An invitation as a page may see it: without private metadata, and without the link, which is for the mailbox alone.
fn shown(invitation: &OrganizationInvitation, view: View<'_>) -> Value {
    let mut object = invitation.object_with_organization(view);
    if let Some(members) = object.as_object_mut() {
        for private in ["private_metadata", "inviter_id", "public_inviter_data"] {
            members.remove(private);
        }
    }
    object["url"] = Value::Null;
    object
}
