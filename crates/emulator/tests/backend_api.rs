//! The Backend API over HTTP.

use serde_json::json;

use crate::support::start;

#[tokio::test]
async fn a_user_can_be_made_and_read() {
    let (_emulator, client, _) = start().await;
    let user =
        client.post("/v1/users", json!({ "email_address": ["ada@example.com"], "first_name": "Ada" })).await.ok();
    let again = client.get(&format!("/v1/users/{}", user["id"].as_str().unwrap())).await;
    assert_eq!(again.content_type, "application/json");
    assert_eq!(again.ok(), user);
}
