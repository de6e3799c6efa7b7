//! What a client is told when something is not well, and what the operator is told about the same thing.
//!
//! ```json
//! {"error": {"code": "token-expired", "message": "token expired 12 s ago", "hint": "session tokens live 60 s: …"}}
//! ```
//!
//! One kind of trouble is one variant, and the variant decides status, code, words and log level. A client reads what
//! helps a client; internal addresses, SQL and causes are for the operator's log alone, and neither ever reads a token, a
//! secret or anything about a person. All codes are listed in `docs/errors.md`.

mod answer;
pub(crate) mod cause;

use std::time::Duration;

use axum::http::StatusCode;
use clerk::SignatureError;
use mirror::MirrorError;
use mirror::revocations::Reason;
use tokens::Refusal;

/// A request that was not served.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The token is not accepted, or could not be checked.
    #[error(transparent)]
    Token(#[from] Refusal),
    /// The token is genuine, and void all the same.
    #[error("token is revoked: {0}")]
    Revoked(Reason),
    /// The `Authorization` header is of no form that is known.
    #[error("`Authorization` is not of the form `Bearer <token>`")]
    Scheme,
    /// A secret key that is not one of ours.
    #[error("the secret key is not known here, or was not sent as `apikey`")]
    ApiKey,
    /// The webhook is not signed by a configured secret.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The body is larger than is read.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// What is read at most.
        limit: usize,
    },
    /// Its address has sent too much that was refused.
    #[error("too many deliveries from this address were refused; come back in {} s", .retry_after.as_secs())]
    TooManyRefusals {
        /// How long it is not listened to.
        retry_after: Duration,
    },
    /// The caller has asked too often.
    #[error("too many requests; come back in {} s", retry_after.as_secs().max(1))]
    TooManyRequests {
        /// When the next one may come.
        retry_after: Duration,
    },
    /// The body broke off.
    #[error("the body ended early or could not be read")]
    BrokenBody,
    /// The mirror could not take a delivery.
    #[error("the delivery could not be stored; send it again")]
    NotStored(#[source] MirrorError),
    /// Postgres is away or too busy: what is asked may be fine.
    #[error("the database cannot be reached; try again")]
    DatabaseAway(#[source] postgres::Error),
    /// Postgres is there and refuses the statement: asking again will not help.
    #[error("the database refused to answer for this caller")]
    DatabaseRefused(#[source] postgres::Error),
    /// There is no such route.
    #[error("there is nothing at this address")]
    NoRoute,
    /// A service of Supabase's that is not here.
    #[error("{0}")]
    NotServed(&'static str),
    /// The route exists, but not with this method.
    #[error("this address does not take this method")]
    Method,
    /// Took longer than anybody waits.
    #[error("this took too long and was given up; try again")]
    Timeout,
    /// A handler panicked: a defect of ours.
    #[error("the server failed to serve this request")]
    Panic,
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        if cause::may_pass(&error) { Self::DatabaseAway(error) } else { Self::DatabaseRefused(error) }
    }
}

impl Failure {
    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Token(refusal) if refusal.is_ours() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Signature(SignatureError::NoSecret) => StatusCode::SERVICE_UNAVAILABLE,
            // A sender that could not say who it is. To Svix all refusals are alike; a person who reads its log, or ours,
            // can tell a wrong secret (401) from a broken request (400) by the number alone.
            Self::Token(_) | Self::Revoked(_) | Self::Scheme | Self::ApiKey | Self::Signature(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRefusals { .. } | Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::NotStored(_) | Self::DatabaseAway(_) | Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::DatabaseRefused(_) | Self::Panic => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::NotServed(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Token(refusal) => refusal.code(),
            Self::Revoked(reason) => reason.code(),
            Self::Scheme => "authorization-malformed",
            Self::ApiKey => "api-key-unknown",
            Self::Signature(error) => error.code(),
            Self::TooLarge { .. } => "body-too-large",
            Self::TooManyRefusals { .. } => "too-many-refusals",
            Self::TooManyRequests { .. } => "too-many-requests",
            Self::BrokenBody => "body-broken",
            Self::NotStored(_) => "not-stored",
            Self::DatabaseAway(_) => "database-unavailable",
            Self::DatabaseRefused(_) => "database-refused",
            Self::NoRoute => "no-route",
            Self::NotServed(_) => "not-served",
            Self::Method => "method-not-allowed",
            Self::Timeout => "timeout",
            Self::Panic => "internal-error",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Token(refusal) => refusal.hint(),
            Self::Revoked(reason) => Some(reason.hint()),
            Self::Signature(error) => Some(error.hint()),
            Self::TooManyRefusals { .. } => {
                Some("is the signing secret of this endpoint configured? `webhooks.refusals_per_minute` is the limit")
            }
            Self::TooManyRequests { .. } => Some("the limits are in the section `limits` of the configuration"),
            Self::Scheme => Some("send one `Authorization: Bearer <the result of getToken()>`"),
            Self::ApiKey => {
                Some("keys are compared with SUPABASE_SECRET_KEY; with a user's token, send the publishable key")
            }
            Self::NoRoute => Some("Clerk's webhooks are taken at `POST /webhooks/clerk`; `GET /whoami` shows a caller"),
            Self::DatabaseRefused(_) | Self::Panic => {
                Some("the server's log says why, under this answer's `x-request-id`")
            }
            _ => None,
        }
    }
}
