//! `/rest/v1`: the data API, where supabase-js looks for it.
//!
//! The caller is Clerk's: a verified session or nobody; or, with a secret key, the application itself. Which of what a request
//! carries decides is the [gateway's rule](crate::api_key).
//!
//! An answer that is empty because nobody is signed in looks like one without rows. It carries a header that says so, and is logged.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, TRANSFER_ENCODING,
};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::allowance::Asking;
use crate::api_key::{Presented, presented};
use crate::auth::Caller;
use crate::measured::Measured;
use crate::rest::without_invented_length;
use crate::services::{MountedDataApi, PAGE};
use crate::strangers::Peer;
use crate::{Failure, Services};

/// What stands before the data API's own paths.
const MOUNTED_AT: &str = "/rest/v1";

/// Whether a path is the data API's.
pub(super) fn is_below(path: &str) -> bool {
    path.strip_prefix(MOUNTED_AT).is_some_and(|rest| rest.starts_with('/'))
}

pub(super) async fn answer(State(services): State<Services>, request: Request) -> Response {
    let Some(mounted) = services.data_api.clone() else { return Failure::NoRoute.into_data_api_response() };
    let path = request.uri().path().strip_prefix(MOUNTED_AT).unwrap_or_default();
    let measured = Measured::begin(request.method(), path, request.headers());
    let response = answered(&services, &mounted, request).await.unwrap_or_else(Failure::into_data_api_response);
    measured.answered(response.status());
    response
}

async fn answered(services: &Services, mounted: &MountedDataApi, request: Request) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    below(&mut parts);
    if parts.method == Method::OPTIONS {
        let unread = axum::http::Request::from_parts(parts.clone(), Bytes::new());
        if let Some(preflight) = mounted.api.preflight(&unread) {
            return Ok(preflight.map(Body::from));
        }
    }
    let caller = allowed(&mut parts, services).await?;
    let limit = mounted.max_body_bytes;
    let _room = room(mounted, &parts).await?;
    let body = to_bytes(body, limit).await.map_err(|_| Failure::TooLarge { limit })?;
    let request = axum::http::Request::from_parts(parts, body);
    let mut on_behalf = data_api::Caller::verified(&caller.principal, !caller.principal.is_anonymous());
    let new = caller.claims.as_ref().filter(|claims| !services.knows(claims));
    if new.is_some() {
        on_behalf = on_behalf.ensuring_rows();
    }
    let answer = mounted.api.answer_for(&on_behalf, &request).await;
    if let Some(claims) = new.filter(|_| answer.status().is_success() && request.method() != Method::OPTIONS) {
        services.has_met(claims);
    }
    Ok(without_invented_length(match caller.anonymous_because {
        Some(because) if is_empty(&answer) => explained(answer, because),
        _ => answer,
    }))
}

/// Room for the body, for as long as it is held: all bodies together have a bound, whoever sends them.
async fn room(mounted: &MountedDataApi, parts: &Parts) -> Result<Option<OwnedSemaphorePermit>, Failure> {
    let limit = mounted.max_body_bytes;
    let said = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    // Who does not say how much it will be may send as much as is read.
    let bytes = match (said, parts.headers.contains_key(TRANSFER_ENCODING)) {
        (Some(bytes), _) => bytes,
        (None, true) => limit,
        (None, false) => 0,
    };
    if bytes > limit {
        return Err(Failure::TooLarge { limit });
    }
    let pages = u32::try_from(bytes.div_ceil(PAGE)).unwrap_or(u32::MAX);
    if pages == 0 {
        return Ok(None);
    }
    let room = Arc::clone(&mounted.room).acquire_many_owned(pages).await;
    Ok(Some(room.expect("the semaphore is never closed")))
}

/// The path below the mount: `/rest/v1/tasks?select=id` → `/tasks?select=id`.
fn below(parts: &mut Parts) {
    let whole = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let rest = whole.strip_prefix(MOUNTED_AT).filter(|rest| rest.starts_with('/')).unwrap_or("/");
    parts.uri = rest.parse().unwrap_or_else(|_| Uri::from_static("/"));
}

/// Who calls, unless they have called too often. Whoever cannot say who they are counts as somebody at their address.
async fn allowed(parts: &mut Parts, services: &Services) -> Result<Caller, Failure> {
    let allowances = &services.allowances;
    if allowances.are_boundless() {
        return caller(parts, services).await;
    }
    let key = match presented(&services.api_keys, &parts.headers) {
        Presented::Secret(key) | Presented::Legacy(key) => Some(key.to_owned()),
        Presented::Token | Presented::Nobody(_) => None,
    };
    let stranger = services.webhooks.strangers.who(parts.extensions.get::<Peer>(), &parts.headers);
    let found = caller(parts, services).await;
    let asking = match (&found, &key) {
        (Ok(Caller { claims: Some(claims), .. }), _) => {
            Some(Asking::User { issuer: &claims.issuer, id: claims.subject.as_str() })
        }
        (Ok(caller), Some(key)) if caller.principal.is_service() => Some(Asking::Key(key)),
        (Ok(caller), Some(key)) if !caller.principal.is_anonymous() => Some(Asking::Token(key)),
        _ => stranger.map(Asking::From),
    };
    match asking.map_or(Ok(()), |asking| allowances.take(&asking)) {
        Err(retry_after) => Err(Failure::TooManyRequests { retry_after }),
        Ok(()) => found,
    }
}

/// Who calls.
async fn caller(parts: &mut Parts, services: &Services) -> Result<Caller, Failure> {
    let principal = match presented(&services.api_keys, &parts.headers) {
        Presented::Token => return Caller::from_request_parts(parts, services).await,
        Presented::Nobody(because) => return Ok(Caller::anonymous(because)),
        Presented::Secret(key) => services.api_keys.service(key).ok_or(Failure::ApiKey)?,
        Presented::Legacy(token) => services.api_keys.legacy(token, services.clock.now())?,
    };
    // Functions may read the headers; a secret is not for them.
    parts.headers.remove(AUTHORIZATION);
    parts.headers.remove("apikey");
    let anonymous_because = principal.is_anonymous().then_some("the only key sent is the application's own");
    Ok(Caller { principal: Arc::new(principal), claims: None, anonymous_because })
}

/// No rows, or not the one that was asked for.
fn is_empty(answer: &axum::http::Response<Bytes>) -> bool {
    match answer.status() {
        StatusCode::NOT_ACCEPTABLE => true,
        StatusCode::OK => {
            let range = answer.headers().get(CONTENT_RANGE).is_some_and(|range| range.as_bytes().starts_with(b"*/"));
            range || matches!(answer.body().as_ref(), b"[]" | b"null")
        }
        _ => false,
    }
}

/// Why an answer is empty, where that is for want of a caller.
const ANONYMOUS: HeaderName = HeaderName::from_static("x-rowlock-anonymous");

fn explained(mut answer: axum::http::Response<Bytes>, because: &'static str) -> axum::http::Response<Bytes> {
    tracing::info!(because, "an answer is empty, and nobody is signed in");
    let headers = answer.headers_mut();
    headers.insert(ANONYMOUS, HeaderValue::from_static(because));
    if headers.contains_key(ACCESS_CONTROL_EXPOSE_HEADERS) {
        headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from(ANONYMOUS));
    }
    answer
}
