//! `/v1/client/sign_ins`.

use crate::{
    frontend_api::{
        call::{FrontendCall, FrontendReply, Seat},
        sign_in::Strategy,
        verification::CodeStrategy,
    },
    refusal::Refusal,
};

pub(super) fn create(call: &FrontendCall) -> FrontendReply {
    let form = &call.form;
    if let Some(ticket) = form.text("ticket") {
        let seat = call.seat(|change, on| change.sign_in_by_ticket(on, ticket))?;
        return Ok(answer(call, seat));
    }
    let identifier = form.text("identifier").map(str::to_owned);
    let strategy = match form.text("strategy") {
        None => form.text("password").map(|password| Strategy::Password(password.to_owned())),
        Some("password") => Some(Strategy::Password(form.required("password")?.to_owned())),
        Some(name) => Some(Strategy::Code(code_strategy(name)?)),
    };
    if form.flag("transfer") {
        return Err(Refusal::not_emulated("Signing in by a transferred sign-up"));
    }
    if strategy.is_some() && identifier.is_none() {
        return Err(Refusal::missing("identifier"));
    }
    let seat = call.seat(|change, on| change.begin_sign_in(on, identifier, strategy))?;
    Ok(answer(call, seat))
}

pub(super) fn get(call: &FrontendCall) -> FrontendReply {
    let id = call.path("sign_in_id");
    let seat = call.known_seat()?;
    let there = call.face(|face| {
        let client = face.view.state.clients.get(&seat.client);
        client.and_then(|client| client.sign_in.as_ref()).is_some_and(|sign_in| sign_in.id == id)
    });
    if there { Ok(answer(call, seat)) } else { Err(Refusal::not_found("sign in", id)) }
}

pub(super) fn prepare_first_factor(call: &FrontendCall) -> FrontendReply {
    let strategy = code_strategy(call.form.required("strategy")?)?;
    let address = call.form.text(if strategy.by_email() { "email_address_id" } else { "phone_number_id" });
    call.on_client(|change, on| change.prepare_first_factor(on, call.path("sign_in_id"), strategy, address))?;
    Ok(answer(call, call.known_seat()?))
}

pub(super) fn attempt_first_factor(call: &FrontendCall) -> FrontendReply {
    let id = call.path("sign_in_id");
    match call.form.required("strategy")? {
        "password" => {
            let password = call.form.required("password")?;
            call.on_client(|change, on| change.attempt_password(on, id, password))?;
        }
        name => {
            code_strategy(name)?;
            let code = call.form.required("code")?;
            call.on_client(|change, on| change.attempt_code(on, id, code))?;
        }
    }
    Ok(answer(call, call.known_seat()?))
}

pub(super) fn prepare_second_factor(call: &FrontendCall) -> FrontendReply {
    match call.form.required("strategy")? {
        "phone_code" => {}
        other => return Err(Refusal::wrong_value("strategy", other, "phone_code: it is the one that sends something")),
    }
    let phone = call.form.text("phone_number_id");
    call.on_client(|change, on| change.prepare_second_factor(on, call.path("sign_in_id"), phone))?;
    Ok(answer(call, call.known_seat()?))
}

pub(super) fn attempt_second_factor(call: &FrontendCall) -> FrontendReply {
    let (id, code) = (call.path("sign_in_id"), call.form.required("code")?);
    match call.form.required("strategy")? {
        "phone_code" => call.on_client(|change, on| change.attempt_second_factor(on, id, code))?,
        "totp" | "backup_code" => call.on_client(|change, on| change.attempt_authenticator(on, id, code))?,
        other => return Err(Refusal::not_emulated(format_args!("The second factor {other}"))),
    }
    Ok(answer(call, call.known_seat()?))
}

pub(super) fn reset_password(call: &FrontendCall) -> FrontendReply {
    let password = call.form.required("password")?;
    let elsewhere = call.form.flag("sign_out_of_other_sessions");
    call.on_client(|change, on| change.reset_password(on, call.path("sign_in_id"), password, elsewhere))?;
    Ok(answer(call, call.known_seat()?))
}

/// A strategy that sends a code. Clerk's other strategies are named when they are refused.
fn code_strategy(name: &str) -> Result<CodeStrategy, Refusal> {
    CodeStrategy::parse(name).ok_or_else(|| Refusal::not_emulated(format_args!("The sign-in strategy {name}")))
}

fn answer(call: &FrontendCall, seat: Seat) -> crate::frontend_api::call::Answer {
    call.answer(seat, |face, client| {
        face.sign_in(client.sign_in.as_ref().expect("a sign-in that was just worked on is there"))
    })
}
