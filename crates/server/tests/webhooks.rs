//! Deliveries that are signed, and those that are not quite.

use axum::http::Method;
use clerk::SigningSecret;
use futures_util::future::join_all;
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Answer, Delivery, NOW, OTHER_SECRET, SECRET, TestServer, event, user};

#[tokio::test]
async fn a_delivery_becomes_a_row_once() {
    let server = TestServer::start().await;
    let ada = Delivery::user_created("ada");
    assert_snapshot!(server.deliver(&ada).await, @r#"
    200
    {"delivery":"msg_ada","outcome":"applied"}
    "#);
    assert_eq!(
        server.rows("select id, first_name from clerk.users").await,
        json!([{ "id": "user_ada", "first_name": "Ada" }])
    );
    assert_snapshot!(server.deliver(&ada).await, @r#"
    200
    {"delivery":"msg_ada","outcome":"duplicate"}
    "#);
    assert_eq!(server.inbox().await, "msg_ada applied");
    server.stop().await;
}

/// More than frameworks take by default (100 KB to 1 MB is where others answer 413), and what nobody has a table for.
#[tokio::test]
async fn large_metadata_and_unknown_types_are_taken() {
    let server = TestServer::start().await;
    let mut ada = user("user_ada");
    ada["public_metadata"] = json!({ "notes": "x".repeat(900 * 1024) });
    let large = Delivery::signed_at(SECRET, "msg_large", NOW, event("user.created", &ada));
    assert_eq!(server.deliver(&large).await.ok()["outcome"], "applied");
    let length = "select length(public_metadata ->> 'notes') as length from clerk.users";
    assert_eq!(server.rows(length).await, json!([{ "length": 900 * 1024 }]));
    let unknown = Delivery::signed_at(SECRET, "msg_new", NOW, event("galaxy.created", &json!({ "id": "galaxy_1" })));
    assert_eq!(server.deliver(&unknown).await.ok()["outcome"], "kept");
}

#[tokio::test]
async fn a_delivery_that_comes_many_times_at_once_counts_once() {
    let server = TestServer::start().await;
    let ada = Delivery::user_created("ada");
    let answers = join_all((0..12).map(|_| server.deliver(&ada))).await;
    let applied = answers.iter().filter(|answer| answer.ok()["outcome"] == "applied").count();
    let duplicates = answers.iter().filter(|answer| answer.ok()["outcome"] == "duplicate").count();
    assert_eq!((applied, duplicates), (1, 11));
    assert_eq!(server.inbox().await, "msg_ada applied");
}

#[tokio::test]
async fn standard_webhooks_names_its_headers_otherwise() {
    let server = TestServer::start().await;
    let outcome = server.deliver(&Delivery::user_created("ada").white_labelled()).await.ok();
    assert_eq!(outcome["outcome"], "applied");
}

#[tokio::test]
async fn both_secrets_are_good_while_they_are_rotated() {
    let server = TestServer::with(|config| {
        config.signing_secrets = [OTHER_SECRET, SECRET].map(|secret| SigningSecret::parse(secret).unwrap()).to_vec();
    })
    .await;
    let body = |name: &str| event("user.created", &user(name));
    let old = Delivery::signed_at(SECRET, "msg_old", NOW, body("user_old"));
    let new = Delivery::signed_at(OTHER_SECRET, "msg_new", NOW, body("user_new"));
    // Clerk's way to rotate is a second endpoint: the same delivery comes under both secrets.
    let again = Delivery::signed_at(OTHER_SECRET, "msg_old", NOW, body("user_old"));
    assert_eq!(server.deliver(&old).await.ok()["outcome"], "applied");
    assert_eq!(server.deliver(&new).await.ok()["outcome"], "applied");
    assert_eq!(server.deliver(&again).await.ok()["outcome"], "duplicate");
    assert_eq!(server.inbox().await, "msg_new applied, msg_old applied");
}

#[tokio::test]
async fn what_is_not_signed_is_refused_with_the_one_thing_that_is_wrong() {
    let server = TestServer::start().await;
    let good = || Delivery::user_created("ada");
    let mut changed = good();
    let last = changed.body.len() - 2;
    changed.body[last] ^= 1;
    let mut pretty = good();
    pretty.body = String::from_utf8(pretty.body).unwrap().replace(':', ": ").into_bytes();
    let at = |seconds: i64| Delivery::signed_at(SECRET, "msg_ada", seconds, good().body);
    let deliveries = [
        ("no headers", Delivery { headers: Vec::new(), ..good() }),
        ("one header missing", good().without("svix-timestamp")),
        ("one header missing, the other name", good().white_labelled().without("webhook-signature")),
        ("id of somebody else's making", good().header("svix-id", "msg.ada")),
        ("time in words", good().header("svix-timestamp", "now")),
        ("signature of another kind", good().header("svix-signature", "v1a,AAAA")),
        ("signature that is no base64", good().header("svix-signature", "v1,!!!")),
        ("another endpoint's secret", Delivery::signed_at(OTHER_SECRET, "msg_ada", NOW, good().body)),
        ("one bit changed", changed),
        ("another id", good().header("svix-id", "msg_bob")),
        ("another time", good().header("svix-timestamp", (NOW + 1).to_string())),
        ("re-encoded body", pretty),
        ("5 min and 1 s old", at(NOW - 301)),
        ("5 min and 1 s ahead", at(NOW + 301)),
    ];
    let mut said = String::new();
    for (name, delivery) in deliveries {
        said += &format!("--- {name}\n{}\n", server.deliver(&delivery).await);
    }
    assert_snapshot!(said, @r#"
    --- no headers
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"missing-header","hint":"only Clerk's deliveries are taken here; if this is one, let the proxy in front pass its `svix-*` headers","message":"webhook is not signed: no header `svix-id`, `svix-timestamp`, `svix-signature`"}}
    --- one header missing
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"missing-header","hint":"only Clerk's deliveries are taken here; if this is one, let the proxy in front pass its `svix-*` headers","message":"webhook is not signed: no header `svix-timestamp`"}}
    --- one header missing, the other name
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"missing-header","hint":"only Clerk's deliveries are taken here; if this is one, let the proxy in front pass its `svix-*` headers","message":"webhook is not signed: no header `webhook-signature`"}}
    --- id of somebody else's making
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"unreadable-id","hint":"the sender is not Svix, or a proxy in front changed the header","message":"webhook delivery id is unreadable"}}
    --- time in words
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"unreadable-timestamp","hint":"the sender is not Svix, or a proxy in front changed the header","message":"webhook timestamp is unreadable: found \"now\", expected Unix seconds in decimal digits"}}
    --- signature of another kind
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"no-supported-signature","hint":"the endpoint is set to asymmetric signatures, or the sender is not Svix; set it to symmetric ones","message":"webhook has no `v1` signature: found \"v1a\", expected `v1,<base64>`"}}
    --- signature that is no base64
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"signature-mismatch","hint":"copy the signing secret of exactly this endpoint from the Clerk dashboard, Webhooks; every endpoint has its own","message":"webhook signature does not match (1 secret configured, delivery msg_ada, age 0 s)"}}
    --- another endpoint's secret
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"signature-mismatch","hint":"copy the signing secret of exactly this endpoint from the Clerk dashboard, Webhooks; every endpoint has its own","message":"webhook signature does not match (1 secret configured, delivery msg_ada, age 0 s)"}}
    --- one bit changed
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"signature-mismatch","hint":"copy the signing secret of exactly this endpoint from the Clerk dashboard, Webhooks; every endpoint has its own","message":"webhook signature does not match (1 secret configured, delivery msg_ada, age 0 s)"}}
    --- another id
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"signature-mismatch","hint":"copy the signing secret of exactly this endpoint from the Clerk dashboard, Webhooks; every endpoint has its own","message":"webhook signature does not match (1 secret configured, delivery msg_bob, age 0 s)"}}
    --- another time
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"signature-mismatch","hint":"copy the signing secret of exactly this endpoint from the Clerk dashboard, Webhooks; every endpoint has its own","message":"webhook signature does not match (1 secret configured, delivery msg_ada, 1 s in the future)"}}
    --- re-encoded body
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"body-re-encoded","hint":"pass the raw bytes of the request: a proxy or body parser in front reads the JSON and writes it anew","message":"webhook signature does not match: the body was re-encoded on the way (delivery msg_ada)"}}
    --- 5 min and 1 s old
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"too-old","hint":"set this machine's clock (NTP); if the clock is right, an old delivery was replayed byte for byte: let Clerk send it again","message":"webhook is too old: sent 301 s ago, at most 300 s are accepted (delivery msg_ada)"}}
    --- 5 min and 1 s ahead
    401
    www-authenticate: Webhook-Signature
    {"error":{"code":"too-new","hint":"set this machine's clock (NTP): it is behind","message":"webhook is from the future: sent 301 s ahead of this clock, at most 300 s are accepted (delivery msg_ada)"}}
    "#);
    assert_eq!(server.inbox().await, "");
    assert_eq!(server.deliver(&at(NOW - 300)).await.ok()["outcome"], "applied");
    assert_eq!(server.deliver(&at(NOW + 300)).await.ok()["outcome"], "duplicate");
}

