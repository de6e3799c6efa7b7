//! The state file.

use std::{fs, path::Path};

use emulator::{Emulator, EmulatorError, EmulatorOptions, StateFileError};
use serde_json::{Value, json};

use crate::support::{Receiver, Response, acme, ada, id, options};

fn kept_in(path: &Path) -> EmulatorOptions {
    EmulatorOptions { state_file: Some(path.to_owned()), signing_key: None, ..options().0 }
}

#[tokio::test]
async fn an_instance_comes_back_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/down/clerk.json");
    let first = Emulator::start(kept_in(&path)).await.unwrap();
    let user = ada(&first);
    acme(&first, &user);
    let session = first.sessions().create(id(&user), None).unwrap();
    first.jwt_templates().create(&json!({ "name": "x", "claims": {} })).unwrap();
    let before = (first.instance_id().clone(), first.secret_key().to_owned(), first.public_key_pem());
    let lists = |emulator: &Emulator| {
        (emulator.users().list(&[]), emulator.organizations().list(&[]), emulator.memberships().list(&[]))
    };
    let listed = lists(&first);
    first.shutdown().await.unwrap();

    let second = Emulator::start(kept_in(&path)).await.unwrap();
    let after = (second.instance_id().clone(), second.secret_key().to_owned(), second.public_key_pem());
    assert_eq!(after, before, "the same kid is the same key");
    assert_eq!(lists(&second), listed);
    assert_eq!(second.sessions().get(id(&session)).unwrap(), session);
    let taken = second.users().create(&json!({ "email_address": ["ada@example.com"] })).unwrap_err();
    assert_eq!(taken.code(), "form_identifier_exists");
    let other = second.users().create(&json!({ "username": "other" })).unwrap();
    assert_ne!(other["id"], user["id"], "seeded ids go on where they stopped");
}

#[tokio::test]
async fn changes_are_saved_without_a_shutdown() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("clerk.json");
    let emulator = Emulator::start(kept_in(&path)).await.unwrap();
    assert!(path.exists(), "the identity is kept from the start");
    ada(&emulator);
    let saved = || fs::read_to_string(&path).unwrap().contains("ada@example.com");
    for _ in 0..100 {
        if saved() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(saved());
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("clerk.json");
    let emulator = Emulator::start(kept_in(&path)).await.unwrap();
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    emulator.shutdown().await.unwrap();
    assert_eq!(mode(), 0o600, "a save restores the mode");
}

