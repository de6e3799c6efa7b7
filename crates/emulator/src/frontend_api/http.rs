//! The shell: which half of the API a request is for, whose browser it comes from, and the answer as bytes.
//!
//! Both halves share one address. They are told apart as Clerk's SDKs tell them apart: the Backend API is asked with a
//! secret key, the Frontend API by a page. Methods other than GET arrive as POST with `_method` in the query, which keeps
//! browsers from asking permission first.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, Path, RawPathParams, Request, State},
    response::Response,
    routing::{any, get},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
    header::{
        AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION, ORIGIN, SET_COOKIE,
        USER_AGENT, X_CONTENT_TYPE_OPTIONS,
    },
};
use tower::ServiceExt as _;
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer},
    trace::TraceLayer,
};

use super::{
    call::{Answer, Content, FrontendCall, FrontendReply},
    cookies,
    form::FrontendForm,
    operations::{OPERATIONS, Operation},
    origins, packages,
};
use crate::{
    api::http::{BODY_LIMIT, panicked, respond, router as backend_router},
    api_version::{self, ApiVersion},
    images::SIZE_LIMIT,
    instance::Instance,
    query::Query,
    refusal::Refusal,
    uploads,
    webhooks::Origin,
};

const PROXY_URL: HeaderName = HeaderName::from_static("clerk-proxy-url");
const PROXY_SECRET_KEY: HeaderName = HeaderName::from_static("clerk-secret-key");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Our pages run no script, load nothing, and stand in nobody's frame.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
/// The parameter in which a page shows the token of its development browser.
const DEV_BROWSER: &str = "__clerk_db_jwt";

/// Both halves of the API.
pub(crate) fn service(instance: Arc<Instance>) -> Router {
    let (backend, frontend) = (backend_router(Arc::clone(&instance)), router(instance));
    Router::new().fallback(move |request: Request| {
        let half = if for_frontend(&request) { frontend.clone() } else { backend.clone() };
        half.oneshot(request)
    })
}

/// What only pages ask for, and what both halves have but a page asks for without a key.
fn for_frontend(request: &Request) -> bool {
    let path = request.uri().path();
    let pages = [
        "/v1/client",
        "/v1/environment",
        "/v1/dev_browser",
        "/v1/me",
        "/v1/tickets",
        "/v1/account_portal",
        "/npm",
        "/sign-in",
    ];
    let below = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if path == "/" || pages.into_iter().any(below) {
        return true;
    }
    let query = request.uri().query().unwrap_or_default();
    // No server says this of itself. What only a server may ask for is answered as what pages cannot have here.
    if query.contains("_clerk_js_version=") {
        return true;
    }
    let shared = below("/v1/organizations") || below("/v1/waitlist");
    shared && !request.headers().contains_key(AUTHORIZATION) && query.contains("_clerk_")
}

fn router(instance: Arc<Instance>) -> Router {
    let mut by_path: BTreeMap<&'static str, Vec<&'static Operation>> = BTreeMap::new();
    for operation in OPERATIONS {
        by_path.entry(operation.path).or_default().push(operation);
    }
    let mut router = Router::new();
    for (path, operations) in by_path {
        let operations: Arc<[&'static Operation]> = operations.into();
        let operations_here = Arc::clone(&operations);
        let handler = move |State(instance): State<Arc<Instance>>, params: RawPathParams, request: Request| async move {
            let path = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            write(handle(instance, &operations, path, request).await)
        };
        let mut route = any(handler);
        if operations_here.iter().any(|operation| operation.uploads) {
            route = route.layer(DefaultBodyLimit::max(SIZE_LIMIT));
        }
        router = router.route(path, route);
    }
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(|origin, _| origin.to_str().is_ok_and(origins::local_origin)))
        .allow_credentials(true)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request());
    let routed = router
        .route("/npm/{*file}", get(script))
        .fallback(unknown)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(cors)
        .layer(TraceLayer::new_for_http().on_failure(()))
        .with_state(instance);
    // clerk-js writes some addresses with a slash at their end.
    Router::new().fallback(move |request: Request| routed.oneshot(without_final_slash(request)))
}

fn without_final_slash(mut request: Request) -> Request {
    let path = request.uri().path();
    if path.len() > 1 && path.ends_with('/') {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let uri = format!("{}{query}", path.trim_end_matches('/'));
        if let Ok(uri) = uri.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}

async fn unknown(request: Request) -> Response {
    let refusal = Refusal::not_emulated(format_args!("{} {}", request.method(), request.uri().path()));
    std::future::ready(respond(Err(refusal))).await
}

async fn script(Path(file): Path<String>) -> Response {
    let found = match packages::find(&file) {
        Ok(found) => found,
        Err(refusal) => return respond(Err(refusal)),
    };
    match tokio::fs::read(&found.path).await {
        Err(_) => respond(Err(Refusal::not_found("script", &file))),
        Ok(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            let age = if found.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(found.content_type));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(age));
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        }
    }
}

