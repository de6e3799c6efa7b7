//! `/v1/client`, `/v1/environment` and development browsers.

use clerk::SessionId;
use serde_json::json;

use crate::frontend_api::{
    call::{Answer, FrontendCall, FrontendReply},
    cookies,
    environment::environment as environment_of,
    packages::CLERK_JS_VERSION,
};

pub(super) fn environment(call: &FrontendCall) -> FrontendReply {
    let instance = &call.instance;
    let shown = instance.read(|view| environment_of(&instance.settings, view, call.public_url(), CLERK_JS_VERSION));
    Ok(Answer::json(shown))
}

/// The client of the browser, or none before its first sign-in.
pub(super) fn get(call: &FrontendCall) -> FrontendReply {
    let client = call.face(|face| call.client_object(face));
    Ok(Answer::json(json!({ "response": client, "client": null })))
}

pub(super) fn create(call: &FrontendCall) -> FrontendReply {
    let seat = call.seat(|_, _| Ok(()))?;
    Ok(call.answer(seat, |face, client| face.client(client)))
}

/// Signs everybody out and forgets the browser.
pub(super) fn destroy(call: &FrontendCall) -> FrontendReply {
    call.on_client(|change, on| {
        let sessions = signed_in(change.view(), on.client);
        for id in sessions {
            change.remove_session(id.as_str())?;
        }
        change.state.clients.remove(on.client);
        Ok(())
    })?;
    let cookie = cookies::forget_client(&call.instance.cookie_suffix);
    Ok(Answer::json(json!({ "response": null, "client": null })).with_cookies([cookie]))
}

/// Signs everybody out; the browser stays known.
pub(super) fn remove_sessions(call: &FrontendCall) -> FrontendReply {
    call.on_client(|change, on| {
        for id in signed_in(change.view(), on.client) {
            change.remove_session(id.as_str())?;
            change.left_client(on.client, &id);
        }
        Ok(())
    })?;
    Ok(call.answer(call.known_seat()?, |face, client| face.client(client)))
}

pub(super) fn create_dev_browser(call: &FrontendCall) -> FrontendReply {
    let mut token = String::new();
    let seat = call.seat(|change, on| {
        token = change.dev_browser(on.client);
        Ok(())
    })?;
    let body = json!({ "object": "dev_browser", "id": token, "client_id": seat.client, "token": token });
    Ok(Answer::json(body).with_cookies(seat.cookie))
}

fn signed_in(view: crate::view::View<'_>, client: &str) -> Vec<SessionId> {
    let client = view.state.clients.get(client).into_iter();
    client.flat_map(|client| client.sessions(view.state, view.now)).map(|session| session.id.clone()).collect()
}
