//! Seeds.

use emulator::{Crowd, Emulator, Seed};
use serde_json::json;

use crate::support::{id, options, start};

fn demo() -> Seed {
    serde_json::from_value(json!({
        "permissions": [{ "name": "Read posts", "key": "org:articles:read" }],
        "roles": [{ "name": "Reader", "key": "org:reader", "permissions": ["org:articles:read"] }],
        "plans": [{ "name": "Pro", "amount": 2000 }],
        "users": [
            { "id": "user_alice", "email_address": ["alice@example.com"], "public_metadata": { "tier": 3 } },
            { "username": "bobby" },
        ],
        "organizations": [{ "id": "org_acme", "name": "Acme", "created_by": "alice@example.com" }],
        "memberships": [{ "organization": "acme", "user": "bobby", "role": "org:reader" }],
    }))
    .unwrap()
}

#[tokio::test]
async fn a_new_instance_holds_its_seed_and_says_nothing_about_it() {
    let (mut options, _) = options();
    options.seed_data = demo();
    let emulator = Emulator::start(options).await.unwrap();
    assert_eq!(emulator.users().get("user_alice").unwrap()["public_metadata"], json!({ "tier": 3 }));
    let members = emulator.memberships().list_of_organization("org_acme", &[("order_by", "created_at")]).unwrap();
    let roles: Vec<&str> =
        members["data"].as_array().unwrap().iter().map(|member| member["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["org:admin", "org:reader"]);
    assert!(emulator.webhooks().message_ids().is_empty());
}

#[tokio::test]
async fn a_seed_that_cannot_be_planted_whole_is_not_planted_at_all() {
    let (mut options, _) = options();
    options.seed_data = Seed { memberships: vec![], ..demo() };
    options.seed_data.users.push(json!({ "email_address": ["nonsense"] }));
    let error = Emulator::start(options).await.unwrap_err();
    assert_eq!(error.to_string(), "the seed cannot be planted");

    let (emulator, client, _) = start().await;
    let twice = json!({ "users": [{ "username": "first" }, { "username": "first" }] });
    assert_eq!(client.post("/__rowlock/seed", twice).await.refused(), "422 form_identifier_exists");
    assert_eq!(emulator.users().count(&[]).unwrap(), 0);
    let unknown = json!({ "shoes": 2 });
    assert_eq!(client.post("/__rowlock/seed", unknown).await.refused(), "422 form_param_value_invalid");
}

#[tokio::test]
async fn a_seed_can_be_announced() {
    let (emulator, client, _) = start().await;
    client.post("/__rowlock/seed", json!({ "events": true, "users": [{ "username": "first" }] })).await.ok();
    let kinds: Vec<String> = emulator.webhooks().take().iter().map(|message| message.kind.to_string()).collect();
    assert_eq!(kinds, ["user.created"]);
}

#[tokio::test]
async fn a_crowd_is_shared_out_and_can_be_walked() {
    let (emulator, client, _) = start().await;
    let crowd = Crowd { users: 1200, organizations: 100, members_per_organization: 3 };
    emulator.plant(&Seed { crowd, ..Seed::default() }).unwrap();
    assert_eq!(emulator.memberships().list(&[]).unwrap()["total_count"], 300);
    let mut seen = Vec::new();
    let mut last = String::new();
    loop {
        let page = client.get(&format!("/v1/users?limit=500&starting_after={last}")).await.ok();
        let Some(user) = page.as_array().unwrap().last() else { break };
        last = id(user).to_owned();
        seen.extend(page.as_array().unwrap().iter().map(|user| id(user).to_owned()));
    }
    assert_eq!(seen.len(), 1200);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 1200, "each once");
}
