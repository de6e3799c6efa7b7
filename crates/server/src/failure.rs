//! What a client is told when something is not well, and what the operator is told about the same thing.
//!
//! ```json
//! {"error": {"code": "token-expired", "message": "token expired 12 s ago", "hint": "session tokens live 60 s: …"}}
//! ```

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use clerk::SignatureError;
use mirror::MirrorError;
use serde_json::json;
use tokens::Refusal;

/// How long a caller should leave us alone when the database is away or busy.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// A request that was not served. One variant for each kind of trouble; the kind decides status, code and log level.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The token is not accepted, or could not be checked.
    #[error(transparent)]
    Token(#[from] Refusal),
    /// The `Authorization` header is of no form that is known.
    #[error("`Authorization` is not of the form `Bearer <token>`")]
    Scheme,
    /// The webhook is not signed by a configured secret.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The body is larger than is read.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// What is read at most.
        limit: usize,
    },
    /// The body broke off.
    #[error("the body ended early or could not be read")]
    BrokenBody,
    /// The mirror could not take a delivery.
    #[error("the delivery could not be stored; send it again")]
    NotStored(#[source] MirrorError),
    /// The database could not be asked.
    #[error("the database cannot be reached; try again")]
    Database(#[source] postgres::Error),
    /// There is no such route.
    #[error("there is nothing at this address")]
    NoRoute,
    /// The route exists, but not with this method.
    #[error("this address does not take this method")]
    Method,
    /// Took longer than anybody waits.
    #[error("this took too long and was given up; try again")]
    Timeout,
}

impl Failure {
    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Token(refusal) if refusal.is_ours() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Token(_) | Self::Scheme => StatusCode::UNAUTHORIZED,
            Self::Signature(_) => StatusCode::UNAUTHORIZED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::NotStored(_) | Self::Database(_) | Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Token(refusal) => refusal.code(),
            Self::Scheme => "authorization-malformed",
            Self::Signature(error) => error.code(),
            Self::TooLarge { .. } => "body-too-large",
            Self::BrokenBody => "body-broken",
            Self::NotStored(_) => "not-stored",
            Self::Database(_) => "database-unavailable",
            Self::NoRoute => "no-route",
            Self::Method => "method-not-allowed",
            Self::Timeout => "timeout",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Token(refusal) => refusal.hint(),
            Self::Signature(error) => Some(error.hint()),
            Self::Scheme => Some("send `Authorization: Bearer <the result of getToken()>`"),
            _ => None,
        }
    }

    /// One line for the operator: louder where it is ours to repair.
    fn log(&self) {
        let (code, status) = (self.code(), self.status().as_u16());
        let mut causes = String::new();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            causes = format!("{causes}: {cause}");
            source = cause.source();
        }
        if self.status().is_server_error() {
            tracing::error!(code, status, error = %format!("{self}{causes}"), "request failed");
        } else {
            tracing::info!(code, status, error = %format!("{self}{causes}"), "request refused");
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.log();
        metrics::counter!("rowlock_refusals_total", "code" => self.code()).increment(1);
        let body = json!({ "error": { "code": self.code(), "message": self.to_string(), "hint": self.hint() } });
        let mut response = (self.status(), Json(body)).into_response();
        match self.status() {
            StatusCode::UNAUTHORIZED if !matches!(self, Self::Signature(_)) => {
                // RFC 6750 §3.1.
                let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
            }
            _ => {}
        }
        response
    }
}
