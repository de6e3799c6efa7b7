//! The data API alone: what PostgREST is, on an address of its own.
//!
//! Its answers are PostgREST's, so nothing of Rowlock's other routes stands around it: no ids, no errors in another shape.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use data_api::DataApi;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::connections::{Connections, Limits};

/// The largest body. PostgREST has no bound; whoever inserts more at once has other trouble.
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

/// Serves `api` on `listener` until `stop`; what is under way then may take `drain`.
pub async fn run_rest(listener: TcpListener, api: DataApi, drain: Duration, stop: CancellationToken) {
    let router = Router::new().fallback(answer).layer(CatchPanicLayer::new()).with_state(api);
    let mut connections = Connections::new(router, &Limits::default(), stop);
    connections.accept(listener).await;
    if tokio::time::timeout(drain, connections.drained()).await.is_err() {
        connections.cut().await;
    }
}

async fn answer(State(api): State<DataApi>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    api.answer(Request::from_parts(parts, body)).await.map(Body::from)
}
