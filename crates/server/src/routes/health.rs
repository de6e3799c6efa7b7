//! `GET /healthz`, `GET /readyz` and `GET /metrics`: for whoever is to be woken, for load balancers and for Prometheus. All are
//! open and say nothing about people, nor about what stands where; causes are in the log.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use mirror::Arrival;
use serde_json::{Value, json};

use crate::health::SigningKeys;
use crate::{Failure, Services, pools};

/// 200 when deliveries can be stored and tokens can be checked; 503 otherwise. A mirror that stands still does not count: a
/// load balancer that took every server away for it would take the endpoint away from the webhooks, too.
pub(super) async fn readyz(State(services): State<Services>) -> Response {
    let ready = services.report().await.is_ready();
    let (status, word) = if ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") };
    (status, Json(json!({ "status": word }))).into_response()
}

/// 200 when deliveries can be stored, tokens can be checked, nothing stands still and webhooks arrive; 503 otherwise, with
/// what is wrong.
pub(super) async fn healthz(State(services): State<Services>) -> Response {
    let report = services.report().await;
    let (status, word) =
        if report.is_well() { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unhealthy") };
    let mut body = json!({
        "status": word,
        "version": env!("CARGO_PKG_VERSION"),
        "database": usable(report.inbox.is_some()),
        "client_login": usable(report.client_login),
        "signing_keys": match report.signing_keys {
            None => json!({ "ok": false, "problem": "cannot be had" }),
            Some(SigningKeys { age, refreshed: true }) => json!({ "ok": true, "age_seconds": age.as_secs() }),
            Some(SigningKeys { age, refreshed: false }) => {
                json!({ "ok": true, "age_seconds": age.as_secs(), "problem": "cannot be refreshed" })
            }
        },
        "mirror": if report.stalls.is_empty() {
            json!({ "ok": true })
        } else {
            json!({ "ok": false, "problem": report.stalls.join("; ") })
        },
        "inbox": report.inbox,
        "queue": { "deliveries": report.queue.deliveries, "bytes": report.queue.bytes },
    });
    match report.webhooks {
        Arrival::Unknown => {}
        Arrival::Arrives => body["webhooks"] = json!({ "ok": true }),
        Arrival::Stalled { .. } => body["webhooks"] = json!({ "ok": false, "problem": "do not arrive" }),
    }
    (status, Json(body)).into_response()
}

fn usable(ok: bool) -> Value {
    if ok { json!({ "ok": true }) } else { json!({ "ok": false, "problem": "cannot be used" }) }
}

/// Prometheus' text format; the names are in `docs/metrics.md`.
pub(super) async fn metrics(State(services): State<Services>) -> Response {
    let Some(handle) = &services.metrics else { return Failure::NoRoute.into_response() };
    let report = services.report().await;
    if let Some(inbox) = &report.inbox {
        metrics::gauge!("rowlock_inbox_deliveries", "state" => "failed").set(inbox.failed as f64);
        metrics::gauge!("rowlock_inbox_deliveries", "state" => "dead").set(inbox.dead as f64);
        if let Some(at) = inbox.last_received_at {
            metrics::gauge!("rowlock_last_delivery_timestamp_seconds").set(at as f64 / 1000.0);
        }
    }
    metrics::gauge!("rowlock_ingest_queue_deliveries").set(report.queue.deliveries as f64);
    metrics::gauge!("rowlock_ingest_queue_bytes").set(report.queue.bytes as f64);
    questions(&services).await;
    connections(&services);
    if let Some(keys) = report.signing_keys {
        metrics::gauge!("rowlock_signing_keys_age_seconds").set(keys.age.as_secs_f64());
    }
    metrics::gauge!("rowlock_healthy").set(if report.is_well() { 1.0 } else { 0.0 });
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}

/// How busy the connections are, and what is known of the schema.
fn connections(services: &Services) {
    pools::tell("owner", services.owner.status());
    pools::tell("clients", services.clients.status());
    let Some(mounted) = &services.data_api else { return };
    pools::tell_replicas(&mounted.api);
    let figures = mounted.api.figures();
    metrics::counter!("rowlock_data_api_schema_loads_total", "outcome" => "read").absolute(figures.schema_loads);
    metrics::counter!("rowlock_data_api_schema_loads_total", "outcome" => "failed")
        .absolute(figures.failed_schema_loads);
    metrics::gauge!("rowlock_data_api_schema_load_seconds").set(figures.last_schema_load.as_secs_f64());
}

/// What waits for Clerk's word. When it cannot be asked for, the last figures stay; the inbox says by itself that the database
/// does not answer.
async fn questions(services: &Services) {
    let Some(questions) = services.questions().await else { return };
    for cause in ["tie", "stub", "missing"] {
        let found = questions.inquiries.iter().find(|inquiries| inquiries.cause == cause);
        let count = found.map_or(0, |inquiries| inquiries.count);
        metrics::gauge!("rowlock_inquiries", "cause" => cause).set(count as f64);
    }
    metrics::gauge!("rowlock_stubs", "table" => "users").set(questions.stub_users as f64);
    metrics::gauge!("rowlock_stubs", "table" => "organizations").set(questions.stub_organizations as f64);
    let Some(last) = &questions.last_success else { return };
    for (source, at) in
        [("webhook", last.webhook), ("backfill", last.backfill), ("reconcile", last.reconcile), ("token", last.token)]
    {
        if let Some(at) = at {
            metrics::gauge!("rowlock_last_success_timestamp_seconds", "source" => source).set(at as f64 / 1000.0);
        }
    }
}
