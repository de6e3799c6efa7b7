//! The data API alone: what PostgREST is, on an address of its own.
//!
//! Its answers are PostgREST's, so nothing of Rowlock's other routes stands around it: no ids, no errors in another shape. Beside it
//! there may be a second address, for whoever watches over the process.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use data_api::{DataApi, Figures};
use futures_util::{FutureExt as _, stream};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::connections::{Connections, Limits};
use crate::measured::Measured;
use crate::{Failure, Listener};
use crate::{pools, traces};

/// The largest body. PostgREST has no bound; whoever inserts more at once has other trouble.
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

/// Serves `api` on `listener` until `stop`; what is under way then may take `drain`.
pub async fn run_rest(listener: impl Listener, api: DataApi, drain: Duration, stop: CancellationToken) {
    let router = Router::new().fallback(answer).with_state(api);
    let mut connections = Connections::new(router, &Limits::default(), stop);
    connections.accept(listener).await;
    if tokio::time::timeout(drain, connections.drained()).await.is_err() {
        connections.cut().await;
    }
}

async fn answer(State(api): State<DataApi>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let measured = Measured::begin(&parts.method, parts.uri.path(), &parts.headers);
    let span = measured.span();
    traces::begun(&span, measured.method(), measured.kind(), &parts.headers);
    let page = parts.headers.get(ORIGIN).cloned();
    let answer = async {
        match to_bytes(body, MAX_BODY_BYTES).await {
            Ok(body) => Ok(without_invented_length(api.answer(Request::from_parts(parts, body)).await)),
            Err(_) => Err(Failure::TooLarge { limit: MAX_BODY_BYTES }),
        }
    };
    // A panic's message may hold what was worked on: it goes nowhere.
    let answer = AssertUnwindSafe(answer.instrument(span.clone())).catch_unwind().await.unwrap_or(Err(Failure::Panic));
    let answer = answer.unwrap_or_else(|failure| refused(&api, page.as_ref(), failure));
    traces::answered(&span, answer.status());
    measured.answered(answer.status());
    answer
}

/// What the API did not answer itself, in its form, and so that a page of another origin can read it.
fn refused(api: &DataApi, page: Option<&HeaderValue>, failure: Failure) -> Response {
    let mut response = failure.into_data_api_response();
    api.expose(page, &mut response);
    response
}

/// The framework gives an answer without a length the length of its body, which for `HEAD` is none at all and not zero.
pub(crate) fn without_invented_length(answer: axum::http::Response<Bytes>) -> Response {
    if answer.body().is_empty() && !answer.headers().contains_key(CONTENT_LENGTH) {
        return answer.map(|_| Body::from_stream(stream::empty::<Result<Bytes, Infallible>>()));
    }
    answer.map(Body::from)
}

/// What is told to whoever watches over the process: PostgREST's admin server.
#[derive(Debug, Clone)]
pub struct Probes {
    api: Arc<OnceLock<DataApi>>,
    metrics: PrometheusHandle,
}

impl Probes {
    /// Before requests are taken.
    pub fn new(metrics: PrometheusHandle) -> Self {
        Self { api: Arc::default(), metrics }
    }

    /// From now on requests are taken.
    pub fn serving(&self, api: DataApi) {
        // Whoever served first still does.
        let _ = self.api.set(api);
    }

    async fn answer(self, path: &str) -> Response {
        match (path, self.api.get()) {
            ("/live", Some(_)) => StatusCode::OK.into_response(),
            ("/live", None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            ("/ready", Some(api)) if api.is_ready().await => StatusCode::OK.into_response(),
            ("/ready", _) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            ("/metrics", api) => {
                if let Some(api) = api {
                    postgrests(&api.figures());
                    pools::tell_replicas(api);
                }
                ([(CONTENT_TYPE, "text/plain; version=0.0.4")], self.metrics.render()).into_response()
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

/// The figures under the names that PostgREST gives them. It has a cache of tokens besides, which is not needed here.
fn postgrests(figures: &Figures) {
    let Figures { schema_loads, failed_schema_loads, last_schema_load, clients } = figures;
    metrics::counter!("pgrst_schema_cache_loads_total", "status" => "SUCCESS").absolute(*schema_loads);
    metrics::counter!("pgrst_schema_cache_loads_total", "status" => "FAIL").absolute(*failed_schema_loads);
    metrics::gauge!("pgrst_schema_cache_query_time_seconds").set(last_schema_load.as_secs_f64());
    metrics::gauge!("pgrst_db_pool_max").set(clients.most as f64);
    // Those that are still to be made can be had, too.
    let busy = clients.connections.saturating_sub(clients.idle);
    metrics::gauge!("pgrst_db_pool_available").set(clients.most.saturating_sub(busy) as f64);
    metrics::gauge!("pgrst_db_pool_waiting").set(clients.waiting as f64);
    metrics::counter!("pgrst_db_pool_timeouts_total").absolute(clients.timeouts);
}

/// Answers `/live` (requests are taken), `/ready` (and can be served: Postgres answers, and the schema is known) and `/metrics`
/// until `stop`.
pub async fn run_probes(listener: impl Listener, probes: Probes, stop: CancellationToken) {
    let answer =
        |State(probes): State<Probes>, request: Request| async move { probes.answer(request.uri().path()).await };
    let mut connections = Connections::new(Router::new().fallback(answer).with_state(probes), &Limits::default(), stop);
    connections.accept(listener).await;
    connections.cut().await;
}

#[cfg(test)]
mod tests {
    use data_api::Config;
    use postgres::{ClientPool, DatabaseUrl, Pool, PoolOptions};

    use super::*;

    #[tokio::test]
    async fn a_page_sees_what_the_api_did_not_answer_itself() {
        let url = DatabaseUrl::parse("postgres://nobody@127.0.0.1:1/none").expect("it is an address");
        let clients = ClientPool::new(&url, &PoolOptions::default()).expect("it connects when it is used");
        let catalogue = Pool::new(&url, &PoolOptions::default()).expect("it connects when it is used");
        let config = Config::exposing(vec!["public".to_owned()], Vec::new());
        let api = DataApi::new(clients, catalogue, config, Arc::new(clerk::SystemClock));
        let page = HeaderValue::from_static("https://app.example.com");
        for (failure, status) in [(Failure::TooLarge { limit: MAX_BODY_BYTES }, 413), (Failure::Panic, 500)] {
            let answer = refused(&api, Some(&page), failure);
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()["access-control-allow-origin"], "*");
            let body = to_bytes(answer.into_body(), 10_000).await.expect("the body is in memory");
            let body: serde_json::Value = serde_json::from_slice(&body).expect("errors are JSON");
            assert!(body["message"].is_string() && body["code"].is_string(), "{body}");
        }
    }
}
