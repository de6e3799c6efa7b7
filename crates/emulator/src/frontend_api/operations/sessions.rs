//! `/v1/client/sessions`: touching, ending, and the tokens of a session.

use clerk::{OrganizationId, SessionId};
use http::StatusCode;
use serde_json::json;

use crate::{
    change::Change,
    frontend_api::{
        call::{Answer, FrontendCall, FrontendReply},
        sign_in::SignInOn,
    },
    refusal::Refusal,
    tokens::BrowserToken,
};

pub(super) fn get(call: &FrontendCall) -> FrontendReply {
    call.face(|face| {
        let session = call.session(face.view)?;
        Ok(Answer::json(json!({ "response": face.session(session), "client": call.client_object(face) })))
    })
}

/// Makes a session the active one of its browser, and an organization the active one of the session. An absent
/// organization stays; an empty one means the personal account, which an instance may not have.
pub(super) fn touch(call: &FrontendCall) -> FrontendReply {
    let wanted = call.form.any("active_organization_id");
    let id = call.on_client(|change, on| {
        let session = call.session(change.view())?;
        if !session.is_open(change.now) {
            return Err(Refusal::not_found("session", session.id.as_str()));
        }
        let (id, user) = (session.id.clone(), session.user_id.clone());
        match wanted {
            None => {}
            Some("") if on.settings.organization_required => {}
            Some("") => change.activate_organization(&id, None)?,
            Some(organization) => {
                let organization = organization_of(change, organization, user.as_str())?;
                change.activate_organization(&id, Some(organization))?;
            }
        }
        change.touch_session(&id)?;
        change.alter_client(on.client, |client| client.last_active_session_id = Some(id.clone()));
        Ok(id)
    })?;
    Ok(answer(call, &id))
}

pub(super) fn end(call: &FrontendCall) -> FrontendReply {
    leave(call, |change, id| change.end_session(id.as_str()).map(|_| ()))
}

pub(super) fn remove(call: &FrontendCall) -> FrontendReply {
    leave(call, |change, id| change.remove_session(id.as_str()).map(|_| ()))
}

fn leave(call: &FrontendCall, leave: impl FnOnce(&mut Change<'_>, &SessionId) -> Result<(), Refusal>) -> FrontendReply {
    let id = call.on_client(|change, on: SignInOn<'_>| {
        let id = call.session(change.view())?.id.clone();
        leave(change, &id)?;
        change.left_client(on.client, &id);
        Ok(id)
    })?;
    Ok(answer(call, &id))
}

/// A session token, for the session's organization or another one of the user's.
pub(super) fn token(call: &FrontendCall) -> FrontendReply {
    mint(call, None)
}

pub(super) fn token_by_template(call: &FrontendCall) -> FrontendReply {
    mint(call, Some(call.path("template_name")))
}

fn mint(call: &FrontendCall, template: Option<&str>) -> FrontendReply {
    call.face(|face| {
        let session = call.session(face.view)?;
        let organization = match call.form.any("organization_id") {
            None => None,
            Some("") if face.settings.organization_required => None,
            Some("") => Some(None),
            Some(id) => {
                let state = face.view.state;
                let found = state.organizations.by_id_or_slug(id).filter(|organization| {
                    state.memberships.between(organization.id.as_str(), session.user_id.as_str()).is_some()
                });
                Some(Some(&found.ok_or_else(|| no_member(id))?.id))
            }
        };
        let jwt = face.mint.of_browser(&BrowserToken {
            session_id: session.id.as_str(),
            version: face.version,
            authorized_party: face.authorized_party,
            organization,
            template,
        })?;
        // The one answer that is not wrapped: clerk-js reads the token at the top.
        Ok(Answer::json(json!({ "object": "token", "jwt": jwt })))
    })
}

fn organization_of(change: &Change<'_>, id: &str, user: &str) -> Result<OrganizationId, Refusal> {
    let state = &change.state;
    let organization = state.organizations.by_id_or_slug(id).ok_or_else(|| no_member(id))?;
    match state.memberships.between(organization.id.as_str(), user) {
        Some(_) => Ok(organization.id.clone()),
        None => Err(no_member(id)),
    }
}

/// Clerk does not say whether the organization exists.
fn no_member(id: &str) -> Refusal {
    let message = format!("There is no organization {id}, or you are not a member of it.");
    let code = "organization_not_found_or_unauthorized";
    Refusal::new(StatusCode::NOT_FOUND, code, "Organization not found", message)
}

fn answer(call: &FrontendCall, id: &SessionId) -> Answer {
    call.face(|face| {
        let session = face.view.state.sessions.get(id.as_str()).expect("a session that was just changed exists");
        Answer::json(json!({ "response": face.session(session), "client": call.client_object(face) }))
    })
}
