//! `/v1/client/sign_ups`.

use crate::{
    frontend_api::{
        call::{Answer, FrontendCall, FrontendReply, Seat},
        form::FrontendForm,
        sign_up::SignUpFields,
        verification::CodeStrategy,
    },
    refusal::Refusal,
};

pub(super) fn create(call: &FrontendCall) -> FrontendReply {
    let fields = fields(&call.form)?;
    let seat = call.seat(|change, on| change.begin_sign_up(on, fields, call.form.text("ticket")))?;
    Ok(answer(call, seat))
}

pub(super) fn update(call: &FrontendCall) -> FrontendReply {
    let fields = fields(&call.form)?;
    call.on_client(|change, on| change.update_sign_up(on, call.path("sign_up_id"), fields))?;
    Ok(answer(call, call.known_seat()?))
}

pub(super) fn get(call: &FrontendCall) -> FrontendReply {
    let id = call.path("sign_up_id");
    let seat = call.known_seat()?;
    let there = call.face(|face| {
        let client = face.view.state.clients.get(&seat.client);
        client.and_then(|client| client.sign_up.as_ref()).is_some_and(|sign_up| sign_up.id == id)
    });
    if there { Ok(answer(call, seat)) } else { Err(Refusal::not_found("sign up", id)) }
}

pub(super) fn prepare(call: &FrontendCall) -> FrontendReply {
    let strategy = strategy(&call.form)?;
    call.on_client(|change, on| change.prepare_sign_up(on, call.path("sign_up_id"), strategy))?;
    Ok(answer(call, call.known_seat()?))
}

pub(super) fn attempt(call: &FrontendCall) -> FrontendReply {
    let strategy = strategy(&call.form)?;
    let code = call.form.required("code")?;
    call.on_client(|change, on| change.attempt_sign_up(on, call.path("sign_up_id"), strategy, code))?;
    Ok(answer(call, call.known_seat()?))
}

fn strategy(form: &FrontendForm) -> Result<CodeStrategy, Refusal> {
    let name = form.required("strategy")?;
    CodeStrategy::parse(name).ok_or_else(|| Refusal::not_emulated(format_args!("The verification strategy {name}")))
}

fn fields(form: &FrontendForm) -> Result<SignUpFields, Refusal> {
    if form.flag("transfer") {
        return Err(Refusal::not_emulated("Signing up by a transferred sign-in"));
    }
    for name in ["web3_wallet", "token", "external_account_strategy"] {
        if form.text(name).is_some() {
            return Err(Refusal::not_emulated(format_args!("The parameter {name}")));
        }
    }
    if let Some(strategy) = form.text("strategy")
        && !["ticket", "phone_code", "email_code"].contains(&strategy)
    {
        return Err(Refusal::not_emulated(format_args!("The sign-up strategy {strategy}")));
    }
    let either = form.text("email_address_or_phone_number");
    let (email, phone) = match either {
        Some(address) if address.contains('@') => (Some(address.to_owned()), None),
        Some(number) => (None, Some(number.to_owned())),
        None => (None, None),
    };
    Ok(SignUpFields {
        email_address: form.owned("email_address").or(email),
        phone_number: form.owned("phone_number").or(phone),
        username: form.owned("username"),
        first_name: form.owned("first_name"),
        last_name: form.owned("last_name"),
        password: form.owned("password"),
        unsafe_metadata: form.object("unsafe_metadata")?,
        locale: form.owned("locale"),
        legal_accepted: form.flag("legal_accepted"),
    })
}

fn answer(call: &FrontendCall, seat: Seat) -> Answer {
    call.answer(seat, |face, client| {
        face.sign_up(client.sign_up.as_ref().expect("a sign-up that was just worked on is there"))
    })
}
