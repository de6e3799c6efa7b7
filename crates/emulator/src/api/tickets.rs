//! `/v1/sign_in_tokens`, `/v1/actor_tokens` and `/v1/testing_tokens`.

use serde_json::json;

use super::{Call, Reply, reply};
use crate::{
    ids,
    tickets::{NewSignInTicket, Redeemed},
};

/// Clerk: testing tokens are valid for an hour.
const TESTING_TOKEN_SECONDS: i64 = 3600;

pub(crate) fn create_sign_in_token(call: &Call) -> Reply {
    let new = NewSignInTicket::read_sign_in(call.form()?)?;
    call.change(|change| {
        let ticket = change.create_sign_in_ticket(new)?;
        reply(&ticket.object(change.view()))
    })
}

pub(crate) fn revoke_sign_in_token(call: &Call) -> Reply {
    call.change(|change| {
        let ticket = change.revoke_sign_in_ticket(call.path("sign_in_token_id"), false)?;
        reply(&ticket.object(change.view()))
    })
}

pub(crate) fn create_actor_token(call: &Call) -> Reply {
    let new = NewSignInTicket::read_actor(call.form()?)?;
    call.change(|change| {
        let ticket = change.create_sign_in_ticket(new)?;
        reply(&ticket.object(change.view()))
    })
}

pub(crate) fn revoke_actor_token(call: &Call) -> Reply {
    call.change(|change| {
        let ticket = change.revoke_sign_in_ticket(call.path("actor_token_id"), true)?;
        reply(&ticket.object(change.view()))
    })
}

/// A token that tells bot protection to stand aside. There is none here, so nobody asks for it again.
pub(crate) fn create_testing_token(call: &Call) -> Reply {
    let expires_at = call.instance.clock.now().seconds().saturating_add(TESTING_TOKEN_SECONDS);
    let token = format!("{expires_at}-c_{}", ids::hex(&ids::random::<16>()));
    reply(&json!({ "object": "testing_token", "token": token, "expires_at": expires_at }))
}

/// Following a link, which takes a person; here it belongs to the control API too. Answers with what came of it.
pub(crate) fn redeem(call: &Call) -> Reply {
    let mut form = call.form()?;
    let ticket = form.string("ticket")?.required("ticket")?;
    form.finish()?;
    call.change(|change| match change.redeem(&ticket)? {
        Redeemed::Session(session) => reply(&change.view().session(&session)),
        Redeemed::User(id) => {
            let view = change.view();
            reply(&view.user(view.state.users.get(id.as_str()).expect("a user that was just made exists")))
        }
        Redeemed::Member(id) => {
            let view = change.view();
            reply(&view.organization_invitation(None, &id)?.event_object(view))
        }
    })
}