async fn handle(
    instance: Arc<Instance>,
    operations: &[&'static Operation],
    path: Vec<(String, String)>,
    request: Request,
) -> FrontendReply {
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let method = match query.first("_method") {
        Some(method) if parts.method == Method::POST => {
            Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap_or(Method::POST)
        }
        _ => parts.method.clone(),
    };
    let Some(operation) = operations.iter().copied().find(|operation| operation.method == method) else {
        return Err(Refusal::not_emulated(format_args!("{method} {}", parts.uri.path())));
    };
    instance.outage.check(operation.path)?;
    let header = |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let proxy = proxy(&instance, &parts.headers)?;
    if proxy.is_none() && !header(&HOST).is_some_and(origins::own_host) {
        let message = "The emulator answers under `localhost` or an address only, so that no other name can be made to lead to it.";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "host_invalid", "Invalid host", message));
    }
    if operation.from_own_pages_only {
        own_page(&parts.headers)?;
    }
    // The Frontend API also reads its version from the query alone; an SDK's header is that of the Backend API.
    let version = ApiVersion::of_page(query.first(api_version::PARAMETER))?;
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_string());
    let forwarded = header(&FORWARDED_FOR).filter(|_| proxy.is_some()).map(str::to_owned);
    let (form, upload) = if operation.uploads {
        (FrontendForm::default(), uploads::receive(Request::from_parts(parts.clone(), body)).await?)
    } else {
        let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| {
            let message = format!("The request body could not be read, or is longer than {BODY_LIMIT} bytes.");
            Refusal::new(StatusCode::BAD_REQUEST, "request_body_invalid", "Request body invalid", message)
        })?;
        (FrontendForm::parse(header(&CONTENT_TYPE).unwrap_or_default(), &body)?, None)
    };
    let page = header(&ORIGIN).filter(|origin| *origin != "null").map(str::to_owned);
    let authorized_party = page.or_else(|| {
        let proxy = url::Url::parse(proxy.as_deref()?).ok()?;
        Some(proxy.origin().ascii_serialization())
    });
    let client = instance.read(|view| {
        let clients = &view.state.clients;
        let by_cookie = cookies::read(&parts.headers, &cookies::client_cookie(&instance.cookie_suffix));
        let by_cookie = by_cookie.and_then(|cookie| clients.of_cookie(cookie));
        let by_token = || query.first(DEV_BROWSER).and_then(|token| clients.of_dev_browser(token));
        by_cookie.or_else(by_token).map(|client| client.id.clone())
    });
    let origin = Origin {
        client_ip: forwarded.or(peer).unwrap_or_default(),
        user_agent: header(&USER_AGENT).unwrap_or_default().to_owned(),
    };
    let call = FrontendCall { instance, path, query, form, upload, version, origin, authorized_party, proxy, client };
    // Hashing a password and signing tokens both keep a thread busy.
    tokio::task::spawn_blocking(move || (operation.run)(&call)).await.unwrap_or_else(|failed| {
        tracing::error!(error = %failed, "an operation of the Frontend API failed");
        Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_clerk_error",
            "Oops, an unexpected error occurred",
            "The emulator failed while it handled this request; its log says where.",
        ))
    })
}

/// The address of an app's proxy, believed only with the secret key.
fn proxy(instance: &Instance, headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(url) = headers.get(PROXY_URL).and_then(|url| url.to_str().ok()) else { return Ok(None) };
    let key = headers.get(PROXY_SECRET_KEY).and_then(|key| key.to_str().ok()).unwrap_or_default();
    if !instance.identity.secret_key.matches(key) {
        let long = "The proxy's Clerk Secret Key is not the one of this instance. Copy CLERK_SECRET_KEY from the emulator that CLERK_FAPI_URL names.";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "clerk_key_invalid", "Invalid secret key", long));
    }
    let url = url.trim_end_matches('/').to_owned();
    instance.remember_app(&url);
    Ok(Some(url))
}

/// A form of our own pages is not taken from anybody else's.
fn own_page(headers: &HeaderMap) -> Result<(), Refusal> {
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if matches!(site, Some("same-origin" | "none") | None) {
        return Ok(());
    }
    let message = "This form belongs to the emulator's own pages and was sent from another site.";
    Err(Refusal::new(StatusCode::FORBIDDEN, "origin_invalid", "Invalid origin", message))
}

fn write(reply: FrontendReply) -> Response {
    let Answer { content, cookies } = match reply {
        Ok(answer) => answer,
        Err(refusal) => return uncached(respond(Err(refusal))),
    };
    let mut response = match content {
        Content::Json(value) => respond(Ok(value.to_string().into_bytes())),
        Content::Page(html) => {
            let mut response = Response::new(Body::from(html));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
            response
        }
        Content::Redirect(status, to) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            let to = HeaderValue::from_str(&to).expect("an address that was parsed is a header");
            response.headers_mut().insert(LOCATION, to);
            response
        }
    };
    for cookie in cookies {
        let cookie = HeaderValue::from_str(&cookie).expect("a cookie of ours is a header");
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    uncached(response)
}

fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
