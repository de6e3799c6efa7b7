//! `…/prepare_verification` and `…/attempt_verification` of e-mail addresses and phone numbers.

use super::{Call, Reply, reply};
use crate::users::IdentificationKind;

pub(crate) fn prepare_email_address(call: &Call) -> Reply {
    prepare(call, IdentificationKind::EmailAddress)
}

pub(crate) fn attempt_email_address(call: &Call) -> Reply {
    attempt(call, IdentificationKind::EmailAddress)
}

pub(crate) fn prepare_phone_number(call: &Call) -> Reply {
    prepare(call, IdentificationKind::PhoneNumber)
}

pub(crate) fn attempt_phone_number(call: &Call) -> Reply {
    attempt(call, IdentificationKind::PhoneNumber)
}

fn prepare(call: &Call, kind: IdentificationKind) -> Reply {
    call.change(|change| {
        let verification = change.prepare_verification(kind, call.path("identification_id"))?;
        reply(&verification.object(change.now))
    })
}

fn attempt(call: &Call, kind: IdentificationKind) -> Reply {
    let mut form = call.form()?;
    let verification = form.string("verification_id")?.required("verification_id")?;
    let code = form.string("code")?.required("code")?;
    form.finish()?;
    call.change(|change| {
        let identification = call.path("identification_id");
        let verification = change.attempt_verification(kind, identification, &verification, &code)?;
        reply(&verification.object(change.now))
    })
}
