//! The data API alone: what PostgREST is, on an address of its own.
//!
//! Its answers are PostgREST's, so nothing of Rowlock's other routes stands around it: no ids, no errors in another shape.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use data_api::DataApi;
use futures_util::stream;
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
    let answer = api.answer(Request::from_parts(parts, body)).await;
    without_invented_length(answer)
}

/// The framework gives an answer without a length the length of its body, which for `HEAD` is none at all and not zero.
pub(crate) fn without_invented_length(answer: axum::http::Response<Bytes>) -> Response {
    if answer.body().is_empty() && !answer.headers().contains_key(CONTENT_LENGTH) {
        return answer.map(|_| Body::from_stream(stream::empty::<Result<Bytes, Infallible>>()));
    }
    answer.map(Body::from)
}
