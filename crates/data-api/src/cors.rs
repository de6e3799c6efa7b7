//! Cross-origin requests: which pages may call, and what they may see of the answer.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN,
};
use http::{HeaderMap, Method, Request, Response};

const METHODS: &str = "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD";
const EXPOSED: &str = "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, Transfer-Encoding, Range-Unit";

/// What a page of `origin` may do. None when it may not call.
fn allowed(origins: &[String], origin: &HeaderValue) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    if origins.is_empty() {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        origins.iter().find(|allowed| allowed.as_bytes() == origin.as_bytes())?;
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    Some(headers)
}

/// The answer to a browser that asks before it sends.
pub(crate) fn preflight<B>(origins: &[String], request: &Request<B>) -> Option<Response<Bytes>> {
    if request.method() != Method::OPTIONS {
        return None;
    }
    let asked = request.headers();
    asked.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    let mut headers = allowed(origins, asked.get(ORIGIN)?)?;
    let wanted = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let names: Vec<&str> = std::iter::once("Authorization")
        .chain(wanted.split(',').map(str::trim).filter(|name| !name.is_empty()))
        .chain(["Accept", "Accept-Language", "Content-Language"])
        .collect();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_str(&names.join(", ")).ok()?);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    let mut response = Response::new(Bytes::new());
    *response.headers_mut() = headers;
    Some(response)
}

/// Lets the page that asked see the answer. Without an origin it was no page of another one.
pub(crate) fn expose<B>(origins: &[String], origin: Option<&HeaderValue>, response: &mut Response<B>) {
    if let Some(headers) = origin.and_then(|origin| allowed(origins, origin)) {
        response.headers_mut().extend(headers);
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}
