//! `PGRST1xx`: the request asks for what cannot be.

use http::StatusCode;

use super::Told;
use crate::request::Malformed;
use crate::request::range::RangeError;

/// What is wrong with a request.
#[derive(Debug)]
pub(crate) enum RequestError {
    Query(Malformed),
    FunctionMethod(String),
    Body(String),
    Range(RangeError),
    /// `PUT` without exactly the primary key as filters.
    PutFilters,
    Schema {
        found: String,
        exposed: Vec<String>,
    },
    MediaType(Vec<String>),
    NotEmbedded {
        name: String,
        alias: Option<String>,
    },
    GucHeaders,
    GucStatus,
    PutWithLimit,
    PutOtherKey,
    NotSingular(i64),
    Method(String),
    OrderNotToOne {
        origin: String,
        target: String,
    },
    Raise(RaiseError),
    UnknownPreferences(Vec<String>),
    AggregatesOff,
    TooManyAffected(i64),
    Path,
    NoRootDocument,
    NotImplemented(&'static str),
    MaxAffectedOfSingle,
}

/// What is wrong with `raise sqlstate 'PGRST'`.
#[derive(Debug)]
pub(crate) enum RaiseError {
    Message(String),
    Detail(String),
    NoDetail,
}

impl RequestError {
    pub(super) fn told(self) -> Told {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        match self {
            Self::Query(Malformed { message, details }) => Told::new(BAD, "PGRST100", message).details(details),
            Self::FunctionMethod(method) => {
                Told::new(StatusCode::METHOD_NOT_ALLOWED, "PGRST101", format!("Cannot use the {method} method on RPC"))
            }
            Self::Body(message) => Told::new(BAD, "PGRST102", message),
            Self::Range(error) => {
                let told = Told::new(StatusCode::RANGE_NOT_SATISFIABLE, "PGRST103", "Requested range not satisfiable");
                told.details(match error {
                    RangeError::NegativeLimit => "Limit should be greater than or equal to zero.".to_owned(),
                    RangeError::LowerAboveUpper => {
                        "The lower boundary must be lower than or equal to the upper boundary in the Range header."
                            .to_owned()
                    }
                    RangeError::OutOfBounds { lower, total } => {
                        format!("An offset of {lower} was requested, but there are only {total} rows.")
                    }
                })
            }
            Self::PutFilters => Told::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "PGRST105",
                "Filters must include all and only primary key columns with 'eq' operators",
            ),
            Self::Schema { found, exposed } => {
                Told::new(StatusCode::NOT_ACCEPTABLE, "PGRST106", format!("Invalid schema: {found}"))
                    .hint(format!("Only the following schemas are exposed: {}", exposed.join(", ")))
            }
            Self::MediaType(asked) => Told::new(
                StatusCode::NOT_ACCEPTABLE,
                "PGRST107",
                format!("None of these media types are available: {}", asked.join(", ")),
            ),
            Self::NotEmbedded { name, alias } => {
                let told = Told::new(BAD, "PGRST108", format!("'{name}' is not an embedded resource in this request"));
                match alias {
                    None => told.hint(format!("Verify that '{name}' is included in the 'select' query parameter.")),
                    Some(alias) => told
                        .details("Target names are not allowed in filters if they have an alias")
                        .hint(format!("Change '{name}' to '{alias}' in filters, orders or limits.")),
                }
            }
            Self::GucHeaders => Told::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "PGRST111",
                "response.headers guc must be a JSON array composed of objects with a single key and a string value",
            ),
            Self::GucStatus => Told::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "PGRST112",
                "response.status guc must be a valid status code",
            ),
            Self::PutWithLimit => {
                Told::new(BAD, "PGRST114", "limit/offset querystring parameters are not allowed for PUT")
            }
            Self::PutOtherKey => Told::new(BAD, "PGRST115", "Payload values do not match URL in primary key column(s)"),
            Self::NotSingular(rows) => {
                Told::new(StatusCode::NOT_ACCEPTABLE, "PGRST116", "Cannot coerce the result to a single JSON object")
                    .details(format!("The result contains {rows} rows"))
            }
            Self::Method(method) => {
                Told::new(StatusCode::METHOD_NOT_ALLOWED, "PGRST117", format!("Unsupported HTTP method: {method}"))
            }
            Self::OrderNotToOne { origin, target } => {
                Told::new(BAD, "PGRST118", format!("A related order on '{target}' is not possible"))
                    .details(format!("'{origin}' and '{target}' do not form a many-to-one or one-to-one relationship"))
            }
            Self::Raise(error) => error.told(),
            Self::UnknownPreferences(preferences) => {
                Told::new(BAD, "PGRST122", "Invalid preferences given with handling=strict")
                    .details(format!("Invalid preferences: {}", preferences.join(", ")))
            }
            Self::AggregatesOff => Told::new(BAD, "PGRST123", "Use of aggregate functions is not allowed"),
            Self::TooManyAffected(rows) => {
                Told::new(BAD, "PGRST124", "Query result exceeds max-affected preference constraint")
                    .details(format!("The query affects {rows} rows"))
            }
            Self::Path => Told::new(StatusCode::NOT_FOUND, "PGRST125", "Invalid path specified in request URL"),
            Self::NoRootDocument => Told::new(StatusCode::NOT_FOUND, "PGRST126", "Root endpoint metadata is disabled"),
            Self::NotImplemented(what) => Told::new(BAD, "PGRST127", "Feature not implemented").details(what),
            Self::MaxAffectedOfSingle => Told::new(
                BAD,
                "PGRST128",
                "Function must return SETOF or TABLE when max-affected preference is used with handling=strict",
            ),
        }
    }
}

impl RaiseError {
    fn told(self) -> Told {
        let told = Told::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "PGRST121",
            "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error",
        );
        const DETAIL: &str =
            "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'.";
        match self {
            Self::Message(found) => told.details(format!("Invalid JSON value for MESSAGE: '{found}'")).hint(
                "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'.",
            ),
            Self::Detail(found) => told.details(format!("Invalid JSON value for DETAIL: '{found}'")).hint(DETAIL),
            Self::NoDetail => told.details("DETAIL is missing in the RAISE statement").hint(DETAIL),
        }
    }
}
