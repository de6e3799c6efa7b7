//! The routes and what stands around all of them.

mod cross_origin;
mod health;
mod request_id;
mod rest;
mod supabase;
mod webhooks;
mod whoami;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use crate::{Failure, Services, traces};

use cross_origin::CrossOrigin;
use request_id::REQUEST_ID;

/// Svix gives up on an answer after 15 s; ours should still reach it. This is also all the time that a body may take.
const DEADLINE: Duration = Duration::from_secs(12);

/// One address and what it takes.
pub struct Route {
    /// The method. `GET` answers `HEAD`, too, where there is no route for it.
    pub method: Method,
    /// The path, in full.
    pub path: &'static str,
    handler: fn(MethodFilter) -> MethodRouter<Services>,
}

impl fmt::Debug for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Route({} {})", self.method, self.path)
    }
}

/// Every route there is. The router is made of this list, and tests hold each entry against what strangers may do.
pub const ROUTES: &[Route] = &[
    Route { method: Method::POST, path: "/webhooks/clerk", handler: |method| on(method, webhooks::receive) },
    Route { method: Method::GET, path: "/whoami", handler: |method| on(method, whoami::whoami) },
    Route { method: Method::GET, path: "/healthz", handler: |method| on(method, health::healthz) },
    Route { method: Method::GET, path: "/readyz", handler: |method| on(method, health::readyz) },
    Route { method: Method::GET, path: "/metrics", handler: |method| on(method, health::metrics) },
    Route { method: Method::GET, path: "/rest/v1/", handler: |method| on(method, rest::answer) },
    Route { method: Method::OPTIONS, path: "/rest/v1/", handler: |method| on(method, rest::answer) },
    Route { method: Method::GET, path: "/rest/v1/{*path}", handler: |method| on(method, rest::answer) },
    Route { method: Method::HEAD, path: "/rest/v1/{*path}", handler: |method| on(method, rest::answer) },
    Route { method: Method::POST, path: "/rest/v1/{*path}", handler: |method| on(method, rest::answer) },
    Route { method: Method::PATCH, path: "/rest/v1/{*path}", handler: |method| on(method, rest::answer) },
    Route { method: Method::PUT, path: "/rest/v1/{*path}", handler: |method| on(method, rest::answer) },
    Route { method: Method::DELETE, path: "/rest/v1/{*path}", handler: |method| on(method, rest::answer) },
    Route { method: Method::OPTIONS, path: "/rest/v1/{*path}", handler: |method| on(method, rest::answer) },
];

/// All routes over `services`.
pub fn router(services: Services) -> Router {
    let body_limit = DefaultBodyLimit::max(services.webhooks.max_body_bytes);
    let router = ROUTES.iter().fold(Router::new(), |router, route| {
        let filter = MethodFilter::try_from(route.method.clone()).expect("the list has HTTP's own methods alone");
        router.route(route.path, (route.handler)(filter))
    });
    let pages = CrossOrigin(services.data_api.as_ref().map(|mounted| mounted.api.clone()));
    surrounded(router, pages).layer(body_limit).with_state(services)
}

/// What holds for every request: a refusal in JSON, and what [`surround`] says.
fn surrounded<S: Clone + Send + Sync + 'static>(router: Router<S>, pages: CrossOrigin) -> Router<S> {
    router
        .fallback(supabase::elsewhere)
        .method_not_allowed_fallback(|uri: Uri| async move { told_at(uri.path())(Failure::Method) })
        .layer(middleware::from_fn_with_state(pages, surround))
}

/// Every request has an id, which its answer repeats, and a span with it around all that is logged; and a page of another origin sees
/// the answer, whatever it is.
async fn surround(State(pages): State<CrossOrigin>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let span = span(&request, &id);
    let page = pages.page(&request);
    let mut answer = match pages.preflight(&request) {
        Some(preflight) => preflight,
        None => answered(request, next).instrument(span.clone()).await,
    };
    traces::answered(&span, answer.status());
    answer.headers_mut().insert(REQUEST_ID, id);
    pages.expose(page.as_ref(), &mut answer);
    answer
}

/// In whose form a failure at `path` is told: the data API's clients read errors in its form alone.
fn told_at(path: &str) -> fn(Failure) -> Response {
    if rest::is_below(path) { Failure::into_data_api_response } else { <Failure as IntoResponse>::into_response }
}

