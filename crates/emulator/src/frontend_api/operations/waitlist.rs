//! `POST /v1/waitlist`: joining the waitlist of an application that has one.

use http::StatusCode;
use serde_json::json;

use crate::{
    form::Form,
    frontend_api::{
        call::{Answer, FrontendCall, FrontendReply},
        settings::SignUpMode,
    },
    refusal::Refusal,
    waitlist::NewWaitlistEntry,
};

/// Who is on it already learns the same as who is new.
pub(super) fn join(call: &FrontendCall) -> FrontendReply {
    if call.instance.settings.sign_up_mode != SignUpMode::Waitlist {
        let (code, short) = ("waitlist_not_accepting_entries", "Waitlist not accepting entries");
        let long = "The waitlist is not accepting new entries: the emulator was not started with `sign_up_mode = \"waitlist\"`.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, code, short, long));
    }
    let address = call.form.required("email_address")?;
    let form = Form::parse(json!({ "email_address": address }).to_string().as_bytes())?;
    let new = NewWaitlistEntry::read(form)?;
    let entry = call.change(|change| Ok(change.create_waitlist_entries(vec![new])?.remove(0)))?;
    let response = json!({ "object": "waitlist_entry", "id": entry.id });
    let client = call.face(|face| call.client_object(face));
    Ok(Answer::json(json!({ "response": response, "client": client })))
}
