//! A failure as a response, a log line and a count: made together, so that none is ever forgotten.

use axum::Json;
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokens::Refusal;

use super::{Failure, cause};

/// How long a caller should leave us alone when the database is away or busy, in seconds.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// In PostgREST's words.
const EXPIRED: HeaderValue =
    HeaderValue::from_static(r#"Bearer error="invalid_token", error_description="JWT expired""#);

impl Failure {
    /// The words for the client.
    fn message(&self) -> String {
        match self {
            // Why the keys cannot be had names an address that may be internal.
            Self::Token(Refusal::KeysUnavailable { issuer, .. }) => {
                format!("the signing keys of {issuer} cannot be had at the moment; try again")
            }
            other => other.to_string(),
        }
    }

    /// The same in the shape of the data API's errors, whose clients read no other.
    pub(crate) fn into_data_api_response(self) -> Response {
        let code = match (&self, self.status()) {
            (Self::Token(Refusal::Expired { .. }), _) => "PGRST303",
            (_, StatusCode::UNAUTHORIZED) => "PGRST301",
            (_, StatusCode::METHOD_NOT_ALLOWED) => "PGRST117",
            (_, StatusCode::NOT_FOUND) => "PGRST125",
            // What PostgREST makes of `raise sqlstate 'PT429'`, which is how limits are written in the database.
            (_, StatusCode::TOO_MANY_REQUESTS) => "PT429",
            _ => "PGRST000",
        };
        // Clients compare this message to know that a new token is all that is needed.
        let expired = matches!(self, Self::Token(Refusal::Expired { .. }));
        let (message, details) =
            if expired { ("JWT expired".to_owned(), self.message()) } else { (self.message(), self.code().to_owned()) };
        let body = json!({ "code": code, "message": message, "details": details, "hint": self.hint() });
        let mut response = self.into_response();
        if expired {
            response.headers_mut().insert(WWW_AUTHENTICATE, EXPIRED);
        }
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from(body.to_string());
        response
    }

    /// RFC 9110 §11.6.1: a 401 names the scheme it expects. RFC 6750 §3: no error code for a scheme that was not ours.
    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Signature(_) => "Webhook-Signature",
            Self::Scheme => "Bearer",
            _ => r#"Bearer error="invalid_token""#,
        })
    }

    /// One line for the operator: louder where it is ours to repair.
    fn log(&self) {
        let (code, status) = (self.code(), self.status().as_u16());
        let error = match cause::of(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        };
        // As text and not by `%`: the formatter then quotes it, and a line break in it starts no line of its own.
        let error = error.as_str();
        if self.status().is_server_error() {
            tracing::error!(code, status, error, "request failed");
        } else {
            tracing::info!(code, status, error, "request refused");
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.log();
        metrics::counter!("rowlock_refusals_total", "code" => self.code()).increment(1);
        let body = json!({ "error": { "code": self.code(), "message": self.message(), "hint": self.hint() } });
        let mut response = (self.status(), Json(body)).into_response();
        if let Self::TooManyRefusals { retry_after } | Self::TooManyRequests { retry_after } = self {
            response.headers_mut().insert(RETRY_AFTER, retry_after.as_secs().max(1).into());
        }
        match self.status() {
            StatusCode::UNAUTHORIZED => response.headers_mut().insert(WWW_AUTHENTICATE, self.challenge()),
            StatusCode::SERVICE_UNAVAILABLE => response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS),
            _ => None,
        };
        response
    }
}
