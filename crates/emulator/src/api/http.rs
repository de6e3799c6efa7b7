//! The HTTP shell around the operations: routing, the secret key, versions, errors as bytes.
//!
//! Answers carry exactly `application/json`: with a charset behind it, Clerk's own SDK takes the body for text.

use std::{any::Any, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, Path, RawPathParams, Request, State},
    response::Response,
    routing::{MethodFilter, get, on},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, USER_AGENT,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use serde::Serialize;
use tower_http::{catch_panic::CatchPanicLayer, trace::TraceLayer};

use super::{
    Access, Call, Reply, not_served,
    operations::{OPERATIONS, Operation},
};
use crate::{
    api_version::{self, ApiVersion},
    ids,
    images::{self, SIZE_LIMIT},
    instance::Instance,
    query::Query,
    refusal::{Refusal, RefusalDetail},
    uploads,
    webhooks::Origin,
};

/// More than any form of the API can hold.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;
/// A seed may hold tens of thousands of users.
const CONTROL_BODY_LIMIT: usize = 64 * 1024 * 1024;

pub(crate) fn router(instance: Arc<Instance>) -> Router {
    let mut router = Router::new();
    for operation in OPERATIONS {
        let handler = move |State(instance): State<Arc<Instance>>, params: RawPathParams, request: Request| async move {
            let answer = async {
                instance.outage.check(operation.path)?;
                let machine = match operation.access {
                    Access::Public => None,
                    Access::SecretKey => authenticate(&instance, request.headers()).map(|()| None)?,
                    Access::SecretKeyOrMachine => authenticate_machine(&instance, request.headers())?,
                };
                let path: Vec<_> = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                instance.limiter.admit(&operation.method, operation.path, &path, instance.clock.now())?;
                (operation.run)(&receive(instance, operation, path, machine, request).await?)
            };
            let mut response = respond(answer.await);
            if response.status() == StatusCode::OK {
                *response.status_mut() = operation.status;
                if operation.status == StatusCode::NO_CONTENT {
                    response.headers_mut().remove(CONTENT_TYPE);
                }
            }
            response
        };
        let filter = MethodFilter::try_from(operation.method.clone()).expect("the table names plain methods");
        let mut route = on(filter, handler);
        if operation.uploads {
            route = route.layer(DefaultBodyLimit::max(SIZE_LIMIT));
        }
        router = router.route(operation.path, route);
    }
    router
        .route("/images/{image_id}", get(image))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TraceLayer::new_for_http().on_failure(()))
        .with_state(instance)
}

/// Whatever Clerk has and the emulator has not, and what neither has.
async fn unknown(State(instance): State<Arc<Instance>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let refusal = authenticate(&instance, &parts.headers).err();
    let refusal = refusal.unwrap_or_else(|| not_served::refuse(&parts.method, parts.uri.path()));
    std::future::ready(respond(Err(refusal))).await
}

/// A picture, for whoever knows its address.
async fn image(State(instance): State<Arc<Instance>>, Path(id): Path<String>) -> Response {
    let found = instance.read(|view| view.state.images.get(&id).cloned());
    let Some(found) = found else { return respond(Err(images::not_found())) };
    let mut response = Response::new(Body::from(found.bytes()));
    let content_type = HeaderValue::from_str(&found.content_type).expect("the type of a picture is one of four");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Clerk's components ask for pictures by `crossorigin`, and browsers show them only with this.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    std::future::ready(response).await
}

