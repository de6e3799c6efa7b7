//! The routes and what stands around all of them.

mod health;
mod webhooks;
mod whoami;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderName;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::TraceLayer;

use crate::{Failure, Services};

/// Svix gives up on an answer after 15 s; ours should still reach it.
const DEADLINE: Duration = Duration::from_secs(12);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes over `services`.
pub fn router(services: Services) -> Router {
    Router::new()
        .route("/webhooks/clerk", post(webhooks::receive))
        .route("/whoami", get(whoami::whoami))
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(health::metrics))
        .fallback(|| async { Failure::NoRoute })
        .method_not_allowed_fallback(|| async { Failure::Method })
        .layer(middleware::from_fn(deadline))
        .layer(CatchPanicLayer::new())
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .with_state(services)
}

/// Gives up in time to say so. Giving up drops the handler, and with it an open transaction: nothing is left half done.
async fn deadline(request: Request, next: Next) -> Response {
    tokio::time::timeout(DEADLINE, next.run(request)).await.unwrap_or_else(|_| Failure::Timeout.into_response())
}

/// Method and path, without the query, which may hold anything.
fn span(request: &Request) -> tracing::Span {
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", request_id = id, method = %request.method(), path = request.uri().path())
}
