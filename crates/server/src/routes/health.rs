//! `GET /healthz` and `GET /metrics`: for load balancers and Prometheus. Both are open and say nothing about people.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::{Failure, Services};

/// 200 when deliveries can be stored and tokens can be checked, 503 otherwise, with what is wrong.
pub(super) async fn healthz(State(services): State<Services>) -> Response {
    let keys = services.verifier.keys().health();
    let signing_keys = match &keys {
        None => json!({ "ok": false, "problem": "never fetched" }),
        Some((age, problem)) => json!({ "ok": true, "age_seconds": age.as_secs(), "problem": problem }),
    };
    let (database, inbox) = match services.mirror.health().await {
        Ok(inbox) => (json!({ "ok": true }), json!(inbox)),
        Err(error) => {
            tracing::error!(error = %error, "the health check could not reach the database");
            (json!({ "ok": false, "problem": "cannot be reached" }), json!(null))
        }
    };
    let clients = match services.clients.get().await {
        Ok(_) => json!({ "ok": true }),
        Err(error) => {
            tracing::error!(error = %error, "the health check could not log in as a client");
            json!({ "ok": false, "problem": "cannot be reached" })
        }
    };
    let well = [&signing_keys, &database, &clients].iter().all(|part| part["ok"] == true);
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if well { "ok" } else { "unhealthy" },
        "version": env!("CARGO_PKG_VERSION"),
        "database": database, "client_login": clients, "signing_keys": signing_keys, "inbox": inbox,
    });
    (status, Json(body)).into_response()
}

/// Prometheus' text format; the names are in `docs/metrics.md`.
pub(super) async fn metrics(State(services): State<Services>) -> Response {
    let Some(handle) = &services.metrics else { return Failure::NoRoute.into_response() };
    if let Ok(inbox) = services.mirror.health().await {
        metrics::gauge!("rowlock_inbox_deliveries", "state" => "failed").set(inbox.failed as f64);
        metrics::gauge!("rowlock_inbox_deliveries", "state" => "dead").set(inbox.dead as f64);
    }
    if let Some((age, _)) = services.verifier.keys().health() {
        metrics::gauge!("rowlock_signing_keys_age_seconds").set(age.as_secs_f64());
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}
