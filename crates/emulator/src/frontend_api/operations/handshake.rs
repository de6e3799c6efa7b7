//! The handshake: from an app's server to the browser's Clerk and back.
//!
//! The browser arrives with a page's address, and leaves for it with the cookies its server misses: who is signed in (or
//! that nobody is), since when, and the development browser without which the SDK believes nothing.

use http::StatusCode;
use serde_json::json;

use crate::{
    api::{Call, Reply, reply},
    frontend_api::{
        call::{Answer, FrontendCall, FrontendReply},
        cookies, origins,
    },
    refusal::Refusal,
};

const SESSION: &str = "__session";
const CLIENT_UAT: &str = "__client_uat";
const DEV_BROWSER: &str = "__clerk_db_jwt";

pub(super) fn handshake(call: &FrontendCall) -> FrontendReply {
    let wanted = call.query.first("redirect_url").unwrap_or_default();
    let mut back = origins::destination(wanted, call.proxy.as_deref()).ok_or_else(|| {
        let message = format!(
            "{wanted:?} is no address of this machine, nor of an app whose proxy sent the secret key; a session goes nowhere else."
        );
        Refusal::form("redirect_url_mismatch", "Redirect url mismatch", message, "redirect_url")
    })?;
    let mut dev_browser = String::new();
    let seat = call.seat(|change, on| {
        dev_browser = change.dev_browser(on.client);
        if let Some(organization) = call.query.first("organization_id") {
            // An organization that cannot be active leaves everything as it was (Clerk's specification).
            let active = change.state.clients.get(on.client).and_then(|it| it.active_session(change.state, change.now));
            if let Some((id, user)) = active.map(|session| (session.id.clone(), session.user_id.clone())) {
                let found = change.state.organizations.by_id_or_slug(organization).map(|it| it.id.clone());
                let member = found.filter(|it| change.state.memberships.between(it.as_str(), user.as_str()).is_some());
                if member.is_some() || (organization.is_empty() && !on.settings.organization_required) {
                    change.activate_organization(&id, member)?;
                }
            }
        }
        Ok(())
    })?;
    let suffix = &call.instance.cookie_suffix;
    let party = call.authorized_party.clone().unwrap_or_else(|| back.origin().ascii_serialization());
    let directives: Vec<String> = call.face(|face| {
        let client = face.view.state.clients.get(&seat.client).expect("a client that was just seated exists");
        let session = client.active_session(face.view.state, face.view.now);
        let token = session.and_then(|session| face.token_for(session, Some(&party)));
        let since = session.map_or_else(|| "0".to_owned(), |_| client.updated_at.seconds().to_string());
        let mut directives = Vec::new();
        directives.extend(cookies::for_page(DEV_BROWSER, suffix, Some(&dev_browser)));
        directives.extend(cookies::for_page(CLIENT_UAT, suffix, Some(&since)));
        directives.extend(cookies::for_page(SESSION, suffix, token.as_deref()));
        directives
    });
    if call.query.first("format") == Some("nonce") {
        let nonce = call.change(|change| {
            let nonce = change.state.ids.prefixed("hsn_", change.now);
            change.state.handshakes.promise(nonce.clone(), directives, change.now);
            Ok(nonce)
        })?;
        back.query_pairs_mut().append_pair("__clerk_handshake_nonce", &nonce);
    } else {
        let token = call.face(|face| face.mint.of_handshake(&directives));
        back.query_pairs_mut().append_pair("__clerk_handshake", &token);
    }
    Ok(Answer::redirect(back).with_cookies(seat.cookie))
}

/// `GET /v1/clients/handshake_payload?nonce=`, for the app's server with its secret key.
pub(crate) fn payload(call: &Call) -> Reply {
    let nonce = call.query.first("nonce").unwrap_or_default();
    let directives = call.change(|change| {
        change.state.handshakes.redeem(nonce, change.now).ok_or_else(|| {
            let message =
                "There is no handshake with this nonce, or it was redeemed before, or it is over a minute old.";
            Refusal::new(StatusCode::NOT_FOUND, "resource_not_found", "not found", message)
        })
    })?;
    reply(&json!({ "nonce": nonce, "directives": directives }))
}
