//! `/v1/sessions`.

use std::time::Duration;

use emulator::{Emulator, EmulatorOptions};
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Client, acme, ada, id, options, shape, start};

#[tokio::test]
async fn signing_in_makes_a_session_and_marks_the_user() {
    let (emulator, client, clock) = start().await;
    let user = ada(&emulator);
    clock.advance(Duration::from_secs(7200));
    let session = client.post("/v1/sessions", json!({ "user_id": user["id"] })).await.ok();
    assert_snapshot!(shape(&session), @r#"
    {
      "abandon_at": 1769824800000,
      "actor": null,
      "client_id": "client_37dGcAjPnExHTvISbSsU1eQx6Cb",
      "created_at": 1767232800000,
      "expire_at": 1767837600000,
      "id": "sess_37dGc4XknepN5iYRGCbCabnjpwR",
      "last_active_at": 1767232800000,
      "last_active_organization_id": null,
      "latest_activity": null,
      "object": "session",
      "status": "active",
      "updated_at": 1767232800000,
      "user_id": "user_37dGbfNeCHtDzZNiFTyg8huKmq5"
    }
    "#);
    let user = emulator.users().get(id(&user)).unwrap();
    assert_eq!(user["last_sign_in_at"], session["created_at"]);
    assert_eq!(user["last_active_at"], 1_767_225_600_000_i64, "activity has the precision of a day");
    assert_eq!(client.get(&format!("/v1/sessions/{}", id(&session))).await.ok(), session);
}

#[tokio::test]
async fn only_a_members_organization_can_be_active() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let organization = acme(&emulator, &user);
    let bob = emulator.users().create(&json!({ "username": "bobby" })).unwrap();
    let open = async |user: &str, organization: &str| {
        client.post("/v1/sessions", json!({ "user_id": user, "active_organization_id": organization })).await
    };
    assert_eq!(open(id(&user), id(&organization)).await.ok()["last_active_organization_id"], organization["id"]);
    assert_eq!(open(id(&bob), id(&organization)).await.refused(), "403 not_a_member_in_organization");
    assert_eq!(open(id(&bob), "org_x").await.refused(), "404 resource_not_found");
    assert_eq!(open("user_x", id(&organization)).await.refused(), "404 resource_not_found");
    assert_eq!(client.post("/v1/sessions", json!({})).await.refused(), "422 form_param_missing");
}

#[tokio::test]
async fn sessions_are_listed_newest_first_by_user_client_and_status() {
    let (emulator, client, clock) = start().await;
    let user = ada(&emulator);
    let first = emulator.sessions().create(id(&user), None).unwrap();
    clock.advance(Duration::from_secs(1));
    let second = emulator.sessions().create(id(&user), None).unwrap();
    clock.advance(Duration::from_secs(1));
    let third = emulator.sessions().create(id(&user), None).unwrap();
    emulator.sessions().end(id(&second)).unwrap();
    emulator.sessions().revoke(id(&third)).unwrap();
    let list = async |query: String| {
        let list = client.get(&format!("/v1/sessions?{query}")).await.ok();
        list.as_array().unwrap().iter().map(|session| id(session).to_owned()).collect::<Vec<_>>()
    };
    let of_user = format!("user_id={}", id(&user));
    assert_eq!(list(of_user.clone()).await, [id(&third), id(&second), id(&first)]);
    assert_eq!(list(format!("{of_user}&status=active")).await, [id(&first)]);
    assert_eq!(list(format!("{of_user}&status=ended")).await, [id(&second)]);
    assert_eq!(list(format!("{of_user}&status=revoked&limit=1")).await, [id(&third)]);
    assert_eq!(list(format!("client_id={}", second["client_id"].as_str().unwrap())).await, [id(&second)]);
    let paginated = client.get(&format!("/v1/sessions?{of_user}&paginated=true&limit=1&offset=1")).await.ok();
    assert_eq!((&paginated["data"][0]["id"], &paginated["total_count"]), (&second["id"], &json!(3)));
    assert_eq!(client.get("/v1/sessions").await.refused(), "400 missing_query_parameter");
    assert_eq!(
        client.get(&format!("/v1/sessions?{of_user}&status=asleep")).await.refused(),
        "422 form_param_value_invalid"
    );
}

#[tokio::test]
async fn a_token_of_another_instance_is_refused_with_both_their_names() {
    let (emulator, client, _) = start().await;
    let (other, others, _) = {
        let (options, clock) = options();
        let other = Emulator::start(EmulatorOptions { signing_key: None, seed: Some(2), ..options }).await.unwrap();
        let client = Client::of(&other);
        (other, client, clock)
    };
    assert_ne!(emulator.instance_id(), other.instance_id());
    let foreign = other.sessions().create(id(&ada(&other)), None).unwrap();
    let token = others.post(&format!("/v1/sessions/{}/tokens", id(&foreign)), json!({})).await.ok();
    let session = emulator.sessions().create(id(&ada(&emulator)), None).unwrap();
    for path in [format!("/v1/sessions/{}/verify", id(&session)), "/m2m_tokens/verify".to_owned()] {
        let answer = client.post(&path, json!({ "token": token["jwt"] })).await;
        assert_eq!(answer.refused(), "401 authentication_invalid", "{path}");
        let reason = answer.body["errors"][0]["long_message"].as_str().unwrap();
        for name in [emulator.instance_id(), other.instance_id()] {
            assert!(reason.contains(name.as_str()), "{path}: {reason}");
        }
    }
    let own = client.post(&format!("/v1/sessions/{}/tokens", id(&session)), json!({})).await.ok();
    let verified = client.post(&format!("/v1/sessions/{}/verify", id(&session)), json!({ "token": own["jwt"] })).await;
    assert_eq!(verified.ok()["id"], session["id"]);
}

#[tokio::test]
async fn a_session_expires_after_seven_days_and_has_no_tokens_then() {
    let (emulator, client, clock) = start().await;
    let user = ada(&emulator);
    let session = emulator.sessions().create(id(&user), None).unwrap();
    let tokens = format!("/v1/sessions/{}/tokens", id(&session));
    clock.advance(Duration::from_secs(7 * 86_400 - 1));
    client.post(&tokens, json!({})).await.ok();
    clock.advance(Duration::from_secs(1));
    assert_eq!(emulator.sessions().get(id(&session)).unwrap()["status"], "expired");
    assert_eq!(client.post(&tokens, json!({})).await.refused(), "404 resource_not_found");
    let revoked = emulator.sessions().revoke(id(&session)).unwrap();
    assert_eq!(revoked["status"], "expired", "what is over cannot be revoked");
}

#[tokio::test]
async fn whoever_leaves_an_organization_leaves_it_in_every_session() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let organization = acme(&emulator, &user);
    let session = emulator.sessions().create(id(&user), Some(id(&organization))).unwrap();
    emulator.memberships().delete(id(&organization), id(&user)).unwrap();
    assert_eq!(emulator.sessions().get(id(&session)).unwrap()["last_active_organization_id"], json!(null));
}
