//! A started emulator, an HTTP client for it, and a webhook receiver with a script.

mod browser;
mod client;
mod receiver;
mod shape;

pub(crate) use browser::{APP, Browser};
pub(crate) use client::{Client, read};
pub(crate) use receiver::{Received, Receiver, Response};
pub(crate) use shape::shape;

use std::sync::{Arc, OnceLock};

use clerk::{ManualClock, Timestamp};
use emulator::{Emulator, EmulatorOptions, RoleDefinition, SigningKey};
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// Drawing a key takes longer than most tests, so they share one.
fn signing_key() -> SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(SigningKey::generate).clone()
}

/// Time stands still and ids repeat, so that whole answers can be compared.
pub(crate) fn options() -> (EmulatorOptions, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    let editor = RoleDefinition {
        key: "org:editor".to_owned(),
        name: "Editor".to_owned(),
        permissions: ["org:posts:create", "org:posts:read", "org:drafts:read", "org:sys_memberships:read"]
            .map(str::to_owned)
            .to_vec(),
    };
    let options = EmulatorOptions {
        clock: Arc::clone(&clock) as Arc<dyn clerk::Clock>,
        seed: Some(1),
        signing_key: Some(signing_key()),
        roles: vec![editor],
        webhook_speed: 1000.0,
        ..EmulatorOptions::default()
    };
    (options, clock)
}

pub(crate) async fn start() -> (Emulator, Client, Arc<ManualClock>) {
    let (options, clock) = options();
    let emulator = Emulator::start(options).await.unwrap();
    let client = Client::of(&emulator);
    (emulator, client, clock)
}

pub(crate) fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

/// Ada, with an e-mail address and nothing else.
pub(crate) fn ada(emulator: &Emulator) -> Value {
    emulator.users().create(&json!({ "email_address": ["ada@example.com"], "first_name": "Ada" })).unwrap()
}

/// An organization with Ada as its administrator.
pub(crate) fn acme(emulator: &Emulator, ada: &Value) -> Value {
    emulator.organizations().create(&json!({ "name": "Acme", "created_by": ada["id"] })).unwrap()
}
