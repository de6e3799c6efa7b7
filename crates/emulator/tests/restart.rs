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
