//! What load balancers are told.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use insta::assert_snapshot;
use postgres::testing::TestDatabase;
use serde_json::{Value, json};

use crate::support::{Answer, Delivery, Issuer, TestServer, eventually, session};

/// The report without what changes from one version or second to the next.
fn report(answer: &Answer) -> String {
    let mut report = answer.json();
    report["version"] = Value::Null;
    for (name, word) in [("last_received_at", "then"), ("silent_for_seconds", "a moment")] {
        if report["inbox"][name].is_number() {
            report["inbox"][name] = json!(word);
        }
    }
    format!("{} {report}", answer.status.as_u16())
}

#[tokio::test]
async fn all_is_well() {
    let server = TestServer::start().await;
    assert_snapshot!(report(&server.get("/healthz").await), @r#"200 {"client_login":{"ok":true},"database":{"ok":true},"inbox":{"dead":0,"failed":0,"failing_for_seconds":null,"last_received_at":null,"overdue_for_seconds":null,"silent_for_seconds":null},"mirror":{"ok":true},"queue":{"bytes":0,"deliveries":0},"signing_keys":{"age_seconds":0,"ok":true},"status":"ok","version":null}"#);
    server.deliver(&Delivery::user_created("ada")).await.ok();
    server.deliver(&Delivery::of("msg_noise", "noise")).await.ok();
    let counted = async || server.get("/healthz").await.ok()["inbox"]["dead"] == 1;
    eventually("the dead letter is counted", counted).await;
    assert_snapshot!(report(&server.get("/healthz").await), @r#"200 {"client_login":{"ok":true},"database":{"ok":true},"inbox":{"dead":1,"failed":0,"failing_for_seconds":null,"last_received_at":"then","overdue_for_seconds":null,"silent_for_seconds":"a moment"},"mirror":{"ok":true},"queue":{"bytes":0,"deliveries":0},"signing_keys":{"age_seconds":0,"ok":true},"status":"ok","version":null}"#);
}

#[tokio::test]
async fn a_database_that_is_gone_is_said() {
    let server = TestServer::start().await;
    server.get("/healthz").await.ok();
    server.execute("alter table rowlock.inbox rename to inbox_elsewhere").await;
    eventually("it is unhealthy", async || server.get("/healthz").await.status == 503).await;
    assert_snapshot!(report(&server.get("/healthz").await), @r#"503 {"client_login":{"ok":true},"database":{"ok":false,"problem":"cannot be used"},"inbox":null,"mirror":{"ok":true},"queue":{"bytes":0,"deliveries":0},"signing_keys":{"age_seconds":0,"ok":true},"status":"unhealthy","version":null}"#);
    server.execute("alter table rowlock.inbox_elsewhere rename to inbox").await;
    eventually("it is healthy again", async || server.get("/healthz").await.status == 200).await;
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_not_waited_for() {
    let server = TestServer::start().await;
    let held = server.hold("rowlock.inbox").await;
    let began = Instant::now();
    let asking: Vec<_> = (0..20).map(|_| server.get("/healthz")).collect();
    for answer in join_all(asking).await {
        assert_eq!(answer.status, 503, "{answer}");
    }
    // One look for all who ask at the same time.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    held.release().await;
    eventually("it is healthy again", async || server.get("/healthz").await.status == 200).await;
}

#[tokio::test]
async fn clients_without_a_connection_are_said() {
    let server = TestServer::with(|config| config.client_connections = 1).await;
    let held = server.hold("clerk.users").await;
    let (answer, report) = tokio::join!(server.whoami(session().bearer()), async {
        server.somebody_waits().await;
        let report = report(&server.get("/healthz").await);
        held.release().await;
        report
    });
    answer.ok();
    assert_snapshot!(report, @r#"503 {"client_login":{"ok":false,"problem":"cannot be used"},"database":{"ok":true},"inbox":{"dead":0,"failed":0,"failing_for_seconds":null,"last_received_at":null,"overdue_for_seconds":null,"silent_for_seconds":null},"mirror":{"ok":true},"queue":{"bytes":0,"deliveries":0},"signing_keys":{"age_seconds":0,"ok":true},"status":"unhealthy","version":null}"#);
}

#[tokio::test]
async fn without_signing_keys_webhooks_are_taken_and_tokens_wait() {
    let issuer = Issuer::start().await;
    issuer.goes_away();
    let server = TestServer::over(TestDatabase::create().await, issuer, |_| ()).await;
    assert_eq!(server.deliver(&Delivery::user_created("ada")).await.ok()["outcome"], "applied");
    assert_snapshot!(server.whoami(session().bearer()).await, @r#"
    503
    retry-after: 5
    {"error":{"code":"jwk-remote-failed-to-load","hint":null,"message":"the signing keys of https://clerk.example.com cannot be had at the moment; try again"}}
    "#);
    assert_eq!(server.whoami("Bearer null").await.ok()["role"], "anon");
    assert_snapshot!(report(&server.get("/healthz").await), @r#"503 {"client_login":{"ok":true},"database":{"ok":true},"inbox":{"dead":0,"failed":0,"failing_for_seconds":null,"last_received_at":"then","overdue_for_seconds":null,"silent_for_seconds":"a moment"},"mirror":{"ok":true},"queue":{"bytes":0,"deliveries":0},"signing_keys":{"ok":false,"problem":"cannot be had"},"status":"unhealthy","version":null}"#);

    server.issuer.comes_back();
    server.clock.advance(Duration::from_secs(6));
    // Nobody sends a token: a load balancer that waits for good health must not wait for one.
    eventually("it recovers by itself", async || server.get("/healthz").await.status == 200).await;
    assert_eq!(server.whoami(session().bearer()).await.ok()["user_id"], "user_ada");
    server.stop().await;
}

#[tokio::test]
async fn keys_that_cannot_be_refreshed_are_used_for_days_and_not_for_ever() {
    let server = TestServer::start().await;
    server.issuer.goes_away();
    let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
    let bearer = |hours: i64| {
        let now = crate::support::NOW + hours * 60 * 60;
        session().claim("iat", now).claim("nbf", now).claim("exp", now + 60).bearer()
    };
    server.clock.advance(hours(71));
    server.whoami(bearer(71)).await.ok();
    server.get("/healthz").await.ok();
    server.clock.advance(hours(2));
    assert_eq!(server.whoami(bearer(73)).await.verdict(), "503 jwk-remote-failed-to-load");
    eventually("it is unhealthy", async || server.get("/healthz").await.status == 503).await;
}

#[tokio::test]
async fn a_delivery_that_nobody_tries_again_is_said() {
    let server = TestServer::with(|config| config.patience.stalled = Some(Duration::from_secs(60))).await;
    server.deliver(&Delivery::user_created("ada")).await.ok();
    server.get("/healthz").await.ok();
    // Due for two minutes, and somebody holds it: the worker passes it by.
    server
        .execute(
            "insert into rowlock.inbox (delivery_id, body, state, sent_at, next_attempt_at)
             values ('msg_due', 'x', 'failed', now(), now() + interval '1 hour')",
        )
        .await;
    let held = server.hold_deliveries().await;
    server
        .execute("update rowlock.inbox set next_attempt_at = now() - interval '2 minutes' where state = 'failed'")
        .await;
    eventually("it is unhealthy", async || server.get("/healthz").await.status == 503).await;
    let problem = server.get("/healthz").await.json()["mirror"]["problem"].as_str().unwrap().to_owned();
    assert_eq!(problem, "a delivery is due and was not tried again for 2 min: the worker stands still");
    held.release().await;
    eventually("it is healthy again", async || server.get("/healthz").await.status == 200).await;
}

#[tokio::test]
async fn silence_is_said_where_it_was_asked_for() {
    let server = TestServer::with(|config| config.patience.silence = Some(Duration::from_secs(60 * 60))).await;
    server.get("/healthz").await.ok();
    server.deliver(&Delivery::user_created("ada")).await.ok();
    server.execute("update rowlock.inbox set received_at = now() - interval '61 minutes'").await;
    eventually("it is unhealthy", async || server.get("/healthz").await.status == 503).await;
    let report = server.get("/healthz").await.json();
    assert_eq!(report["mirror"], json!({ "ok": false, "problem": "no delivery has come for 61 min" }));
    server.deliver(&Delivery::user_created("bob")).await.ok();
    eventually("it is healthy again", async || server.get("/healthz").await.status == 200).await;
}
