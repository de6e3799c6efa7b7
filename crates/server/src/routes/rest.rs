//! `/rest/v1`: the data API, where supabase-js looks for it.
//!
//! The caller is Clerk's: a verified session or nobody. What supabase-js sends in place of a token when nobody is signed in (its
//! publishable key, which is no secret) names nobody.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{Method, Uri};
use axum::response::Response;
use bytes::Bytes;

use crate::auth::Caller;
use crate::rest::without_invented_length;
use crate::services::MountedDataApi;
use crate::{Failure, Services};

/// What stands before the data API's own paths.
const MOUNTED_AT: &str = "/rest/v1";

pub(super) async fn answer(State(services): State<Services>, request: Request) -> Response {
    let Some(mounted) = services.data_api.clone() else { return Failure::NoRoute.into_data_api_response() };
    let headers = request.headers().clone();
    match answered(&services, &mounted, request).await {
        Ok(response) => response,
        // A page of another origin has to see why.
        Err(failure) => {
            let mut shell = axum::http::Response::new(Bytes::new());
            mounted.api.expose(&headers, &mut shell);
            let mut response = failure.into_data_api_response();
            response.headers_mut().extend(shell.into_parts().0.headers);
            response
        }
    }
}

async fn answered(services: &Services, mounted: &MountedDataApi, request: Request) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    below(&mut parts);
    let unread = axum::http::Request::from_parts(parts.clone(), Bytes::new());
    if let Some(preflight) = mounted.api.preflight(&unread) {
        return Ok(preflight.map(Body::from));
    }
    forget_api_key(&mut parts);
    let caller = Caller::from_request_parts(&mut parts, services).await?;
    let limit = mounted.max_body_bytes;
    let body = to_bytes(body, limit).await.map_err(|_| Failure::TooLarge { limit })?;
    let request = axum::http::Request::from_parts(parts, body);
    let mut on_behalf = data_api::Caller::verified(&caller.principal, caller.claims.is_some());
    let new = caller.claims.as_ref().filter(|claims| !services.knows(claims));
    if new.is_some() {
        on_behalf = on_behalf.ensuring_rows();
    }
    let answer = mounted.api.answer_for(&on_behalf, &request).await;
    if let Some(claims) = new.filter(|_| answer.status().is_success() && request.method() != Method::OPTIONS) {
        services.has_met(claims);
    }
    Ok(without_invented_length(answer))
}

/// The path below the mount: `/rest/v1/tasks?select=id` → `/tasks?select=id`.
fn below(parts: &mut Parts) {
    let whole = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let rest = whole.strip_prefix(MOUNTED_AT).filter(|rest| rest.starts_with('/')).unwrap_or("/");
    parts.uri = rest.parse().unwrap_or_else(|_| Uri::from_static("/"));
}

/// supabase-js sends its API key as the token when there is none. A publishable key names nobody; a secret one is no token here,
/// and the verifier says so.
fn forget_api_key(parts: &mut Parts) {
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let Some(token) = text(AUTHORIZATION.as_str()).and_then(|text| text.strip_prefix("Bearer ")) else { return };
    let is_secret = token.starts_with("sb_secret_");
    if !is_secret && (token.starts_with("sb_publishable_") || text("apikey") == Some(token)) {
        parts.headers.remove(AUTHORIZATION);
    }
}
