//! The Frontend API, as a browser sees it.

mod handshakes;
mod organizations;
mod pages;
mod profile;
mod restrictions;
mod sessions;
mod shell;
mod sign_ins;
mod sign_ups;

use emulator::Emulator;
use serde_json::{Value, json};

/// Ada can type both her password and the code of a test address.
pub(crate) fn ada(emulator: &Emulator) -> Value {
    let ada = json!({
        "email_address": ["ada+clerk_test@example.com"],
        "first_name": "Ada",
        "password": "correct horse",
        "private_metadata": { "note": "for servers only" },
    });
    emulator.users().create(&ada).unwrap()
}

/// The types of all events so far.
pub(crate) fn events(emulator: &Emulator) -> Vec<String> {
    let webhooks = emulator.webhooks();
    let message = |id: String| webhooks.message(&id).unwrap()["payload"]["type"].as_str().unwrap().to_owned();
    webhooks.message_ids().into_iter().map(message).collect()
}

/// The data of the newest event of a type.
pub(crate) fn newest(emulator: &Emulator, kind: &str) -> Value {
    let webhooks = emulator.webhooks();
    let payloads = webhooks.message_ids().into_iter().rev().map(|id| webhooks.message(&id).unwrap()["payload"].clone());
    payloads.into_iter().find(|payload| payload["type"] == kind).unwrap()["data"].clone()
}

/// The claims of a token, unverified.
pub(crate) fn claims(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
