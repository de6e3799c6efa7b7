//! Rate limits and outages.

use std::time::Duration;

use emulator::{Emulator, Outage, RateLimit, RateLimits};
use reqwest::Method;
use serde_json::json;

use crate::support::{Client, id, options, start};

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let (mut options, clock) = options();
    options.rate_limits = Some(RateLimits::development());
    let emulator = Emulator::start(options).await.unwrap();
    let client = Client::of(&emulator);
    for _ in 0..100 {
        client.get("/v1/users").await.ok();
    }
    clock.advance(Duration::from_secs(4));
    let response = client.request(Method::GET, "/v1/users").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "6"));
    assert_eq!(client.get("/v1/users").await.refused(), "429 too_many_requests");
    client.get("/v1/jwks").await.ok();
    client.get("/__rowlock/outbox").await.ok();
    clock.advance(Duration::from_secs(6));
    client.get("/v1/users").await.ok();
}

#[tokio::test]
async fn limits_can_be_set_and_lifted_while_it_runs() {
    let (emulator, client, _) = start().await;
    let user = crate::support::ada(&emulator);
    let limits = RateLimits { updates: RateLimit { requests: 1, seconds: 5 }, ..RateLimits::production() };
    let set = client.patch("/__rowlock/rate_limits", json!({ "rate_limits": limits })).await.ok();
    assert_eq!(set["rate_limits"]["updates"], json!({ "requests": 1, "seconds": 5 }));
    let path = format!("/v1/users/{}/metadata", id(&user));
    client.patch(&path, json!({})).await.ok();
    assert_eq!(client.patch(&path, json!({})).await.refused(), "429 too_many_requests");
    emulator.users().merge_metadata(id(&user), &json!({})).unwrap();
    client.patch("/__rowlock/rate_limits", json!({ "rate_limits": null })).await.ok();
    client.patch(&path, json!({})).await.ok();
    let unusable = json!({ "rate_limits": { "instance": 7 } });
    assert_eq!(client.patch("/__rowlock/rate_limits", unusable).await.refused(), "422 form_param_value_invalid");
}

#[tokio::test]
async fn the_api_and_the_keys_can_be_down_apart_from_each_other() {
    let (emulator, client, _) = start().await;
    emulator.set_outage(Outage { jwks: true, api: false });
    assert_eq!(client.get("/v1/jwks").await.refused(), "503 service_unavailable");
    assert_eq!(client.get("/.well-known/jwks.json").await.refused(), "503 service_unavailable");
    client.get("/v1/users").await.ok();
    client.patch("/__rowlock/outage", json!({ "api": true })).await.ok();
    client.get("/v1/jwks").await.ok();
    assert_eq!(client.get("/v1/users").await.refused(), "503 service_unavailable");
    client.patch("/__rowlock/outage", json!({})).await.ok();
    client.get("/v1/users").await.ok();
}
