//! What stands in for traces in a build without them.

use axum::http::{HeaderMap, StatusCode};
use tracing::Span;

pub(crate) fn begun(_: &Span, _: &str, _: &str, _: &HeaderMap) {}

pub(crate) fn answered(_: &Span, _: StatusCode) {}

pub(crate) fn stop() {}
