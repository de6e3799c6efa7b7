//! Forward, back, and over to other keys and secrets.

use std::time::Duration;

use clerk::{DeliveryHeaders, SigningSecret, verify_delivery};
use emulator::{Emulator, SigningKey};
use serde_json::{Value, json};

use crate::support::{Receiver, Response, ada, id, options, start};

#[tokio::test]
async fn what_is_due_by_then_happens() {
    let (mut options, _) = options();
    options.webhook_speed = 1.0;
    let emulator = Emulator::start(options).await.unwrap();
    let receiver = Receiver::start([Response::status(500)]).await;
    emulator.webhooks().add_endpoint(&receiver.url).unwrap();
    let user = ada(&emulator);
    receiver.wait_for(1).await;
    let session = emulator.sessions().create(id(&user), None).unwrap();
    emulator.advance(Duration::from_secs(8 * 86_400));
    assert_eq!(emulator.sessions().get(id(&session)).unwrap()["status"], "expired");
    // The second attempt would come after five seconds.
    emulator.webhooks().settled().await;
    assert_eq!(receiver.kinds().iter().filter(|kind| *kind == "user.created").count(), 2);
}

#[tokio::test]
async fn time_that_was_moved_stays_moved_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let options = || {
        let (mut options, clock) = options();
        options.state_file = Some(directory.path().join("clerk.json"));
        options.signing_key = None;
        (options, clock)
    };
    let first = Emulator::start(options().0).await.unwrap();
    first.backend().post("/__rowlock/clock/advance", &json!({ "seconds": 3600 })).unwrap();
    let created = ada(&first)["created_at"].clone();
    first.rotate_signing_key(SigningKey::generate());
    let keys = first.backend().get("/v1/jwks", &[]).unwrap();
    first.shutdown().await.unwrap();

    let second = Emulator::start(options().0).await.unwrap();
    assert_eq!(second.backend().get("/__rowlock/clock", &[]).unwrap()["now"], created);
    assert_eq!(second.backend().get("/v1/jwks", &[]).unwrap(), keys, "a rotated key stays in the set");
}

#[tokio::test]
async fn a_snapshot_brings_everything_back_but_ids() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    client.post("/__rowlock/snapshots", json!({ "name": "before" })).await.ok();
    emulator.users().delete(id(&user)).unwrap();
    let other = emulator.users().create(&json!({ "username": "other" })).unwrap();
    client.post("/__rowlock/snapshots/before/restore", json!({})).await.ok();
    assert_eq!(emulator.users().list(&[]).unwrap(), json!([user]));
    let again = emulator.users().create(&json!({ "username": "other" })).unwrap();
    assert_ne!(again["id"], other["id"], "a repeated id would make a receiver take the new for the old");
    assert_eq!(emulator.restore("after").unwrap_err().code(), "resource_not_found");
}

#[tokio::test]
async fn a_rotated_key_signs_and_the_old_one_verifies_until_it_is_retired() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let instance_id = emulator.instance_id().clone();
    let key_id = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let session = emulator.sessions().create(id(&user), None).unwrap();
    let before = key_id(&emulator.sessions().token(id(&session)).unwrap());
    let keys = client.post("/__rowlock/signing_keys/rotate", json!({})).await.ok();
    let ids = |keys: &Value| -> Vec<String> {
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let after = key_id(&emulator.sessions().token(id(&session)).unwrap());
    assert_eq!(ids(&keys), [after.clone(), before.clone()], "the newest first");
    assert_eq!(before, instance_id.to_string());
    assert_eq!(emulator.instance_id(), &instance_id, "the instance is the same");
    emulator.retire_signing_keys();
    assert_eq!(ids(&client.get("/.well-known/jwks.json").await.ok()), [after]);
}

#[tokio::test]
async fn an_endpoint_with_a_new_secret_is_signed_for_with_both_for_a_while() {
    let (emulator, client, clock) = start().await;
    let receiver = Receiver::start([]).await;
    let endpoint = client.post("/__rowlock/endpoints", json!({ "url": receiver.url })).await.ok();
    let secret = |endpoint: &Value| SigningSecret::parse(endpoint["secret"].as_str().unwrap()).unwrap();
    let old = secret(&endpoint);
    let path = format!("/__rowlock/endpoints/{}/rotate_secret", id(&endpoint));
    let rotated = client.post(&path, json!({ "overlap_seconds": 60 })).await.ok();
    let new = secret(&rotated);
    assert_ne!(endpoint["secret"], rotated["secret"]);

    ada(&emulator);
    emulator.webhooks().settled().await;
    clock.advance(Duration::from_secs(60));
    emulator.users().create(&json!({ "username": "later" })).unwrap();
    emulator.webhooks().settled().await;
    let [during, after] = receiver.received().try_into().unwrap();
    let good = |delivery: &crate::support::Received, secret: &SigningSecret| {
        let headers = DeliveryHeaders::from_lookup(|name| delivery.headers.get(name)?.to_str().ok()).unwrap();
        let now = emulator.backend().get("/__rowlock/clock", &[]).unwrap()["now"].as_i64().unwrap();
        let now = clerk::Timestamp::from_millis(now);
        verify_delivery(std::slice::from_ref(secret), &headers, &delivery.body, now, Duration::from_secs(300)).is_ok()
    };
    assert_eq!((good(&during, &old), good(&during, &new)), (true, true));
    assert_eq!((good(&after, &old), good(&after, &new)), (false, true));
}
