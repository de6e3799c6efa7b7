//! `/v1/clients`: browsers, as the Backend API shows them, and what their sessions can be renewed by.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Reply, call::Paginated, reply};
use crate::{frontend_api::clients::Client, refusal::Refusal, view::View};

/// Newest first; a bare array, or on request one that knows its length.
pub(crate) fn list(call: &Call) -> Reply {
    let (page, paginated) = (call.query.page()?, call.query.boolean("paginated")?.unwrap_or(false));
    call.instance.read(|view| {
        let mut clients: Vec<&Client> = view.state.clients.iter().collect();
        clients.sort_by_key(|client| std::cmp::Reverse((client.created_at, &client.id)));
        let total_count = clients.len();
        let data: Vec<Value> =
            clients.into_iter().skip(page.offset).take(page.limit).map(|client| object(client, view)).collect();
        if paginated { reply(&Paginated { data, total_count }) } else { reply(&data) }
    })
}

pub(crate) fn get(call: &Call) -> Reply {
    let id = call.path("client_id");
    call.instance.read(|view| match view.state.clients.get(id) {
        Some(client) => reply(&object(client, view)),
        None => Err(Refusal::not_found("client", id)),
    })
}

/// Whose browser a credential belongs to: the value of its cookie, or the token of a development browser.
pub(crate) fn verify(call: &Call) -> Reply {
    let mut form = call.form()?;
    let token = form.string("token")?.required("token")?;
    form.finish()?;
    call.instance.read(|view| {
        let clients = &view.state.clients;
        let client = clients.of_cookie(&token).or_else(|| clients.of_dev_browser(&token)).ok_or_else(|| {
            let long = "The token is not the credential of a browser of this instance.";
            Refusal::new(StatusCode::BAD_REQUEST, "cookie_invalid", "Invalid cookie", long)
        })?;
        reply(&object(client, view))
    })
}

/// Renewing a session by a refresh token. The emulator hands out none, so that none is ever found, and SDKs go on with the
/// handshake as they do at Clerk.
pub(crate) fn refresh_session(call: &Call) -> Reply {
    let mut form = call.form()?;
    for name in ["expired_token", "refresh_token", "request_origin"] {
        form.string(name)?.required(name)?;
    }
    form.ignore(&["request_headers", "request_originating_ip", "format"]);
    form.finish()?;
    let (code, short) = ("refresh_token_not_found", "Refresh token not found");
    Err(Refusal::new(StatusCode::UNAUTHORIZED, code, short, "The provided refresh token was not found"))
}

fn object(client: &Client, view: View<'_>) -> Value {
    let sessions: Vec<_> = client.sessions(view.state, view.now).collect();
    json!({
        "object": "client",
        "id": client.id,
        "session_ids": sessions.iter().map(|session| &session.id).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(|session| view.session(session)).collect::<Vec<_>>(),
        "sign_in_id": client.sign_in.as_ref().map(|sign_in| &sign_in.id),
        "sign_up_id": client.sign_up.as_ref().map(|sign_up| &sign_up.id),
        "last_active_session_id": client.active_session(view.state, view.now).map(|session| &session.id),
        "last_authentication_strategy": client.last_authentication_strategy,
        "created_at": client.created_at,
        "updated_at": client.updated_at,
    })
}