async fn receive(
    instance: Arc<Instance>,
    operation: &Operation,
    path: Vec<(String, String)>,
    machine: Option<String>,
    request: Request,
) -> Result<Call, Refusal> {
    let (mut parts, mut body) = request.into_parts();
    let mut upload = None;
    if operation.uploads {
        let request = Request::from_parts(parts.clone(), body);
        upload = uploads::receive(request).await?;
        body = Body::empty();
        parts.headers.remove(CONTENT_TYPE);
    }
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let header = parts.headers.get(api_version::HEADER).and_then(|value| value.to_str().ok());
    let version = ApiVersion::choose(header, query.first(api_version::PARAMETER))?;
    let client_ip = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let origin = Origin {
        client_ip: client_ip.map_or_else(String::new, |ip| ip.to_string()),
        user_agent: user_agent.unwrap_or_default().to_owned(),
    };
    let limit = if operation.path.starts_with("/__rowlock/") { CONTROL_BODY_LIMIT } else { BODY_LIMIT };
    let body = to_bytes(body, limit).await.map_err(|_| {
        let message = format!("The request body could not be read, or is longer than {limit} bytes.");
        Refusal::new(StatusCode::BAD_REQUEST, "request_body_invalid", "Request body invalid", message)
    })?;
    if !body.is_empty() {
        check_content_type(&parts.headers)?;
    }
    Ok(Call { instance, path, query, body, upload, version, origin, machine })
}

fn authenticate(instance: &Instance, headers: &HeaderMap) -> Result<(), Refusal> {
    let unauthorized =
        |code, message: &'static str, long: &str| Err(Refusal::new(StatusCode::UNAUTHORIZED, code, message, long));
    let Some(header) = headers.get(AUTHORIZATION) else {
        let long = "The request carries no secret key. Send the header `Authorization: Bearer sk_…`.";
        return unauthorized("authentication_invalid", "Invalid authentication", long);
    };
    let Some(key) = header.to_str().ok().and_then(|header| header.strip_prefix("Bearer ")) else {
        let long = "Invalid Authorization header format. Must be 'Bearer <YOUR_API_KEY>'";
        return unauthorized("authorization_header_format_invalid", "Invalid Authorization header format", long);
    };
    if !instance.identity.secret_key.matches(key) {
        let long = "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.";
        return unauthorized("clerk_key_invalid", long, long);
    }
    Ok(())
}

/// The machine whose secret key the request carries, or nothing when it carries that of the instance.
fn authenticate_machine(instance: &Instance, headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let bearer = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
    let machine = bearer.and_then(|key| {
        instance.read(|view| view.state.machine_of_key(key, view.now).map(|machine| machine.id.clone()))
    });
    match machine {
        Some(machine) => Ok(Some(machine)),
        None => authenticate(instance, headers).map(|()| None),
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let found = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = found.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = format!("Content-Type {found:?} is unsupported. You should use application/json instead.");
    let short = "Content-Type is unsupported";
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_type", short, message))
}

pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    respond(Err(Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_clerk_error",
        "Oops, an unexpected error occurred",
        "The emulator failed while it handled this request; its log says where.",
    )))
}

pub(crate) fn respond(reply: Reply) -> Response {
    #[derive(Serialize)]
    struct Errors<'a> {
        errors: &'a [RefusalDetail],
        clerk_trace_id: String,
    }
    let (status, body, retry_after) = match reply {
        Ok(body) => (StatusCode::OK, body, None),
        Err(refusal) => {
            let errors = Errors { errors: refusal.errors(), clerk_trace_id: ids::hex(&ids::random::<16>()) };
            let body = serde_json::to_vec(&errors).expect("errors have a JSON form");
            (refusal.status(), body, refusal.retry_after())
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Emulator, EmulatorOptions};

    #[tokio::test]
    async fn every_operation_asks_for_the_key_unless_it_is_public() {
        let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for operation in OPERATIONS {
            let url = format!("{}{}", emulator.base_url(), operation.path.replace(['{', '}'], ""));
            let request = || client.request(operation.method.clone(), &url);
            let expected = match operation.access {
                Access::SecretKey | Access::SecretKeyOrMachine => StatusCode::UNAUTHORIZED,
                Access::Public => StatusCode::OK,
            };
            let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status();
            assert_eq!(status(request()).await, expected, "{operation:?}");
            assert_eq!(status(request().bearer_auth("sk_test_wrong")).await, expected, "{operation:?}");
            let right = status(request().bearer_auth(emulator.secret_key())).await;
            assert!(right != StatusCode::UNAUTHORIZED && !right.is_server_error(), "{right} {operation:?}");
        }
    }
}
