//! Ten thousand users.

use std::{collections::HashSet, time::Instant};

use serde_json::json;

use crate::support::{Client, id, options};

use emulator::Emulator;

const USERS: usize = 10_000;

/// The bounds are an order of magnitude above what an unoptimized build takes, so they catch quadratic work and nothing
/// else.
#[tokio::test]
async fn ten_thousand_users_are_walked_in_pages_of_500() {
    let emulator = Emulator::start(options().0).await.unwrap();
    let client = Client::of(&emulator);
    let organization = emulator.organizations().create(&json!({ "name": "Everybody" })).unwrap();
    let started = Instant::now();
    for number in 0..USERS {
        let user =
            emulator.users().create(&json!({ "email_address": [format!("person-{number}@example.com")] })).unwrap();
        emulator.memberships().create(id(&organization), id(&user), "org:member").unwrap();
    }
    let created = started.elapsed();
    assert!(created.as_secs() < 60, "creating took {created:?}");

    for order in ["created_at", "-created_at", "email_address"] {
        let started = Instant::now();
        let mut seen = HashSet::new();
        for offset in (0..USERS).step_by(500) {
            let page = client.get(&format!("/v1/users?limit=500&offset={offset}&order_by={order}")).await.ok();
            assert_eq!(page.as_array().unwrap().len(), 500);
            seen.extend(page.as_array().unwrap().iter().map(|user| id(user).to_owned()));
        }
        assert_eq!(seen.len(), USERS);
        let walked = started.elapsed();
        assert!(walked.as_secs() < 30, "walking by {order} took {walked:?}");
    }
    let page = client.get("/v1/organization_memberships?limit=500&offset=9500").await.ok();
    assert_eq!((page["data"].as_array().unwrap().len(), &page["total_count"]), (500, &json!(USERS)));
}
