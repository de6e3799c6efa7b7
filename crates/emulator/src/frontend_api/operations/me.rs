//! `/v1/me`: the profile of whoever asks.

mod addresses;
mod password;
mod picture;
mod second_factors;

use serde_json::{Map, Value, json};

pub(super) use addresses::{
    attempt_email_address, attempt_phone_number, create_email_address, create_phone_number, delete_email_address,
    delete_phone_number, get_email_address, get_phone_number, list_email_addresses, list_phone_numbers,
    prepare_email_address, prepare_phone_number, update_phone_number,
};
pub(super) use password::{change_password, remove_password};
pub(super) use picture::{delete as delete_picture, set as set_picture};
pub(super) use second_factors::{attempt_totp, create_backup_codes, create_totp, delete_totp};

use crate::{
    api_version::ApiVersion,
    change::deleted_user,
    form::Form,
    frontend_api::call::{Answer, FrontendCall, FrontendReply},
    metadata::MetadataMode,
    refusal::Refusal,
    users::{UserMetadata, UserPatch},
};

/// What people may change about themselves.
const OWN_FIELDS: [&str; 5] =
    ["username", "first_name", "last_name", "primary_email_address_id", "primary_phone_number_id"];

pub(super) fn get(call: &FrontendCall) -> FrontendReply {
    call.show(|face, asking| Ok(face.user(asking.user(face.view))))
}

pub(super) fn update(call: &FrontendCall) -> FrontendReply {
    // An emptied field arrives as an empty text.
    let text = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    let given = OWN_FIELDS.into_iter().filter_map(|name| Some((name.to_owned(), text(call.form.any(name)?))));
    let patch = UserPatch::read(Form::of(given.collect()), ApiVersion::LATEST)?;
    let metadata = call.form.object("unsafe_metadata")?.map(unsafe_metadata).transpose()?;
    call.as_user(|change, asking| {
        change.update_user(asking.user.as_str(), patch)?;
        if let Some(metadata) = metadata {
            change.update_user_metadata(asking.user.as_str(), metadata, MetadataMode::Replace)?;
        }
        Ok(())
    })?;
    get(call)
}

pub(super) fn update_metadata(call: &FrontendCall) -> FrontendReply {
    let given = call.form.object("unsafe_metadata")?.ok_or_else(|| Refusal::missing("unsafe_metadata"))?;
    let metadata = unsafe_metadata(given)?;
    call.as_user(|change, asking| change.update_user_metadata(asking.user.as_str(), metadata, MetadataMode::Merge))?;
    get(call)
}

fn unsafe_metadata(object: Map<String, Value>) -> Result<UserMetadata, Refusal> {
    let members = Map::from_iter([("unsafe_metadata".to_owned(), Value::Object(object))]);
    UserMetadata::read(Form::of(members))
}

/// Deletes whoever asks, who must be allowed to.
pub(super) fn delete(call: &FrontendCall) -> FrontendReply {
    let notice = call.as_user(|change, asking| {
        if !asking.user(change.view()).delete_self_enabled {
            let message = "This user may not delete their own account.";
            return Err(forbidden("self_deletion_not_allowed", message));
        }
        let user = change.delete_user(asking.user.as_str())?;
        change.left_client(&asking.client, &asking.session);
        Ok(deleted_user(&user))
    })?;
    let client = call.face(|face| call.client_object(face));
    Ok(Answer::json(json!({ "response": notice, "client": client })))
}

/// Every session of the user, newest first.
pub(super) fn sessions(call: &FrontendCall) -> FrontendReply {
    list_sessions(call, false)
}

/// The sessions by which the user is signed in somewhere. A bare array, with what is known of the device.
pub(super) fn active_sessions(call: &FrontendCall) -> FrontendReply {
    list_sessions(call, true)
}

fn list_sessions(call: &FrontendCall, signed_in: bool) -> FrontendReply {
    call.face(|face| {
        let asking = call.asking(face.view)?;
        let sessions = face.view.state.sessions.of_user(asking.user.as_str()).rev();
        let wanted = sessions.filter(|session| !signed_in || session.is_open(face.view.now));
        Ok(Answer::json(wanted.map(|session| face.session_with_activity(session)).collect()))
    })
}

/// Ends one of the user's own sessions, on whichever browser it is.
pub(super) fn revoke_session(call: &FrontendCall) -> FrontendReply {
    let id = call.path("session_id");
    call.as_user(|change, asking| {
        let owned = change.state.sessions.get(id).is_some_and(|session| session.user_id == asking.user);
        if !owned {
            return Err(Refusal::not_found("session", id));
        }
        change.revoke_session(id).map(|_| ())
    })?;
    call.face(|face| {
        let session = face.view.state.sessions.get(id).expect("a session that was just revoked exists");
        Ok(Answer::json(json!({ "response": face.session(session), "client": call.client_object(face) })))
    })
}

fn forbidden(code: &'static str, message: &str) -> Refusal {
    Refusal::new(http::StatusCode::FORBIDDEN, code, "not allowed", message)
}
