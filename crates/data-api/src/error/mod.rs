//! What a client is told when something cannot be done: status, code, message, details and hint.
//!
//! The texts are part of the wire protocol. What Postgres says is handed on, because it is about the client's own statement
//! under the client's own rights ([`postgres`]).

mod postgres;
mod request;
mod schema;
mod token;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use serde_json::{Value, json};

use crate::request::media_type::MediaType;

pub(crate) use self::postgres::PostgresFailure;
pub(crate) use request::RequestError;
pub(crate) use schema::{NoFunction, SchemaError};
pub(crate) use token::TokenError;

/// Anything that ends a request early.
#[derive(Debug)]
pub(crate) enum Error {
    Request(RequestError),
    Schema(SchemaError),
    Token(TokenError),
    Postgres(PostgresFailure),
    /// The schema has not been read yet.
    NoSchema,
}

/// An error as a client sees it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) details: Value,
    pub(crate) hint: Value,
    pub(crate) headers: HeaderMap,
}

impl Told {
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            details: Value::Null,
            hint: Value::Null,
            headers: HeaderMap::new(),
        }
    }

    pub(crate) fn details(mut self, details: impl Into<Value>) -> Self {
        self.details = details.into();
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<Value>) -> Self {
        self.hint = hint.into();
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The body alone.
    pub(crate) fn body(&self, terse: bool) -> Bytes {
        let mut body = json!({ "code": self.code, "message": self.message });
        if !terse {
            body["details"] = self.details.clone();
            body["hint"] = self.hint.clone();
        }
        body.to_string().into()
    }

    pub(crate) fn into_response(self, terse: bool) -> Response<Bytes> {
        let body = self.body(terse);
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.extend(self.headers);
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.entry(CONTENT_TYPE).or_insert(json);
        debug_assert_eq!(MediaType::Json.content_type(), "application/json; charset=utf-8");
        if let Ok(status) = HeaderValue::from_str(&format!("PostgREST; error={}", self.code)) {
            headers.insert("proxy-status", status);
        }
        let length = response.body().len();
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        response
    }
}

impl Error {
    pub(crate) fn told(self) -> Told {
        match self {
            Self::Request(error) => error.told(),
            Self::Schema(error) => error.told(),
            Self::Token(error) => error.told(),
            Self::Postgres(error) => error.told(),
            Self::NoSchema => Told::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "PGRST002",
                "Could not query the database for the schema cache. Retrying.",
            ),
        }
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<SchemaError> for Error {
    fn from(error: SchemaError) -> Self {
        Self::Schema(error)
    }
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<PostgresFailure> for Error {
    fn from(error: PostgresFailure) -> Self {
        Self::Postgres(error)
    }
}
