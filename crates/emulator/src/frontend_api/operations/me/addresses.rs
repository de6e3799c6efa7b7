//! One's own e-mail addresses and phone numbers: added unverified, proven by a code.

use serde_json::{Map, Value, json};

use super::second_factors::follow_phone_number;
use crate::{
    form::Form,
    frontend_api::{
        call::{Answer, Asking, Content, FrontendCall, FrontendReply},
        verification::{CodeStrategy, Recipient},
    },
    refusal::Refusal,
    users::{
        EmailAddress, EmailAddressObject, Identification, IdentificationKind, IdentificationPatch, NewIdentification,
        PhoneNumber, PhoneNumberObject,
    },
    view::View,
};

const EMAIL: IdentificationKind = IdentificationKind::EmailAddress;
const PHONE: IdentificationKind = IdentificationKind::PhoneNumber;

pub(crate) fn list_email_addresses(call: &FrontendCall) -> FrontendReply {
    call.show(|face, asking| Ok(asking.user(face.view).email_addresses.iter().map(email_object).collect()))
}

pub(crate) fn list_phone_numbers(call: &FrontendCall) -> FrontendReply {
    call.show(|face, asking| Ok(asking.user(face.view).phone_numbers.iter().map(phone_object).collect()))
}

pub(crate) fn create_email_address(call: &FrontendCall) -> FrontendReply {
    create(call, EMAIL)
}

pub(crate) fn create_phone_number(call: &FrontendCall) -> FrontendReply {
    create(call, PHONE)
}

pub(crate) fn get_email_address(call: &FrontendCall) -> FrontendReply {
    show(call, EMAIL, call.path("identification_id"))
}

pub(crate) fn get_phone_number(call: &FrontendCall) -> FrontendReply {
    show(call, PHONE, call.path("identification_id"))
}

pub(crate) fn delete_email_address(call: &FrontendCall) -> FrontendReply {
    delete(call, EMAIL)
}

pub(crate) fn delete_phone_number(call: &FrontendCall) -> FrontendReply {
    delete(call, PHONE)
}

pub(crate) fn prepare_email_address(call: &FrontendCall) -> FrontendReply {
    prepare(call, EMAIL, CodeStrategy::Email)
}

pub(crate) fn prepare_phone_number(call: &FrontendCall) -> FrontendReply {
    prepare(call, PHONE, CodeStrategy::Phone)
}

pub(crate) fn attempt_email_address(call: &FrontendCall) -> FrontendReply {
    attempt(call, EMAIL)
}

pub(crate) fn attempt_phone_number(call: &FrontendCall) -> FrontendReply {
    attempt(call, PHONE)
}

/// Whether a number is a second factor is all that can be changed about it.
pub(crate) fn update_phone_number(call: &FrontendCall) -> FrontendReply {
    let id = call.path("identification_id");
    let mut members = Map::new();
    if call.form.text("reserved_for_second_factor").is_some() {
        let reserved = call.form.flag("reserved_for_second_factor");
        members.insert("reserved_for_second_factor".to_owned(), json!(reserved));
    }
    let patch = IdentificationPatch::read(PHONE, Form::of(members))?;
    let codes = call.as_user(|change, asking| {
        own(change.view(), &asking, PHONE, id)?;
        change.update_identification(PHONE, id, &patch)?;
        follow_phone_number(call, change, &asking)
    })?;
    let mut answer = show(call, PHONE, id)?;
    if let (Content::Json(body), Some(codes)) = (&mut answer.content, codes) {
        body["response"]["backup_codes"] = json!(codes);
    }
    Ok(answer)
}

fn create(call: &FrontendCall, kind: IdentificationKind) -> FrontendReply {
    let address = call.form.required(kind.name())?;
    let id = call.as_user(|change, asking| {
        let members =
            Map::from_iter([("user_id".to_owned(), json!(asking.user)), (kind.name().to_owned(), json!(address))]);
        change.create_identification(NewIdentification::read(kind, Form::of(members))?)
    })?;
    show(call, kind, &id)
}

fn delete(call: &FrontendCall, kind: IdentificationKind) -> FrontendReply {
    let id = call.path("identification_id");
    call.as_user(|change, asking| {
        own(change.view(), &asking, kind, id)?;
        change.delete_identification(kind, id)
    })?;
    call.show(|_, _| Ok(json!({ "object": kind.name(), "id": id, "deleted": true })))
}

fn prepare(call: &FrontendCall, kind: IdentificationKind, strategy: CodeStrategy) -> FrontendReply {
    let id = call.path("identification_id");
    let asked = call.form.text("strategy").unwrap_or(strategy.as_str());
    if asked != strategy.as_str() {
        return Err(Refusal::not_emulated(format_args!("The verification strategy {asked}")));
    }
    call.as_user(|change, asking| {
        let address = own(change.view(), &asking, kind, id)?.0;
        let to = Recipient { address: &address, address_id: Some(id), user: Some(&asking.user) };
        let verification = change.send_code_to(strategy, to);
        change.alter_client(&asking.client, |client| client.proofs.insert(id.to_owned(), verification));
        Ok(())
    })?;
    show(call, kind, id)
}

fn attempt(call: &FrontendCall, kind: IdentificationKind) -> FrontendReply {
    let id = call.path("identification_id");
    let code = call.form.required("code")?;
    call.as_user(|change, asking| {
        own(change.view(), &asking, kind, id)?;
        let now = change.now;
        let attempt = change
            .alter_client(&asking.client, |client| client.proofs.get_mut(id).map(|proof| proof.attempt(code, now)));
        attempt.ok_or_else(|| {
            let message = "No code was sent yet; prepare the verification first.";
            Refusal::new(http::StatusCode::BAD_REQUEST, "verification_missing", "verification missing", message)
        })??;
        change.alter_client(&asking.client, |client| client.proofs.remove(id));
        change.update_identification(kind, id, &IdentificationPatch::verified())
    })?;
    show(call, kind, id)
}

fn show(call: &FrontendCall, kind: IdentificationKind, id: &str) -> FrontendReply {
    call.face(|face| {
        let asking = call.asking(face.view)?;
        let mut object = own(face.view, &asking, kind, id)?.1;
        let client = face.view.state.clients.get(&asking.client);
        if let Some(proof) = client.and_then(|client| client.proofs.get(id)) {
            object["verification"] = proof.object(face.view.now);
        }
        Ok(Answer::json(json!({ "response": object, "client": call.client_object(face) })))
    })
}

/// The address itself and its object, when it is the asking user's own.
fn own(view: View<'_>, asking: &Asking, kind: IdentificationKind, id: &str) -> Result<(String, Value), Refusal> {
    let (user, found) = kind.find(&view.state.users, id)?;
    if user.id != asking.user {
        return Err(Refusal::not_found(kind.label(), id));
    }
    Ok(match found {
        Identification::EmailAddress(email) => (email.email_address.clone(), email_object(email)),
        Identification::PhoneNumber(phone) => (phone.phone_number.clone(), phone_object(phone)),
    })
}

fn email_object(email: &EmailAddress) -> Value {
    serde_json::to_value(EmailAddressObject::from(email)).expect("an e-mail address has a JSON form")
}

fn phone_object(phone: &PhoneNumber) -> Value {
    serde_json::to_value(PhoneNumberObject::from(phone)).expect("a phone number has a JSON form")
}
