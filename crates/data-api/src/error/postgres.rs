//! What Postgres refused, in HTTP's words.

use ::postgres::Error as PostgresError;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::Told;
use super::request::{RaiseError, RequestError};

/// A failure of Postgres, or on the way there, during the request of somebody.
#[derive(Debug)]
pub(crate) struct PostgresFailure {
    pub(crate) error: PostgresError,
    /// Whether the caller is somebody: who may not do something is forbidden, where a stranger may still sign in.
    pub(crate) signed_in: bool,
}

impl PostgresFailure {
    pub(super) fn told(self) -> Told {
        if matches!(self.error, PostgresError::Busy { .. }) {
            let message = "Timed out acquiring connection from connection pool.";
            return Told::new(StatusCode::GATEWAY_TIMEOUT, "PGRST003", message);
        }
        // The operator's log says why; an address or a login is nothing for strangers.
        if self.error.is_absence() {
            return Told::new(StatusCode::SERVICE_UNAVAILABLE, "PGRST000", "Database connection error.");
        }
        let Some(answer) = self.error.refusal() else {
            return Told::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "PGRST001",
                "Database client error. Retrying the connection.",
            );
        };
        let code = answer.code().code();
        if code == "PGRST" {
            return raised(answer.message(), answer.detail());
        }
        let status = status(code, answer.message(), self.signed_in);
        let mut told = Told::new(status, code, answer.message());
        if let Some(detail) = answer.detail() {
            told = told.details(detail);
        }
        if let Some(hint) = answer.hint() {
            told = told.hint(hint);
        }
        if status == StatusCode::UNAUTHORIZED {
            told = told.header(WWW_AUTHENTICATE, "Bearer");
        }
        told
    }
}

/// The HTTP status of a SQLSTATE.
fn status(code: &str, message: &str, signed_in: bool) -> StatusCode {
    let class = code.get(..2).unwrap_or_default();
    let number = match (class, code) {
        ("PT", _) => code.get(2..).and_then(|digits| digits.parse().ok()).unwrap_or(500),
        (_, "23503" | "23505") => 409,
        // A read that writes.
        (_, "25006") => 405,
        (_, "21000") if message.ends_with("requires a WHERE clause") => 400,
        (_, "21000") => 500,
        // The role of the token does not exist.
        (_, "22023") if message.starts_with("role") && message.ends_with("does not exist") => 401,
        (_, "53400") => 500,
        (_, "57P01") => 503,
        (_, "P0001") => 400,
        (_, "42883") if message.starts_with("function xmlagg(") => 406,
        (_, "42883" | "42P01") => 404,
        (_, "42P17") => 500,
        (_, "42501") if signed_in => 403,
        (_, "42501") => 401,
        ("08" | "53", _) => 503,
        ("0L" | "0P" | "28", _) => 403,
        ("09" | "25" | "2D" | "38" | "39" | "3B" | "40" | "54" | "55" | "57" | "58" | "F0" | "HV" | "P0" | "XX", _) => {
            500
        }
        _ => 400,
    };
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The message of `raise sqlstate 'PGRST'`.
#[derive(Deserialize)]
struct RaisedMessage {
    code: String,
    message: String,
    details: Option<String>,
    hint: Option<String>,
}

/// Its detail.
#[derive(Deserialize)]
struct RaisedDetail {
    status: u16,
    #[serde(rename = "status_text")]
    _status_text: Option<String>,
    headers: BTreeMap<String, String>,
}

/// A function decides the whole answer: `raise sqlstate 'PGRST' using message = …, detail = …`.
fn raised(message: &str, detail: Option<&str>) -> Told {
    let refuse = |error| RequestError::Raise(error).told();
    let Ok(said) = serde_json::from_str::<RaisedMessage>(message) else {
        return refuse(RaiseError::Message(message.to_owned()));
    };
    let Some(detail) = detail else { return refuse(RaiseError::NoDetail) };
    let Ok(how) = serde_json::from_str::<RaisedDetail>(detail) else {
        return refuse(RaiseError::Detail(detail.to_owned()));
    };
    let status = StatusCode::from_u16(how.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut told = Told::new(status, &said.code, said.message).details(said.details).hint(said.hint);
    for (name, value) in how.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            told = told.header(name, &value);
        }
    }
    told
}
