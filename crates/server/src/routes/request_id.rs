//! The id of a request: a proxy's own when it brings a usable one, otherwise one of ours.
//!
//! It goes back in the answer and into every log line of the request. What strangers send ends up there too, so only
//! what looks like an id is one: at most 128 letters, digits and the punctuation that ids of known proxies have (AWS
//! writes `Root=1-67891233-abcdef012345678912345678`).

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 128;

/// The request's own id when it brings exactly one that is usable, otherwise a fresh one.
pub(super) fn of(headers: &HeaderMap) -> HeaderValue {
    let mut ids = headers.get_all(REQUEST_ID).iter();
    match (ids.next(), ids.next()) {
        (Some(id), None) if is_harmless(id) => id.clone(),
        _ => HeaderValue::try_from(Uuid::new_v4().to_string()).expect("hexadecimal digits and hyphens"),
    }
}

fn is_harmless(id: &HeaderValue) -> bool {
    let usable = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:;,=/+@".contains(byte);
    (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(usable)
}
