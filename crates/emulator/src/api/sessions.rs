//! `/v1/sessions` and the tokens of a session.

use serde_json::json;

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    refusal::Refusal,
    sessions::{NewSession, SessionList},
};

/// Clerk's bounds for the lifetime of a token that somebody asks for, in seconds.
const EXPIRES_IN_BOUNDS: std::ops::RangeInclusive<i64> = 30..=315_360_000;

pub(crate) fn list(call: &Call) -> Reply {
    let list = SessionList::read(&call.query)?;
    call.instance.read(|view| {
        let (page, total_count) = list.select(&view.state.sessions, view.now);
        let data: Vec<_> = page.into_iter().map(|session| view.session(session)).collect();
        if list.paginated { reply(&Paginated { data, total_count }) } else { reply(&data) }
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewSession::read(call.form()?)?;
    call.change(|change| {
        let session = change.create_session(new)?;
        reply(&change.view().session(&session))
    })
}

pub(crate) fn get(call: &Call) -> Reply {
    let id = call.path("session_id");
    call.instance.read(|view| {
        let session = view.state.sessions.get(id).ok_or_else(|| Refusal::not_found("session", id))?;
        reply(&view.session(session))
    })
}

pub(crate) fn revoke(call: &Call) -> Reply {
    call.change(|change| {
        let session = change.revoke_session(call.path("session_id"))?;
        reply(&change.view().session(&session))
    })
}

/// Signing out, which only the Frontend API of Clerk can do; here it belongs to the control API.
pub(crate) fn end(call: &Call) -> Reply {
    call.change(|change| {
        let session = change.end_session(call.path("session_id"))?;
        reply(&change.view().session(&session))
    })
}

pub(crate) fn create_token(call: &Call) -> Reply {
    let expires_in = expires_in(call)?;
    let version = call.version.session_token_version();
    let jwt = call.instance.mint(|mint| mint.of_session(call.path("session_id"), version, expires_in))?;
    reply(&json!({ "object": "token", "jwt": jwt }))
}

pub(crate) fn create_token_by_template(call: &Call) -> Reply {
    let expires_in = expires_in(call)?;
    let (session, template) = (call.path("session_id"), call.path("template_name"));
    let jwt = call.instance.mint(|mint| mint.of_session_by_template(session, template, expires_in))?;
    reply(&json!({ "object": "token", "jwt": jwt }))
}

fn expires_in(call: &Call) -> Result<Option<i64>, Refusal> {
    let mut form = call.form()?;
    let expires_in = form.bounded("expires_in_seconds", EXPIRES_IN_BOUNDS)?.given();
    form.finish()?;
    Ok(expires_in)
}