#[tokio::test]
async fn a_damaged_file_stops_the_start_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("clerk.json");
    let emulator = Emulator::start(kept_in(&path)).await.unwrap();
    acme(&emulator, &ada(&emulator));
    emulator.shutdown().await.unwrap();
    let good: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();

    let mut keyless = good.clone();
    keyless["identity"]["signing_key"] = json!("bm90IGEga2V5");
    let mut orphaned = good.clone();
    orphaned["state"]["users"] = json!([]);
    let mut unknown = good.clone();
    unknown["state"]["users"][0]["shoe_size"] = json!(42);
    let damaged =
        [String::new(), "{\"format\":1".to_owned(), keyless.to_string(), orphaned.to_string(), unknown.to_string()];
    for text in damaged {
        fs::write(&path, &text).unwrap();
        let error = Emulator::start(kept_in(&path)).await.unwrap_err();
        assert!(matches!(error, EmulatorError::StateFile(StateFileError::Damaged { .. })), "{error:?}");
        assert!(error.to_string().contains("clerk.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "never replaced silently");
    }
    let mut newer = good;
    newer["format"] = json!(2);
    fs::write(&path, newer.to_string()).unwrap();
    let error = Emulator::start(kept_in(&path)).await.unwrap_err();
    assert!(matches!(error, EmulatorError::StateFile(StateFileError::Format { found: 2, .. })), "{error:?}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_said_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let error = Emulator::start(kept_in(&directory.path().join("file/clerk.json"))).await.unwrap_err();
    let expected = matches!(
        error,
        EmulatorError::StateFile(StateFileError::Unwritable { .. } | StateFileError::Unreadable { .. })
    );
    assert!(expected, "{error:?}");
}

#[tokio::test]
async fn open_deliveries_are_sent_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("clerk.json");
    let receiver = Receiver::start([Response::status(500)]).await;
    // In real time the second attempt comes after five seconds: the first instance does not live to see it.
    let slow = || EmulatorOptions { webhook_speed: 1.0, ..kept_in(&path) };
    let first = Emulator::start(slow()).await.unwrap();
    first.webhooks().add_endpoint(&receiver.url).unwrap();
    ada(&first);
    receiver.wait_for(1).await;
    first.shutdown().await.unwrap();

    let second = Emulator::start(kept_in(&path)).await.unwrap();
    assert_eq!(second.webhooks().endpoints().unwrap()[0]["url"], receiver.url);
    let message = second.webhooks().message_ids().remove(0);
    assert_eq!(second.webhooks().message(&message).unwrap()["deliveries"][0]["status"], "pending");
    second.webhooks().send(&message, 1).unwrap();
    receiver.wait_for(2).await;
    let ids: Vec<String> = receiver.received().iter().map(|delivery| delivery.id().to_owned()).collect();
    assert_eq!(ids, [message.clone(), message], "the same message");
}

#[tokio::test]
async fn what_an_instance_is_set_to_comes_back_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("clerk.json");
    let first = Emulator::start(kept_in(&path)).await.unwrap();
    let backend = first.backend();
    let codes = json!({ "username": "lovelace", "password": "correct horse", "backup_codes": ["one", "two"] });
    let user = first.users().create(&codes).unwrap();
    backend.patch("/v1/instance/restrictions", &json!({ "allowlist": true })).unwrap();
    backend.patch("/v1/instance/organization_settings", &json!({ "max_allowed_memberships": 7 })).unwrap();
    let application = json!({ "name": "Calendar", "redirect_uris": ["https://app.example/callback"] });
    let application = backend.post("/v1/oauth_applications", &application).unwrap();
    let credit = json!({ "amount": 500, "action": "increase", "idempotency_key": "welcome" });
    backend.post(&format!("/v1/users/{}/billing/credits", id(&user)), &credit).unwrap();
    first.rotate_signing_key(emulator::SigningKey::generate());
    first.retire_signing_keys();
    let key = first.public_key_pem();
    let instance = first.instance_id().clone();
    first.shutdown().await.unwrap();

    let second = Emulator::start(kept_in(&path)).await.unwrap();
    assert_eq!((second.instance_id(), second.public_key_pem()), (&instance, key), "rotated and retired keys stay so");
    let backend = second.backend();
    let settings = backend.get("/v1/instance/organization_settings", &[]).unwrap();
    assert_eq!(settings["max_allowed_memberships"], 7);
    let shown = backend.get(&format!("/v1/oauth_applications/{}", id(&application)), &[]).unwrap();
    assert_eq!(shown["client_id"], application["client_id"]);
    let verify = |code: &str| {
        let path = format!("/v1/users/{}/verify_totp", id(&user));
        backend.post(&path, &json!({ "code": code })).map_err(|refusal| refusal.code())
    };
    assert!(verify("one").is_ok());
    assert_eq!(verify("one"), Err("totp_incorrect_code"));
    let balance = backend.get(&format!("/v1/users/{}/billing/credits", id(&user)), &[]).unwrap();
    assert_eq!(balance["balance"]["amount"], 500);
    let again = backend.post(&format!("/v1/users/{}/billing/credits", id(&user)), &credit).unwrap();
    let after = backend.get(&format!("/v1/users/{}/billing/credits", id(&user)), &[]).unwrap();
    assert_eq!((&again["amount"]["amount"], &after["balance"]), (&json!(500), &balance["balance"]), "once per key");
}

/// Files that were written before an instance had an id of its own, or a part that came later.
#[tokio::test]
async fn an_older_file_is_understood() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("clerk.json");
    let first =
        Emulator::start(EmulatorOptions { signing_key: options().0.signing_key, ..kept_in(&path) }).await.unwrap();
    let user = ada(&first);
    let instance = first.instance_id().clone();
    first.shutdown().await.unwrap();
    let mut saved: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    saved["identity"].as_object_mut().unwrap().remove("instance_id");
    for part in ["restrictions", "configuration", "oauth_applications", "images"] {
        assert!(saved["state"].as_object_mut().unwrap().remove(part).is_some(), "{part}");
    }
    for member in ["authenticators", "password_compromised", "image_url"] {
        assert!(saved["state"]["users"][0].as_object_mut().unwrap().remove(member).is_some(), "{member}");
    }
    fs::write(&path, saved.to_string()).unwrap();
    let second = Emulator::start(kept_in(&path)).await.unwrap();
    assert_eq!(second.instance_id(), &instance, "the name of its first key");
    assert_eq!(second.users().get(id(&user)).unwrap(), user);
}
