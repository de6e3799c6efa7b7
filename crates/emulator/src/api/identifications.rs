//! `/v1/email_addresses` and `/v1/phone_numbers`.

use serde_json::json;

use super::{Call, Reply, reply};
use crate::users::{
    EmailAddressObject, Identification, IdentificationKind, IdentificationPatch, NewIdentification, PhoneNumberObject,
    SoleIdentification, Users,
};

const EMAIL_ADDRESS: IdentificationKind = IdentificationKind::EmailAddress;
const PHONE_NUMBER: IdentificationKind = IdentificationKind::PhoneNumber;

pub(crate) fn create_email_address(call: &Call) -> Reply {
    create(call, EMAIL_ADDRESS)
}

pub(crate) fn get_email_address(call: &Call) -> Reply {
    get(call, EMAIL_ADDRESS)
}

pub(crate) fn update_email_address(call: &Call) -> Reply {
    update(call, EMAIL_ADDRESS)
}

pub(crate) fn delete_email_address(call: &Call) -> Reply {
    delete(call, EMAIL_ADDRESS)
}

pub(crate) fn create_phone_number(call: &Call) -> Reply {
    create(call, PHONE_NUMBER)
}

pub(crate) fn get_phone_number(call: &Call) -> Reply {
    get(call, PHONE_NUMBER)
}

pub(crate) fn update_phone_number(call: &Call) -> Reply {
    update(call, PHONE_NUMBER)
}

pub(crate) fn delete_phone_number(call: &Call) -> Reply {
    delete(call, PHONE_NUMBER)
}

pub(crate) fn replace_email_address(call: &Call) -> Reply {
    replace(call, EMAIL_ADDRESS)
}

pub(crate) fn replace_phone_number(call: &Call) -> Reply {
    replace(call, PHONE_NUMBER)
}

fn replace(call: &Call, kind: IdentificationKind) -> Reply {
    let sole = SoleIdentification::read(kind, call.form()?)?;
    call.change(|change| {
        let id = change.replace_identifications(kind, call.path("user_id"), sole)?;
        object(kind, &change.state.users, &id)
    })
}

fn create(call: &Call, kind: IdentificationKind) -> Reply {
    let new = NewIdentification::read(kind, call.form()?)?;
    call.change(|change| {
        let id = change.create_identification(new)?;
        object(kind, &change.state.users, &id)
    })
}

fn get(call: &Call, kind: IdentificationKind) -> Reply {
    call.instance.read(|view| object(kind, &view.state.users, call.path("identification_id")))
}

fn update(call: &Call, kind: IdentificationKind) -> Reply {
    let patch = IdentificationPatch::read(kind, call.form()?)?;
    let id = call.path("identification_id");
    call.change(|change| {
        change.update_identification(kind, id, &patch)?;
        object(kind, &change.state.users, id)
    })
}

fn delete(call: &Call, kind: IdentificationKind) -> Reply {
    let id = call.path("identification_id");
    call.change(|change| {
        change.delete_identification(kind, id)?;
        reply(&json!({ "object": kind.name(), "id": id, "deleted": true }))
    })
}

fn object(kind: IdentificationKind, users: &Users, id: &str) -> Reply {
    match kind.find(users, id)?.1 {
        Identification::EmailAddress(email) => reply(&EmailAddressObject::from(email)),
        Identification::PhoneNumber(phone) => reply(&PhoneNumberObject::from(phone)),
    }
}
