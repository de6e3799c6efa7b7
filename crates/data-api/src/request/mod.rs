//! From an HTTP request to what it asks for, without knowing any table.
//!
//! Pure: no database, no clock, no socket. [`ApiRequest::parse`] is the only way in; what it lets through is well formed, though
//! it may name things that do not exist.

pub(crate) mod ast;
mod grammar;
pub(crate) mod media_type;
mod parser;
pub(crate) mod payload;
pub(crate) mod preferences;
pub(crate) mod query;
pub(crate) mod range;

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};

use crate::config::{Config, OpenApiMode};
use crate::error::{Error, RequestError};
use crate::identifier::Qualified;

use media_type::MediaType;
use payload::Payload;
use preferences::Preferences;
use query::Query;
pub(crate) use query::encoded;
use range::RowRange;

/// Why a parameter could not be read: `PGRST100`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// What was being read, and where reading stopped.
    pub(crate) message: String,
    /// What stood there, and what could have.
    pub(crate) details: String,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Read {
        table: Qualified,
        head: bool,
    },
    Mutate {
        table: Qualified,
        mutation: Mutation,
    },
    Call {
        function: Qualified,
        by: CallMethod,
    },
    /// The description of the whole schema.
    Describe {
        head: bool,
    },
    /// `OPTIONS`: what may be done.
    TableOptions(Qualified),
    FunctionOptions(Qualified),
    RootOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    Create,
    Update,
    /// `PUT`: this one row, new or not.
    SingleUpsert,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallMethod {
    Post,
    Get,
    Head,
}

impl CallMethod {
    pub(crate) fn is_read(self) -> bool {
        self != Self::Post
    }
}

/// A request, understood.
#[derive(Debug)]
pub(crate) struct ApiRequest {
    pub(crate) action: Action,
    pub(crate) schema: String,
    /// Whether the schema was chosen among several, so that the answer has to say which.
    pub(crate) schema_was_negotiated: bool,
    pub(crate) query: Query,
    pub(crate) range: RowRange,
    pub(crate) preferences: Preferences,
    pub(crate) payload: Option<Payload>,
    /// The columns that are written, or the arguments that are given.
    pub(crate) columns: BTreeSet<String>,
    pub(crate) accept: Vec<MediaType>,
    pub(crate) content_type: MediaType,
}

