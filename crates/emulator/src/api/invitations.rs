//! `/v1/invitations`.

use serde_json::Value;

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    form::Form,
    invitations::{InvitationList, NewInvitation},
};

/// Clerk: "limited to a maximum of 10 invitations per API call".
const BULK_LIMIT: usize = 10;

pub(crate) fn list(call: &Call) -> Reply {
    let list = InvitationList::read(&call.query)?;
    call.instance.read(|view| {
        let (page, total_count) = list.select(view);
        let data: Vec<Value> = page.into_iter().map(|invitation| invitation.object(view)).collect();
        if list.paginated { reply(&Paginated { data, total_count }) } else { reply(&data) }
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewInvitation::read(call.form()?)?;
    call.change(|change| reply(&change.create_invitations(vec![new])?[0].object(change.view())))
}

pub(crate) fn create_many(call: &Call) -> Reply {
    let forms = Form::parse_many(&call.body, BULK_LIMIT)?;
    let new = forms.into_iter().map(NewInvitation::read).collect::<Result<Vec<_>, _>>()?;
    call.change(|change| {
        let made = change.create_invitations(new)?;
        reply(&made.iter().map(|invitation| invitation.object(change.view())).collect::<Vec<_>>())
    })
}

/// Takes the invitation away altogether: not in Clerk's specification, and in its SDK.
pub(crate) fn delete(call: &Call) -> Reply {
    let id = call.path("invitation_id");
    call.change(|change| {
        change.state.invitations.remove(id).ok_or_else(|| crate::refusal::Refusal::not_found("invitation", id))?;
        reply(&serde_json::json!({ "object": "invitation", "id": id, "deleted": true }))
    })
}

pub(crate) fn revoke(call: &Call) -> Reply {
    call.change(|change| reply(&change.revoke_invitation(call.path("invitation_id"))?.object(change.view())))
}

/// Signing up by an invitation, which takes a person; here it belongs to the control API too. Answers with the user.
pub(crate) fn accept(call: &Call) -> Reply {
    call.change(|change| {
        let user = change.accept_invitation(call.path("invitation_id"))?;
        let view = change.view();
        reply(&view.user(view.state.users.get(user.as_str()).expect("a user that was just made exists")))
    })
}
