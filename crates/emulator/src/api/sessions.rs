//! `/v1/sessions` and the tokens of a session.

use serde_json::json;

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    change::Change,
    refusal::Refusal,
    sessions::{NewSession, Session, SessionList},
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
    changed(call, |change| change.create_session(new))
}

pub(crate) fn get(call: &Call) -> Reply {
    let id = call.path("session_id");
    call.instance.read(|view| {
        let session = view.state.sessions.get(id).ok_or_else(|| Refusal::not_found("session", id))?;
        reply(&view.session(session))
    })
}

pub(crate) fn revoke(call: &Call) -> Reply {
    changed(call, |change| change.revoke_session(call.path("session_id")))
}

/// Whether a token is one of this open session: not in Clerk's specification any more, and still in its SDK.
pub(crate) fn verify(call: &Call) -> Reply {
    let mut form = call.form()?;
    let token = form.string("token")?.required("token")?;
    form.finish()?;
    call.refuse_foreign(&token)?;
    let id = call.path("session_id");
    let payload = call.instance.identity.keyring().read().payload_of(&token);
    call.instance.read(|view| {
        let session = view.state.sessions.get(id).ok_or_else(|| Refusal::not_found("session", id))?;
        let of_it = payload.is_some_and(|payload| payload["sid"] == id);
        match of_it && session.is_open(view.now) {
            true => reply(&view.session(session)),
            false => {
                let long = "The token is not one of this session, or the session is over.";
                let status = http::StatusCode::UNAUTHORIZED;
                Err(Refusal::new(status, "authentication_invalid", "Invalid authentication", long))
            }
        }
    })
}

// What only a person at the Frontend API can do with a session belongs to the control API too.

/// A sign-in with everything that may come of one: tasks to do, an actor, a lifetime of its own.
pub(crate) fn create_any(call: &Call) -> Reply {
    let new = NewSession::read_any(call.form()?)?;
    changed(call, |change| change.create_session(new))
}

pub(crate) fn end(call: &Call) -> Reply {
    changed(call, |change| change.end_session(call.path("session_id")))
}

pub(crate) fn remove(call: &Call) -> Reply {
    changed(call, |change| change.remove_session(call.path("session_id")))
}

pub(crate) fn replace(call: &Call) -> Reply {
    changed(call, |change| change.replace_session(call.path("session_id")))
}

pub(crate) fn activate(call: &Call) -> Reply {
    changed(call, |change| change.activate_session(call.path("session_id")))
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

fn changed(call: &Call, operation: impl FnOnce(&mut Change<'_>) -> Result<Session, Refusal>) -> Reply {
    call.change(|change| {
        let session = operation(change)?;
        reply(&change.view().session(&session))
    })
}

fn expires_in(call: &Call) -> Result<Option<i64>, Refusal> {
    let mut form = call.form()?;
    let expires_in = form.bounded("expires_in_seconds", EXPIRES_IN_BOUNDS)?.given();
    form.finish()?;
    Ok(expires_in)
}
