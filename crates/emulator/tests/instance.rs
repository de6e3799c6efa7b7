//! What an instance says about itself, and short lists that nothing else depends on.

use serde_json::json;

use crate::support::{id, start};

#[tokio::test]
async fn settings_and_prices_can_be_read() {
    let (emulator, client, _) = start().await;
    assert_eq!(client.get("/v1/instance").await.ok()["id"], json!(emulator.instance_id()));
    let settings = client.get("/v1/instance/organization_settings").await.ok();
    assert_eq!(
        (&settings["creator_role"], &settings["domains_default_role"]),
        (&json!("org:admin"), &json!("org:member"))
    );
    let plan = client.post("/__rowlock/billing/plans", json!({ "name": "Pro", "amount": 2000 })).await.ok();
    let prices = client.get(&format!("/v1/billing/prices?plan_id={}", id(&plan))).await.ok();
    assert_eq!((&prices["total_count"], &prices["data"][0]["amount"]), (&json!(1), &json!(2000)));
    assert_eq!(client.get("/v1/billing/prices?plan_id=cplan_x").await.refused(), "404 plan_not_found");
}

#[tokio::test]
async fn redirect_urls_are_checked_kept_and_removed() {
    let (_emulator, client, _) = start().await;
    let url = client.post("/v1/redirect_urls", json!({ "url": "myapp://callback" })).await.ok();
    assert_eq!(client.get("/v1/redirect_urls").await.ok(), json!([url]));
    assert_eq!(client.get("/v1/redirect_urls?paginated=true").await.ok()["total_count"], 1);
    for (body, expected) in [
        (json!({ "url": "myapp://callback" }), "400 duplicate_record"),
        (json!({ "url": "no address" }), "422 invalid_redirect_url"),
        (json!({ "url": "javascript:alert(1)" }), "422 prohibited_redirect_url"),
    ] {
        assert_eq!(client.post("/v1/redirect_urls", body.clone()).await.refused(), expected, "{body}");
    }
    let path = format!("/v1/redirect_urls/{}", id(&url));
    assert_eq!(client.delete(&path).await.ok()["deleted"], true);
    assert_eq!(client.get(&path).await.refused(), "404 resource_not_found");
}
