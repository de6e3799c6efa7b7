//! `/v1/sign_ups`: sign-ups that are under way in some browser, for servers that have a say in them.

use super::{Call, Reply, reply};
use crate::{
    form::Field,
    frontend_api::{clients::Client, objects::sign_up_object},
    refusal::Refusal,
    view::View,
};

pub(crate) fn get(call: &Call) -> Reply {
    call.instance.read(|view| show(call, view))
}

/// Says what the user is to be called elsewhere, or whether the application has done its own part.
pub(crate) fn update(call: &Call) -> Reply {
    let mut form = call.form()?;
    let (external_id, custom_action) = (form.string("external_id")?, form.boolean("custom_action")?);
    form.finish()?;
    call.change(|change| {
        let client = find(change.view(), call.path("id"))?.id.clone();
        change.alter_client(&client, |client| {
            if let Some(sign_up) = &mut client.sign_up {
                external_id.patch(&mut sign_up.external_id);
                if let Field::Given(done) = custom_action {
                    sign_up.custom_action = done;
                }
            }
        });
        show(call, change.view())
    })
}

fn show(call: &Call, view: View<'_>) -> Reply {
    let client = find(view, call.path("id"))?;
    let sign_up = client.sign_up.as_ref().expect("the sign-up was found on this client");
    let mut object = sign_up_object(sign_up, &call.instance.settings, view.now);
    // The Frontend API tells pages what is none of a server's business (2026-05-12, schema SignUp).
    if let Some(members) = object.as_object_mut() {
        members.remove("has_password");
    }
    reply(&object)
}

fn find<'a>(view: View<'a>, id: &str) -> Result<&'a Client, Refusal> {
    let its = |client: &&Client| client.sign_up.as_ref().is_some_and(|sign_up| sign_up.id == id);
    view.state.clients.iter().find(its).ok_or_else(|| Refusal::not_found("sign up", id))
}
