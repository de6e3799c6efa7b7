//! `GET /healthz` and `GET /metrics`: for load balancers and Prometheus. Both are open and say nothing about people, nor
//! about what stands where; causes are in the log.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use mirror::Arrival;
use serde_json::{Value, json};

use crate::health::SigningKeys;
use crate::{Failure, Services};

/// 200 when deliveries can be stored and tokens can be checked, 503 otherwise, with what is wrong.
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
        "inbox": report.inbox,
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
    if let Some(keys) = report.signing_keys {
        metrics::gauge!("rowlock_signing_keys_age_seconds").set(keys.age.as_secs_f64());
    }
    metrics::gauge!("rowlock_healthy").set(if report.is_well() { 1.0 } else { 0.0 });
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}
