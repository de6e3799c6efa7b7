//! The data API alone: what PostgREST is, on an address of its own.
//!
//! Its answers are PostgREST's, so nothing of Rowlock's other routes stands around it: no ids, no errors in another shape. Beside it
//! there may be a second address, for whoever watches over the process.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
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
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::Listener;
use crate::connections::{Connections, Limits};

/// The largest body. PostgREST has no bound; whoever inserts more at once has other trouble.
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

/// Serves `api` on `listener` until `stop`; what is under way then may take `drain`.
pub async fn run_rest(listener: impl Listener, api: DataApi, drain: Duration, stop: CancellationToken) {
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

/// What is told to whoever watches over the process: PostgREST's admin server.
#[derive(Debug, Clone, Default)]
pub struct Probes(Arc<OnceLock<DataApi>>);

impl Probes {
    /// From now on requests are taken.
    pub fn serving(&self, api: DataApi) {
        // Whoever served first still does.
        let _ = self.0.set(api);
    }

    async fn answer(self, path: &str) -> StatusCode {
        match (path, self.0.get()) {
            ("/live", Some(_)) => StatusCode::OK,
            ("/live", None) => StatusCode::INTERNAL_SERVER_ERROR,
            ("/ready", Some(api)) if api.is_ready().await => StatusCode::OK,
            ("/ready", _) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::NOT_FOUND,
        }
    }
}

/// Answers `/live` (requests are taken) and `/ready` (and can be served: Postgres answers, and the schema is known) until `stop`.
pub async fn run_probes(listener: impl Listener, probes: Probes, stop: CancellationToken) {
    let answer =
        |State(probes): State<Probes>, request: Request| async move { probes.answer(request.uri().path()).await };
    let mut connections = Connections::new(Router::new().fallback(answer).with_state(probes), &Limits::default(), stop);
    connections.accept(listener).await;
    connections.cut().await;
}
