//! Webhooks from the emulator to a receiver.

use std::time::Duration;

use clerk::{DeliveryHeaders, Event, EventKind, verify_delivery};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Receiver, Response, START, acme, ada, id, shape, start};

#[tokio::test]
async fn an_event_is_signed_and_whole() {
    let (emulator, client, _) = start().await;
    let receiver = Receiver::start([]).await;
    emulator.webhooks().add_endpoint(&receiver.url).unwrap();
    let request = client
        .request(reqwest::Method::POST, "/v1/users")
        .header("User-Agent", "my-app/1.0")
        .json(&json!({ "email_address": ["ada@example.com"] }));
    let user = crate::support::read(request).await.ok();
    emulator.webhooks().settled().await;

    let [delivery] = receiver.received().try_into().unwrap();
    let headers = DeliveryHeaders::from_lookup(|name| delivery.headers.get(name)?.to_str().ok()).unwrap();
    let secrets = [emulator.webhook_secret().clone()];
    verify_delivery(&secrets, &headers, &delivery.body, START, Duration::from_secs(300)).unwrap();
    assert_eq!(delivery.headers["content-type"], "application/json");
    assert!(delivery.headers["user-agent"].to_str().unwrap().starts_with("Svix-Webhooks/"));

    let mut event = delivery.json();
    assert_eq!(event["data"], user, "the object as the API shows it");
    event["data"] = json!("[user]");
    assert_snapshot!(shape(&event), @r#"
    {
      "data": "[user]",
      "event_attributes": {
        "http_request": {
          "client_ip": "127.0.0.1",
          "user_agent": "my-app/1.0"
        }
      },
      "instance_id": "[instance]",
      "object": "event",
      "timestamp": 1767225600000,
      "type": "user.created"
    }
    "#);
    let parsed = Event::parse(&delivery.body).unwrap();
    assert_eq!((parsed.kind, parsed.occurred_at), (EventKind::UserCreated, Some(START)));
}

#[tokio::test]
async fn every_change_is_announced_in_its_order() {
    let (emulator, _, _) = start().await;
    let receiver = Receiver::start([]).await;
    emulator.webhooks().add_endpoint(&receiver.url).unwrap();
    let user = ada(&emulator);
    let bob = emulator.users().create(&json!({ "username": "bobby" })).unwrap();
    let organization = acme(&emulator, &user);
    emulator.memberships().create(id(&organization), id(&bob), "org:member").unwrap();
    emulator.memberships().update_role(id(&organization), id(&bob), "org:admin").unwrap();
    emulator.organizations().update(id(&organization), &json!({ "name": "Acme Ltd" })).unwrap();
    let session = emulator.sessions().create(id(&bob), None).unwrap();
    emulator.sessions().end(id(&session)).unwrap();
    emulator.sessions().create(id(&bob), None).unwrap();
    emulator.users().ban(id(&bob)).unwrap();
    emulator.memberships().delete(id(&organization), id(&bob)).unwrap();
    emulator.users().delete(id(&user)).unwrap();
    emulator.organizations().delete(id(&organization)).unwrap();
    emulator.webhooks().settled().await;
    // Deliveries overtake each other, as they do with Svix; the messages are in order.
    let webhooks = emulator.webhooks();
    let messages: Vec<Value> = webhooks.message_ids().iter().map(|id| webhooks.message(id).unwrap()).collect();
    let kinds: Vec<&str> = messages.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_snapshot!(kinds.join("\n"), @r#"
    user.created
    user.created
    organization.created
    organizationMembership.created
    organizationMembership.created
    organizationMembership.updated
    organization.updated
    user.updated
    session.created
    session.ended
    user.updated
    session.created
    user.updated
    session.revoked
    organizationMembership.deleted
    user.deleted
    organization.deleted
    "#);
    let mut received = receiver.kinds();
    let mut sent: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
    received.sort();
    sent.sort();
    assert_eq!(received, sent);
    let payload = |kind: &str| {
        let message = messages.iter().find(|message| message["type"] == kind).unwrap();
        message["payload"]["data"].clone()
    };
    assert_snapshot!(shape(&payload("organizationMembership.deleted")), @r#"
    {
      "created_at": 1767225600000,
      "id": "orgmem_37dGd1SXaqqo9WfqQTr06YXC8p4",
      "object": "organization_membership",
      "organization": {
        "admin_delete_enabled": true,
        "created_at": 1767225600000,
        "created_by": "user_37dGbt8SNrRsNkJbG3UNz5ucopE",
        "has_image": false,
        "id": "org_37dGcRQJpfta0sR9gvtZ4AQUhMQ",
        "image_url": "[image]",
        "max_allowed_memberships": 0,
        "name": "Acme Ltd",
        "object": "organization",
        "private_metadata": {},
        "public_metadata": {},
        "role_set_key": null,
        "slug": "acme",
        "updated_at": 1767225600000
      },
      "permissions": [
        "org:sys_billing:manage",
        "org:sys_billing:read",
        "org:sys_domains:manage",
        "org:sys_domains:read",
        "org:sys_entconns:manage",
        "org:sys_memberships:manage",
        "org:sys_memberships:read",
        "org:sys_profile:delete",
        "org:sys_profile:manage"
      ],
      "private_metadata": {},
      "public_metadata": {},
      "public_user_data": {
        "banned": true,
        "deprovisioned": false,
        "first_name": null,
        "has_image": false,
        "identifier": "bobby",
        "image_url": "[image]",
        "last_name": null,
        "profile_image_url": "[image]",
        "user_id": "user_37dGcAjPnExHTvISbSsU1eQx6Cb",
        "username": "bobby"
      },
      "role": "org:admin",
      "role_name": "Admin",
      "updated_at": 1767225600000
    }
    "#);
    assert_snapshot!(shape(&payload("session.created")["user"]["id"]), @r#""user_37dGcAjPnExHTvISbSsU1eQx6Cb""#);
    assert_eq!(payload("user.deleted"), json!({ "object": "user", "id": user["id"], "deleted": true }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_are_announced_in_the_order_they_happened() {
    let (mut options, _) = crate::support::options();
    options.clock = std::sync::Arc::new(clerk::SystemClock);
    let emulator = std::sync::Arc::new(emulator::Emulator::start(options).await.unwrap());
    let user = ada(&emulator);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let (emulator, user) = (std::sync::Arc::clone(&emulator), user.clone());
        tasks.spawn(async move {
            for number in 0..50 {
                let name = json!({ "first_name": format!("{task}/{number}") });
                emulator.users().update(id(&user), &name).unwrap();
            }
        });
    }
    tasks.join_all().await;
    let webhooks = emulator.webhooks();
    let messages: Vec<Value> = webhooks.message_ids().iter().map(|id| webhooks.message(id).unwrap()).collect();
    let times = messages.iter().map(|message| message["payload"]["data"]["updated_at"].as_i64().unwrap());
    assert!(times.is_sorted(), "a later change carries no earlier time");
    let last = &messages.last().unwrap()["payload"]["data"];
    assert_eq!((messages.len(), last), (401, &emulator.users().get(id(&user)).unwrap()));
}

#[tokio::test]
async fn a_refused_change_announces_nothing() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    let before = emulator.webhooks().message_ids();
    emulator.users().create(&json!({ "email_address": ["ada@example.com"] })).unwrap_err();
    assert_eq!(emulator.webhooks().message_ids(), before);
}

#[tokio::test]
async fn failures_are_tried_again_under_the_same_id_with_a_new_signature() {
    let (emulator, _, clock) = start().await;
    let receiver = Receiver::start([Response::status(500), Response::status(302).with("location", "/elsewhere")]).await;
    emulator.webhooks().add_endpoint(&receiver.url).unwrap();
    ada(&emulator);
    receiver.wait_for(1).await;
    clock.advance(Duration::from_secs(100));
    emulator.webhooks().settled().await;

    let received = receiver.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|delivery| delivery.id() == received[0].id() && delivery.body == received[0].body));
    let time = |index: usize| received[index].headers["svix-timestamp"].to_str().unwrap().to_owned();
    assert_eq!((time(0), time(2)), ("1767225600".to_owned(), "1767225700".to_owned()));
    assert_ne!(received[0].headers["svix-signature"], received[2].headers["svix-signature"]);
    let message = emulator.webhooks().message(received[0].id()).unwrap();
    let statuses: Vec<&Value> =
        message["deliveries"][0]["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!(statuses, [500, 302, 200]);
    assert_eq!(message["deliveries"][0]["status"], "delivered");
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_an_attempt_too() {
    let (emulator, _, _) = start().await;
    let gone = Receiver::start([]).await.stop().await;
    emulator.webhooks().add_endpoint(&gone).unwrap();
    ada(&emulator);
    let message = emulator.webhooks().message_ids().remove(0);
    let attempt = loop {
        let attempts = emulator.webhooks().message(&message).unwrap()["deliveries"][0]["attempts"].clone();
        if let Some(attempt) = attempts.get(0) {
            break attempt.clone();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(attempt["status"], Value::Null);
    assert!(attempt["detail"].as_str().unwrap().contains("onnect"), "{attempt}");
}

#[tokio::test]
async fn a_receiver_that_is_too_slow_fails() {
    let (mut options, _) = crate::support::options();
    options.webhook_timeout = Duration::from_millis(200);
    let emulator = emulator::Emulator::start(options).await.unwrap();
    let receiver = Receiver::start([Response::status(200).after(Duration::from_secs(5))]).await;
    emulator.webhooks().add_endpoint(&receiver.url).unwrap();
    ada(&emulator);
    emulator.webhooks().settled().await;
    let message = emulator.webhooks().message(&emulator.webhooks().message_ids()[0]).unwrap();
    let attempts = &message["deliveries"][0]["attempts"];
    assert_eq!((&attempts[0]["status"], &attempts[0]["detail"]), (&Value::Null, &json!("no answer in time")));
    // On a busy machine the next ones may be too slow as well.
    assert_eq!(attempts.as_array().unwrap().last().unwrap()["status"], 200);
}

#[tokio::test]
async fn a_receiver_controls_its_delivery() {
    let (emulator, client, _) = start().await;
    let aborting = Receiver::start([Response::status(400).with("webhook-delivery", "abort-message")]).await;
    let disabling = Receiver::start([Response::status(410).with("webhook-delivery", "disable")]).await;
    emulator.webhooks().add_endpoint(&aborting.url).unwrap();
    let disabled = emulator.webhooks().add_endpoint(&disabling.url).unwrap();
    let user = ada(&emulator);
    emulator.webhooks().settled().await;
    emulator.users().update(id(&user), &json!({ "first_name": "Augusta" })).unwrap();
    emulator.webhooks().settled().await;
    assert_eq!(aborting.kinds(), ["user.created", "user.updated"], "the aborted message was not tried again");
    assert_eq!(disabling.kinds(), ["user.created"]);
    let endpoint = client.get(&format!("/__rowlock/endpoints/{}", id(&disabled))).await.ok();
    assert_eq!(endpoint["disabled"], "disabled by the receiver");
}

#[tokio::test]
async fn endpoints_come_change_and_go_at_run_time() {
    let (emulator, client, _) = start().await;
    let receiver = Receiver::start([]).await;
    let body = json!({ "url": receiver.url, "events": ["user.deleted"] });
    let endpoint = client.post("/__rowlock/endpoints", body).await.ok();
    assert!(endpoint["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_ne!(endpoint["secret"], emulator.webhook_secret().expose(), "an endpoint has a secret of its own");
    let user = ada(&emulator);
    let path = format!("/__rowlock/endpoints/{}", id(&endpoint));
    client.patch(&path, json!({ "events": ["user.updated"] })).await.ok();
    emulator.users().update(id(&user), &json!({ "first_name": "Augusta" })).unwrap();
    client.patch(&path, json!({ "disabled": true })).await.ok();
    emulator.users().update(id(&user), &json!({ "first_name": "Ada" })).unwrap();
    client.patch(&path, json!({ "disabled": false })).await.ok();
    emulator.users().update(id(&user), &json!({ "first_name": "King" })).unwrap();
    assert_eq!(client.get("/__rowlock/endpoints").await.ok().as_array().unwrap().len(), 1);
    emulator.webhooks().settled().await;
    client.delete(&path).await.ok();
    emulator.users().delete(id(&user)).unwrap();
    emulator.webhooks().settled().await;
    assert_eq!(receiver.kinds(), ["user.updated", "user.updated"]);

    for (body, expected) in [
        (json!({}), "422 form_param_missing"),
        (json!({ "url": "not a url" }), "422 form_param_format_invalid"),
        (json!({ "url": "ftp://127.0.0.1/" }), "422 form_param_format_invalid"),
        (json!({ "url": receiver.url, "secret": "secret" }), "422 form_param_format_invalid"),
        (json!({ "url": receiver.url, "filter": [] }), "422 form_param_unknown"),
    ] {
        assert_eq!(client.post("/__rowlock/endpoints", body.clone()).await.refused(), expected, "{body}");
    }
    assert_eq!(client.get("/__rowlock/endpoints/ep_x").await.refused(), "404 resource_not_found");
}

#[tokio::test]
async fn deliveries_can_be_held_shuffled_doubled_and_lost() {
    let (emulator, client, _) = start().await;
    let receiver = Receiver::start([]).await;
    emulator.webhooks().add_endpoint(&receiver.url).unwrap();
    assert_eq!(client.patch("/__rowlock/outbox", json!({ "paused": true })).await.ok()["paused"], true);
    let user = ada(&emulator);
    emulator.users().update(id(&user), &json!({ "first_name": "Augusta" })).unwrap();
    emulator.users().delete(id(&user)).unwrap();
    assert_eq!(client.get("/__rowlock/outbox").await.ok()["pending"], 3);
    let pending = client.get("/__rowlock/deliveries?status=pending").await.ok();
    let ids: Vec<&str> = pending.as_array().unwrap().iter().map(id).collect();
    let [deleted, updated, created] = ids.as_slice() else { panic!("three messages: {pending}") };

    let send = format!("/__rowlock/deliveries/{deleted}/send");
    assert_eq!(client.post(&send, json!({})).await.ok()["attempts"], 1);
    receiver.wait_for(1).await;
    client.post(&format!("/__rowlock/deliveries/{created}/send"), json!({ "copies": 2 })).await.ok();
    receiver.wait_for(3).await;
    let lost = client.post(&format!("/__rowlock/deliveries/{updated}/discard"), json!({})).await.ok();
    assert_eq!(lost["deliveries"][0]["status"], "discarded");
    client.patch("/__rowlock/outbox", json!({ "paused": false })).await.ok();
    emulator.webhooks().settled().await;
    assert_eq!(receiver.kinds(), ["user.deleted", "user.created", "user.created"]);

    // Afterwards everything can be replayed.
    client.post(&format!("/__rowlock/deliveries/{updated}/send"), json!({})).await.ok();
    emulator.webhooks().settled().await;
    assert_eq!(receiver.kinds().last().unwrap(), "user.updated");
    let one = client.get(&format!("/__rowlock/deliveries/{updated}")).await.ok();
    assert_eq!(one["payload"]["data"]["first_name"], "Augusta");
    assert_eq!(client.get("/__rowlock/deliveries?type=user.created").await.ok().as_array().unwrap().len(), 1);
    assert_eq!(client.get("/__rowlock/deliveries/msg_x").await.refused(), "404 resource_not_found");
    assert_eq!(client.post(&send, json!({ "copies": 0 })).await.refused(), "422 form_param_value_invalid");
    assert_eq!(client.post(&send, json!({ "endpoint_id": "ep_x" })).await.refused(), "404 resource_not_found");
}

#[tokio::test]
async fn events_can_be_had_on_demand() {
    let (emulator, client, _) = start().await;
    let receiver = Receiver::start([]).await;
    let user = ada(&emulator);
    let organization = acme(&emulator, &user);
    let session = emulator.sessions().create(id(&user), None).unwrap();
    let membership = emulator.memberships().list(&[]).unwrap()["data"][0].clone();
    emulator.webhooks().add_endpoint(&receiver.url).unwrap();
    let trigger = |kind: &str, object: &Value| {
        emulator.webhooks().trigger(kind, id(object)).unwrap();
    };
    trigger("user.updated", &user);
    trigger("user.deleted", &user);
    trigger("organization.updated", &organization);
    trigger("organization.deleted", &organization);
    trigger("organizationMembership.created", &membership);
    trigger("session.pending", &session);
    let made_up = json!({ "type": "role.created", "data": { "object": "role", "id": "role_1" } });
    client.post("/__rowlock/events", made_up).await.ok();
    emulator.webhooks().trigger_with("brand.new", &json!({ "id": "x" })).unwrap();
    emulator.webhooks().settled().await;
    assert_eq!(receiver.received().len(), 8);
    let events = receiver.received();
    let deleted = events.iter().find(|event| event.kind() == "user.deleted").unwrap().json();
    assert_eq!(deleted["data"]["deleted"], true);
    emulator.users().get(id(&user)).expect("nothing was changed");
    for (body, expected) in [
        (json!({ "object_id": "user_x" }), "422 form_param_missing"),
        (json!({ "type": "user.updated", "object_id": "user_x", "data": {} }), "422 form_param_value_invalid"),
        (json!({ "type": "user.updated", "object_id": "user_x" }), "404 resource_not_found"),
        (json!({ "type": "role.created", "object_id": "role_x" }), "404 resource_not_found"),
        (json!({ "type": "email.created", "object_id": "ema_x" }), "422 form_param_value_invalid"),
    ] {
        assert_eq!(client.post("/__rowlock/events", body.clone()).await.refused(), expected, "{body}");
    }
}

#[tokio::test]
async fn every_kind_of_event_happens_on_demand() {
    let (emulator, ..) = start().await;
    for kind in EventKind::ALL {
        let told: Vec<String> = happen(&emulator, &json!({ "type": kind.as_str() }));
        assert_eq!(told.iter().filter(|told| *told == kind.as_str()).count(), 1, "{kind:?}: {told:?}");
    }
    // Our own reading of each: its type, its time, its instance, and an object that says which one it is.
    for message in emulator.webhooks().take() {
        let event = Event::parse(&message.body).unwrap_or_else(|error| panic!("{}: {error}", message.kind));
        assert_eq!((&event.kind, event.occurred_at.is_some()), (&message.kind, true));
        assert_eq!(event.instance_id.as_deref(), Some(emulator.instance_id().as_str()));
        let family = message.kind.as_str().split('.').next().unwrap();
        let data: Value = serde_json::from_str(event.data.get()).unwrap();
        let prefix = match family {
            "user" => "user_",
            "session" => "sess_",
            "organization" => "org_",
            "organizationDomain" => "orgdmn_",
            "organizationInvitation" => "orginv_",
            "organizationMembership" => "orgmem_",
            "role" => "role_",
            "permission" => "perm_",
            "email" => "ema_",
            "sms" => "sms_",
            "waitlistEntry" => "wle_",
            "subscription" => "csub_",
            "subscriptionItem" => "csub_item_",
            "paymentAttempt" => "pa_",
            other => panic!("a family of events that nobody knows: {other}"),
        };
        assert!(id(&data).starts_with(prefix), "{}: {data}", message.kind);
    }
    // It happened: what was made is there, and what was announced is what is there now.
    let users = emulator.users().count(&[]).unwrap();
    drop(emulator.webhooks().take());
    assert_eq!(happen(&emulator, &json!({ "type": "user.created", "count": 3 })), ["user.created"; 3]);
    assert_eq!(emulator.users().count(&[]).unwrap(), users + 3);
}

#[tokio::test]
async fn events_happen_to_somebody_by_any_name_or_not_at_all() {
    let (emulator, client, _) = start().await;
    let ada = ada(&emulator);
    let before = ada["updated_at"].as_i64().unwrap();
    let to_ada = |kind: &str| json!({ "type": kind, "user": "ada@example.com" });
    assert_eq!(happen(&emulator, &to_ada("user.updated")), ["user.updated"]);
    assert!(emulator.users().get(id(&ada)).unwrap()["updated_at"].as_i64().unwrap() >= before);
    assert_eq!(happen(&emulator, &to_ada("subscription.active")).last().unwrap(), "subscription.active");
    let users = emulator.users().count(&[]).unwrap();
    for (body, expected) in [
        (to_ada("subscription.active"), "422 form_param_value_invalid"),
        (to_ada("user.created"), "422 form_param_value_invalid"),
        (to_ada("role.created"), "422 form_param_value_invalid"),
        (json!({ "type": "user.updated", "user": "nobody" }), "404 resource_not_found"),
        (json!({ "type": "galaxy.created" }), "422 form_param_value_invalid"),
        (json!({ "type": "user.created", "drop": 2 }), "422 form_param_value_invalid"),
        (json!({ "type": "user.created", "duplicate": -1 }), "422 form_param_value_invalid"),
    ] {
        assert_eq!(client.post("/__rowlock/events", body.clone()).await.refused(), expected, "{body}");
    }
    assert_eq!(emulator.users().count(&[]).unwrap(), users, "a refusal leaves nothing behind");
    assert_eq!(happen(&emulator, &to_ada("user.deleted")), ["user.deleted"]);
    assert!(emulator.users().get(id(&ada)).is_err());
}

#[tokio::test]
async fn what_happens_on_demand_leaves_the_time_where_it_was() {
    let emulator = emulator::Emulator::start(emulator::EmulatorOptions::default()).await.unwrap();
    emulator.webhooks().trigger_any(&json!({ "type": "user.updated", "count": 100 })).unwrap();
    let clock = emulator.backend().get("/__rowlock/clock", &[]).unwrap();
    assert!(clock["ahead_by_seconds"].as_f64().unwrap() < 0.05, "{clock}");
}

#[tokio::test]
async fn messages_come_twice_late_in_another_order_or_never() {
    let (emulator, client, _) = start().await;
    let receiver = Receiver::start([]).await;
    emulator.webhooks().add_endpoint(&receiver.url).unwrap();
    let body = json!({ "type": "user.created", "count": 8, "duplicate": 1, "shuffle": true, "delay_ms": 200 });
    let began = std::time::Instant::now();
    let messages = emulator.webhooks().trigger_any(&body).unwrap();
    emulator.webhooks().settled().await;
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
    let asked: Vec<&str> = messages.iter().map(id).collect();
    let received = receiver.received();
    let got: Vec<String> = received.iter().map(|one| one.id().to_owned()).collect();
    assert_eq!(got.len(), 16);
    assert!(asked.iter().all(|id| got.iter().filter(|got| got == id).count() == 2), "{got:?}");
    let places = got.iter().map(|got| asked.iter().position(|id| id == got));
    assert!(!places.is_sorted(), "{got:?}");

    let body = json!({ "type": "user.created", "count": 50, "drop": 0.5 });
    let answer = client.post("/__rowlock/events", body).await.ok();
    emulator.webhooks().settled().await;
    let lost = answer["messages"].as_array().unwrap();
    let lost = lost.iter().filter(|message| message["deliveries"][0]["status"] == "discarded").count();
    assert!((5..=45).contains(&lost), "{lost}");
    assert_eq!(receiver.received().len(), 16 + 50 - lost);
}

fn happen(emulator: &emulator::Emulator, body: &Value) -> Vec<String> {
    let messages = emulator.webhooks().trigger_any(body).unwrap_or_else(|refusal| panic!("{body}: {refusal}"));
    messages.iter().map(|message| message["type"].as_str().unwrap().to_owned()).collect()
}
