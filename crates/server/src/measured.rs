//! The data API's requests, counted and timed: once each, however they end.
//!
//! Labels are from fixed lists, so that whoever sends strange methods or paths makes no series of their own: see `docs/metrics.md`.

use std::time::Instant;

use axum::http::{HeaderMap, Method, StatusCode};
use data_api::RequestKind;

/// The histogram's name.
pub(crate) const REQUEST_SECONDS: &str = "rowlock_data_api_request_seconds";

/// A request under way. If it is dropped without an answer, its client went away or was given up.
#[derive(Debug)]
pub(crate) struct Measured {
    began: Instant,
    method: &'static str,
    kind: RequestKind,
    status: &'static str,
}

impl Measured {
    /// Of a request whose `path` is below the API's own.
    pub(crate) fn begin(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        let kind = RequestKind::of(method, path, headers);
        Self { began: Instant::now(), method: name(method), kind, status: "dropped" }
    }

    /// Its method, by one of eight names.
    pub(crate) fn method(&self) -> &'static str {
        self.method
    }

    /// Its kind, by one of nine names.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// What stands around its log lines, however little is logged.
    pub(crate) fn span(&self) -> tracing::Span {
        tracing::error_span!("request", method = self.method(), kind = self.kind())
    }

    pub(crate) fn answered(mut self, status: StatusCode) {
        self.status = match status.as_u16() {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let labels = [("method", self.method), ("kind", self.kind.name()), ("status", self.status)];
        metrics::histogram!(REQUEST_SECONDS, &labels).record(self.began.elapsed().as_secs_f64());
    }
}

/// HTTP's own methods by name.
fn name(method: &Method) -> &'static str {
    const KNOWN: [(&Method, &str); 7] = [
        (&Method::GET, "GET"),
        (&Method::HEAD, "HEAD"),
        (&Method::POST, "POST"),
        (&Method::PATCH, "PATCH"),
        (&Method::PUT, "PUT"),
        (&Method::DELETE, "DELETE"),
        (&Method::OPTIONS, "OPTIONS"),
    ];
    KNOWN.iter().find(|(known, _)| *known == method).map_or("other", |(_, name)| name)
}
