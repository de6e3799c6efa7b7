//! The id of a request: a proxy's own when it brings a usable one, otherwise one of ours.
//!
//! It goes back in the answer and into every log line of the request. What strangers send ends up there too, so only
//! what looks like an id is one: at most 128 letters, digits and the punctuation that ids of known proxies have (AWS
//! writes `Root=1-67891233-abcdef012345678912345678`).

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 128;

/// Removes whatever is not exactly one usable id, so that a fresh one takes its place.
pub(super) async fn keep_if_harmless(mut request: Request, next: Next) -> Response {
    let mut ids = request.headers().get_all(REQUEST_ID).iter();
    let harmless = ids.next().is_some_and(is_harmless) && ids.next().is_none();
    if !harmless {
        request.headers_mut().remove(REQUEST_ID);
    }
    next.run(request).await
}

fn is_harmless(id: &HeaderValue) -> bool {
    let usable = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:;,=/+@".contains(byte);
    (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(usable)
}