/// Gives up in time to say so, and answers for a handler that panics. Giving up drops the handler, and with it an open
/// transaction: nothing is left half done.
async fn answered(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let told = told_at(request.uri().path());
    let answer = AssertUnwindSafe(async { next.run(request).await }).catch_unwind();
    let answer = match tokio::time::timeout(DEADLINE, answer).await {
        Ok(Ok(answer)) => answer,
        // A panic's message may hold what was worked on: it goes nowhere.
        Ok(Err(_)) => told(Failure::Panic),
        Err(_) => told(Failure::Timeout),
    };
    tracing::debug!(status = answer.status().as_u16(), milliseconds = began.elapsed().as_millis() as u64, "answered");
    answer
}

/// The route as we wrote it, not the path as it was asked for: a path that is not ours may hold anything.
fn span(request: &Request, id: &HeaderValue) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let method =
        if MethodFilter::try_from(request.method().clone()).is_ok() { request.method().as_str() } else { "other" };
    let request_id = id.to_str().unwrap_or_default();
    // At the highest level, so that it is there however little is logged.
    let span = tracing::error_span!("request", request_id, method, route);
    traces::begun(&span, method, route, request.headers());
    span
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    /// Status and body of `GET /` where the handler is this one.
    async fn answer(handler: MethodRouter) -> (u16, String) {
        answer_at("/", handler).await
    }

    async fn answer_at(path: &'static str, handler: MethodRouter) -> (u16, String) {
        let router = surrounded(Router::new().route(path, handler), CrossOrigin(None));
        let request = Request::builder().uri(path).body(Body::empty()).expect("the path is one");
        let response = router.oneshot(request).await.expect("a router is infallible");
        assert!(response.headers().contains_key(REQUEST_ID));
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 10_000).await.expect("the body is in memory");
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn a_panic_is_answered_in_json_and_says_nothing() {
        async fn panicking() {
            panic!("a secret");
        }
        let (status, body) = answer(get(panicking)).await;
        assert_eq!(status, 500);
        insta::assert_snapshot!(body, @r#"{"error":{"code":"internal-error","hint":"the server's log says why, under this answer's `x-request-id`","message":"the server failed to serve this request"}}"#);
    }

    /// A data API that pages of any origin may call. Nothing is behind it.
    fn open_to_pages() -> CrossOrigin {
        let url = postgres::DatabaseUrl::parse("postgres://nobody@127.0.0.1:1/none").expect("it is an address");
        let options = postgres::PoolOptions::default();
        let clients = postgres::ClientPool::new(&url, &options).expect("it connects when it is used");
        let catalogue = postgres::Pool::new(&url, &options).expect("it connects when it is used");
        let config = data_api::Config::exposing(vec!["public".to_owned()], Vec::new());
        CrossOrigin(Some(data_api::DataApi::new(clients, catalogue, config, Arc::new(clerk::SystemClock))))
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_sees_a_deadline_and_a_panic_below_the_data_api() {
        async fn panicking() {
            panic!("a secret");
        }
        for (handler, status) in [(get(std::future::pending::<()>), 503), (get(panicking), 500)] {
            let router = surrounded(Router::new().route("/rest/v1/boats", handler), open_to_pages());
            let request = Request::builder().uri("/rest/v1/boats").header("origin", "https://app.example.com");
            let request = request.body(Body::empty()).expect("the path is one");
            let answer = router.oneshot(request).await.expect("a router is infallible");
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()["access-control-allow-origin"], "*");
            let exposed = answer.headers().get_all("access-control-expose-headers").iter();
            assert!(exposed.into_iter().any(|name| name == "x-request-id"), "{:?}", answer.headers());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn below_the_data_api_it_is_said_in_the_data_apis_form() {
        let (status, body) = answer_at("/rest/v1/boats", get(std::future::pending::<()>)).await;
        assert_eq!(status, 503);
        insta::assert_snapshot!(body, @r#"{"code":"PGRST000","details":"timeout","hint":null,"message":"this took too long and was given up; try again"}"#);
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_hangs_is_given_up_before_svix_does() {
        let began = tokio::time::Instant::now();
        let (status, body) = answer(get(std::future::pending::<()>)).await;
        assert_eq!((status, began.elapsed()), (503, DEADLINE));
        insta::assert_snapshot!(body, @r#"{"error":{"code":"timeout","hint":null,"message":"this took too long and was given up; try again"}}"#);
    }
}