impl ApiRequest {
    /// Understands `request`, whose path is below the data API's own.
    pub(crate) fn parse(config: &Config, request: &Request<Bytes>) -> Result<Self, Error> {
        let (headers, method) = (request.headers(), request.method());
        let resource = Resource::parse(config, request.uri().path())?;
        let (schema, schema_was_negotiated) = negotiate_schema(config, headers, method)?;
        let action = resource.action(&schema, method)?;
        let by_get = matches!(&action, Action::Call { by, .. } if by.is_read());
        let query = Query::parse(request.uri().query().unwrap_or_default(), by_get).map_err(RequestError::Query)?;
        let range =
            range::top_level(method == Method::GET, headers, query.root_range()).map_err(RequestError::Range)?;
        if method == Method::PUT && range != RowRange::ALL {
            return Err(RequestError::PutWithLimit.into());
        }
        let content_type = header(headers, "content-type").map_or(MediaType::Json, MediaType::parse);
        let payload = read_payload(&action, request.body(), &content_type, &query)?;
        let columns = match &payload {
            Some(Payload::Json { keys, .. } | Payload::Form { keys, .. }) => keys.clone(),
            Some(Payload::RawJson(_)) => query.columns.clone().unwrap_or_default(),
            _ => BTreeSet::new(),
        };
        let accept = header(headers, "accept").map_or_else(|| vec![MediaType::Any], MediaType::accepted);
        let preferences = Preferences::parse(headers, config.transaction_end_is_theirs);
        Ok(Self {
            action,
            schema,
            schema_was_negotiated,
            query,
            range,
            preferences,
            payload,
            columns,
            accept,
            content_type,
        })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What stands in the path.
enum Resource {
    Table(String),
    Function(String),
    Schema,
}

impl Resource {
    fn parse(config: &Config, path: &str) -> Result<Self, RequestError> {
        let decoded = |part: &str| {
            percent_encoding::percent_decode_str(part)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| RequestError::Path)
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let parts: Vec<&str> = if path.is_empty() { Vec::new() } else { path.split('/').collect() };
        match parts.as_slice() {
            [] if config.openapi_mode == OpenApiMode::Disabled => Err(RequestError::NoRootDocument),
            [] => {
                Ok(config.root_function.as_ref().map_or(Self::Schema, |function| Self::Function(function.name.clone())))
            }
            [table] => decoded(table).map(Self::Table),
            ["rpc", function] => decoded(function).map(Self::Function),
            _ => Err(RequestError::Path),
        }
    }

    fn action(self, schema: &str, method: &Method) -> Result<Action, RequestError> {
        let in_schema = |name| Qualified { schema: schema.to_owned(), name };
        let unsupported = || RequestError::Method(method.to_string());
        Ok(match self {
            Self::Function(name) => {
                let function = in_schema(name);
                match method.as_str() {
                    "HEAD" => Action::Call { function, by: CallMethod::Head },
                    "GET" => Action::Call { function, by: CallMethod::Get },
                    "POST" => Action::Call { function, by: CallMethod::Post },
                    "OPTIONS" => Action::FunctionOptions(function),
                    _ => return Err(RequestError::FunctionMethod(method.to_string())),
                }
            }
            Self::Table(name) => {
                let table = in_schema(name);
                match method.as_str() {
                    "HEAD" => Action::Read { table, head: true },
                    "GET" => Action::Read { table, head: false },
                    "POST" => Action::Mutate { table, mutation: Mutation::Create },
                    "PUT" => Action::Mutate { table, mutation: Mutation::SingleUpsert },
                    "PATCH" => Action::Mutate { table, mutation: Mutation::Update },
                    "DELETE" => Action::Mutate { table, mutation: Mutation::Delete },
                    "OPTIONS" => Action::TableOptions(table),
                    _ => return Err(unsupported()),
                }
            }
            Self::Schema => match method.as_str() {
                "HEAD" => Action::Describe { head: true },
                "GET" => Action::Describe { head: false },
                "OPTIONS" => Action::RootOptions,
                _ => return Err(unsupported()),
            },
        })
    }
}

/// `Accept-Profile` where something is read, `Content-Profile` where something is sent.
fn negotiate_schema(config: &Config, headers: &HeaderMap, method: &Method) -> Result<(String, bool), RequestError> {
    let name = match method.as_str() {
        "DELETE" | "PATCH" | "POST" | "PUT" => "content-profile",
        _ => "accept-profile",
    };
    match header(headers, name) {
        Some(profile) if config.schemas.iter().any(|schema| schema == profile) => Ok((profile.to_owned(), true)),
        Some(profile) => Err(RequestError::Schema { found: profile.to_owned(), exposed: config.schemas.clone() }),
        None => Ok((config.schemas[0].clone(), config.schemas.len() > 1)),
    }
}

fn read_payload(
    action: &Action,
    body: &Bytes,
    content_type: &MediaType,
    query: &Query,
) -> Result<Option<Payload>, RequestError> {
    let (function, columns) = match action {
        Action::Mutate { mutation: Mutation::Delete, .. } => return Ok(None),
        Action::Mutate { mutation: Mutation::SingleUpsert, .. } => (false, None),
        Action::Mutate { .. } => (false, query.columns.as_ref()),
        Action::Call { by: CallMethod::Post, .. } => (true, query.columns.as_ref()),
        _ => return Ok(None),
    };
    Payload::read(body, content_type, function, columns).map(Some).map_err(RequestError::Body)
}
