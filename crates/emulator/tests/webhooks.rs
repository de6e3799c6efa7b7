//! Webhooks from the emulator to a receiver.

use std::time::Duration;

use clerk::{DeliveryHeaders, verify_delivery};
use serde_json::json;

use crate::support::{Receiver, START, start};

#[tokio::test]
async fn a_new_user_is_announced_with_a_signature_that_verifies() {
    let (emulator, client, _) = start().await;
    let receiver = Receiver::start([]).await;
    emulator.webhooks().add_endpoint(&receiver.url).unwrap();
    let user = client.post("/v1/users", json!({ "email_address": ["ada@example.com"] })).await.ok();
    emulator.webhooks().settled().await;

    let [delivery] = receiver.received().try_into().unwrap();
    let headers = DeliveryHeaders::from_lookup(|name| delivery.headers.get(name)?.to_str().ok()).unwrap();
    let secrets = [emulator.webhook_secret().clone()];
    verify_delivery(&secrets, &headers, &delivery.body, START, Duration::from_secs(300)).unwrap();
    let event = delivery.json();
    assert_eq!(event["type"], "user.created");
    assert_eq!(event["data"], user);
    assert_eq!(event["timestamp"], START.millis());
    assert_eq!(event["instance_id"], emulator.instance_id().as_str());
}
