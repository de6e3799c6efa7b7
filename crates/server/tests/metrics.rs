//! What Prometheus is told. The recorder belongs to the process, so other tests count into it at the same time: a count
//! is right when it has grown by at least as much as this test did.

use axum::http::Method;

use crate::support::{Answer, Delivery, OTHER_SECRET, TestServer, event, eventually, session};

const NOW: i64 = crate::support::NOW;

/// The value of a series, 0 before it was first counted.
async fn value(server: &TestServer, series: &str) -> f64 {
    let page = Answer::to(server.request(Method::GET, "/metrics")).await;
    let line = page.text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

fn delivered(outcome: &str) -> String {
    format!("rowlock_deliveries_total{{outcome=\"{outcome}\"}}")
}

fn refused(code: &str) -> String {
    format!("rowlock_refusals_total{{code=\"{code}\"}}")
}

#[tokio::test]
async fn every_delivery_counts_by_its_outcome() {
    let server = TestServer::start().await;
    let mut before = Vec::new();
    for outcome in ["applied", "duplicate", "kept", "dead"] {
        before.push((outcome, value(&server, &delivered(outcome)).await));
    }
    let ada = Delivery::user_created("ada");
    server.deliver(&ada).await.ok();
    server.deliver(&ada).await.ok();
    server.deliver(&Delivery::of("msg_kept", event("agent.summoned", &serde_json::json!({})))).await.ok();
    server.deliver(&Delivery::of("msg_dead", "noise")).await.ok();
    for (outcome, before) in before {
        assert!(value(&server, &delivered(outcome)).await >= before + 1.0, "{outcome}");
    }
}

#[tokio::test]
async fn every_refusal_counts_by_its_code() {
    let server = TestServer::start().await;
    let codes = ["signature-mismatch", "missing-header", "token-expired", "no-route"];
    let mut before = Vec::new();
    for code in codes {
        before.push(value(&server, &refused(code)).await);
    }
    server.deliver(&Delivery::signed_at(OTHER_SECRET, "msg_ada", NOW, "{}")).await;
    server.deliver(&Delivery::of("msg_ada", "{}").without("svix-id")).await;
    server.whoami(session().claim("exp", NOW - 60).bearer()).await;
    server.get("/nowhere").await;
    for (code, before) in codes.into_iter().zip(before) {
        assert!(value(&server, &refused(code)).await >= before + 1.0, "{code}");
    }
}

#[tokio::test]
async fn the_page_is_prometheus_text_and_names_nobody() {
    let server = TestServer::start().await;
    server.deliver(&Delivery::user_created("ada")).await.ok();
    server.whoami(session().bearer()).await.ok();
    eventually("the last delivery has a time", async || {
        value(&server, "rowlock_last_delivery_timestamp_seconds").await > 0.0
    })
    .await;
    let page = Answer::to(server.request(Method::GET, "/metrics")).await;
    assert_eq!(page.headers["content-type"], "text/plain; version=0.0.4");
    for name in ["user_ada", "ada@", "Lovelace", "sess_1", "msg_ada"] {
        assert!(!page.text.contains(name), "{page}");
    }
    let documented = include_str!("../../../docs/metrics.md");
    let names =
        page.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(|line| line.split(' ').next().unwrap());
    let mut seen = 0;
    for name in names {
        assert!(documented.contains(&format!("`{name}`")), "docs/metrics.md does not mention {name}");
        seen += 1;
    }
    assert!(seen >= 5, "{page}");
}