#[tokio::test]
async fn a_stranger_without_headers_costs_nothing() {
    let server = TestServer::start().await;
    let mut wire = server.wire().await;
    // The body is never sent: the answer does not wait for it.
    wire.send("POST /webhooks/clerk HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n").await;
    assert!(wire.head().await.starts_with("HTTP/1.1 401 "));
}

#[tokio::test]
async fn other_methods_and_addresses_are_refused_in_json() {
    let server = TestServer::start().await;
    assert_snapshot!(server.get("/webhooks/clerk").await, @r#"
    405
    allow: POST
    {"error":{"code":"method-not-allowed","hint":null,"message":"this address does not take this method"}}
    "#);
    assert_snapshot!(server.get("/webhook/clerk").await, @r#"
    404
    {"error":{"code":"no-route","hint":"Clerk's webhooks are taken at `POST /webhooks/clerk`; `GET /whoami` shows a caller","message":"there is nothing at this address"}}
    "#);
    let put = Answer::to(server.request(reqwest::Method::PUT, "/whoami")).await;
    assert_snapshot!(put, @r#"
    405
    allow: GET,HEAD
    {"error":{"code":"method-not-allowed","hint":null,"message":"this address does not take this method"}}
    "#);
}

/// Behind one proxy of ours, which says who sends.
async fn behind_a_proxy() -> TestServer {
    TestServer::with(|config| {
        config.trusted_proxies = 1;
        config.refusals_per_minute = std::num::NonZeroU32::new(5);
    })
    .await
}

async fn deliver_from(server: &TestServer, address: &str, delivery: &Delivery) -> Answer {
    let request =
        server.request(Method::POST, "/webhooks/clerk").header("x-forwarded-for", format!("6.6.6.6, {address}"));
    Answer::to(delivery.on(request)).await
}

#[tokio::test]
async fn who_is_refused_too_often_is_not_listened_to_and_the_others_are() {
    let server = behind_a_proxy().await;
    let forged = Delivery::signed_at(OTHER_SECRET, "msg_forged", NOW, "{}");
    for _ in 0..6 {
        assert_eq!(deliver_from(&server, "203.0.113.9", &forged).await.status, 401);
    }
    let refused = deliver_from(&server, "203.0.113.9", &forged).await;
    assert_eq!(refused.verdict(), "429 too-many-refusals");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((30..=60).contains(&wait), "{wait}");
    // Even what is genuine is not read; who sends from elsewhere notices nothing.
    let ada = Delivery::user_created("ada");
    assert_eq!(deliver_from(&server, "203.0.113.9", &ada).await.status, 429);
    assert_eq!(deliver_from(&server, "203.0.113.10", &ada).await.ok()["outcome"], "applied");
    assert_eq!(server.inbox().await, "msg_ada applied");
}

#[tokio::test]
async fn what_is_genuine_and_late_is_no_strangers() {
    let server = behind_a_proxy().await;
    let late = Delivery::signed_at(SECRET, "msg_late", NOW - 3600, "{}");
    for _ in 0..12 {
        assert_eq!(deliver_from(&server, "203.0.113.9", &late).await.verdict(), "401 too-old");
    }
    for number in 0..12 {
        let name = format!("ada{number}");
        deliver_from(&server, "203.0.113.9", &Delivery::user_created(&name)).await.ok();
    }
}

#[tokio::test]
async fn a_proxy_that_nobody_told_of_shuts_nobody_out() {
    let server = TestServer::with(|config| config.refusals_per_minute = std::num::NonZeroU32::new(5)).await;
    let forged = Delivery::signed_at(OTHER_SECRET, "msg_forged", NOW, "{}");
    for _ in 0..20 {
        assert_eq!(deliver_from(&server, "203.0.113.9", &forged).await.status, 401);
    }
    server.deliver(&Delivery::user_created("ada")).await.ok();
}
