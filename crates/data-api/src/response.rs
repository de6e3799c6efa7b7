//! The answer: status, headers and body from what a statement gave, and from what the database wants them to be.

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, LOCATION, VARY, WARNING,
};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use serde_json::Value;

use crate::config::Config;
use crate::error::{Error, RequestError};
use crate::execute::Outcome;
use crate::plan::{Kind, MutatePlan, StatementPlan};
use crate::request::media_type::MediaType;
use crate::request::preferences::{Preferences, Representation, Resolution};
use crate::request::range::{self, RangeError};
use crate::request::{ApiRequest, Mutation, encoded};
use crate::schema_cache::Table;

/// The answer to `plan`.
pub(crate) fn statement(
    config: &Config,
    request: &ApiRequest,
    plan: &StatementPlan,
    outcome: Outcome,
) -> Result<Response<Bytes>, Error> {
    let mut answer = Answer::new(StatusCode::OK);
    if plan.explains() {
        answer.content(request, &plan.media_type);
        answer.body(outcome.body);
        return Ok(answer.finish(config, plan));
    }
    let preferences = applied(request, plan);
    if let Some(applied) = preferences.applied() {
        answer.header(HeaderName::from_static("preference-applied"), applied);
    }
    match &plan.kind {
        Kind::Read { head } => {
            ranged(config, request, plan, &outcome, &mut answer, *head);
            let query = &request.query.canonical;
            let separator = if query.is_empty() { "" } else { "?" };
            answer.header(CONTENT_LOCATION, format!("/{}{separator}{query}", plan.target.name));
        }
        Kind::Call { function, .. } if function.returns_void() => {
            let (_, range) = range::answer(request.range, outcome.given, outcome.total);
            answer.header(CONTENT_RANGE, range);
            answer.status = StatusCode::NO_CONTENT;
        }
        Kind::Call { .. } => ranged(config, request, plan, &outcome, &mut answer, plan.is_head()),
        Kind::Mutate { mutation, plan: mutate } => {
            mutated(request, plan, *mutation, mutate, &preferences, &outcome, &mut answer);
        }
    }
    answer.overridden(outcome.status.as_deref(), outcome.headers.as_deref())?;
    Ok(answer.finish(config, plan))
}

/// The answer to `OPTIONS` on a relation.
pub(crate) fn table_options(table: &Table) -> Response<Bytes> {
    let mut allowed = vec!["OPTIONS,GET,HEAD"];
    if table.insertable {
        allowed.push("POST");
    }
    if table.insertable && table.updatable && !table.primary_key.is_empty() {
        allowed.push("PUT");
    }
    if table.updatable {
        allowed.push("PATCH");
    }
    if table.deletable {
        allowed.push("DELETE");
    }
    options(allowed.join(","))
}

/// The answer to `OPTIONS` on a function.
pub(crate) fn function_options(read_only: bool) -> Response<Bytes> {
    options(if read_only { "OPTIONS,GET,HEAD,POST" } else { "OPTIONS,POST" }.to_owned())
}

/// The answer to `OPTIONS` at the root.
pub(crate) fn root_options() -> Response<Bytes> {
    options("OPTIONS,GET,HEAD".to_owned())
}

/// The description of the schema.
pub(crate) fn description(request: &ApiRequest, body: Bytes, head: bool) -> Response<Bytes> {
    let mut answer = Answer::new(StatusCode::OK);
    answer.content(request, &MediaType::OpenApi);
    if !head {
        answer.body(body);
    }
    answer.varying()
}

fn options(allowed: String) -> Response<Bytes> {
    let mut answer = Answer::new(StatusCode::OK);
    answer.header(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned());
    answer.header(ALLOW, allowed);
    answer.body(Bytes::new());
    answer.varying()
}

/// Rows out of a range of rows.
fn ranged(
    config: &Config,
    request: &ApiRequest,
    plan: &StatementPlan,
    outcome: &Outcome,
    answer: &mut Answer,
    head: bool,
) {
    let (status, content_range) = range::answer(request.range, outcome.given, outcome.total);
    answer.status = status;
    answer.header(CONTENT_RANGE, content_range);
    answer.content(request, &plan.media_type);
    let body = if status == StatusCode::RANGE_NOT_SATISFIABLE {
        let (lower, total) = (request.range.lower, outcome.total.unwrap_or_default());
        let error: Error = RequestError::Range(RangeError::OutOfBounds { lower, total }).into();
        error.told().body(config.terse_errors)
    } else {
        outcome.body.clone()
    };
    if !head {
        answer.body(body);
    }
}

fn mutated(
    request: &ApiRequest,
    plan: &StatementPlan,
    mutation: Mutation,
    mutate: &MutatePlan,
    preferences: &Preferences,
    outcome: &Outcome,
    answer: &mut Answer,
) {
    let full = request.preferences.representation == Some(Representation::Full);
    let counted = request.preferences.count.filter(|count| count.counts()).map(|_| outcome.given);
    let merged = preferences.resolution == Some(Resolution::MergeDuplicates)
        || request.preferences.resolution == Some(Resolution::MergeDuplicates);
    let all_old = outcome.inserted.is_none_or(|inserted| inserted <= 0);
    match mutation {
        Mutation::Create => {
            answer.status = if merged && all_old { StatusCode::OK } else { StatusCode::CREATED };
            answer.header(CONTENT_RANGE, range::content_range(1, 0, counted));
            if let (MutatePlan::Insert(_), false) = (mutate, outcome.location.is_empty()) {
                answer.header(LOCATION, location(&plan.target.name, &outcome.location));
            }
        }
        Mutation::SingleUpsert => {
            answer.status = match (full, all_old) {
                (false, _) => StatusCode::NO_CONTENT,
                (true, true) => StatusCode::OK,
                (true, false) => StatusCode::CREATED,
            };
        }
        Mutation::Update | Mutation::Delete => {
            answer.status = if full { StatusCode::OK } else { StatusCode::NO_CONTENT };
            let (lower, upper) = if mutation == Mutation::Update { (0, outcome.given - 1) } else { (1, 0) };
            answer.header(CONTENT_RANGE, range::content_range(lower, upper, counted));
        }
    }
    if full {
        answer.content(request, &plan.media_type);
        answer.body(outcome.body.clone());
    } else if mutation == Mutation::Create {
        answer.body(Bytes::new());
    }
}

/// `/table?key=eq.value`.
fn location(table: &str, keys: &[String]) -> String {
    let keys: Vec<String> = keys
        .iter()
        .map(|key| {
            let (name, value) = key.split_once('=').unwrap_or((key, ""));
            format!("{}={}", encoded(name), encoded(value))
        })
        .collect();
    format!("/{table}?{}", keys.join("&"))
}

/// The preferences that made a difference.
fn applied(request: &ApiRequest, plan: &StatementPlan) -> Preferences {
    let asked = &request.preferences;
    let mut applied = asked.clone();
    let mutation = match &plan.kind {
        Kind::Mutate { mutation, .. } => Some(*mutation),
        Kind::Read { .. } | Kind::Call { .. } => None,
    };
    let has_target = match &plan.kind {
        Kind::Mutate { plan: MutatePlan::Insert(insert), .. } => {
            !insert.primary_key.is_empty() || request.query.on_conflict.is_some()
        }
        _ => false,
    };
    applied.resolution = asked.resolution.filter(|_| mutation == Some(Mutation::Create) && has_target);
    applied.representation = asked.representation.filter(|_| mutation.is_some());
    applied.missing = asked.missing.filter(|_| matches!(mutation, Some(Mutation::Create | Mutation::Update)));
    let bounded =
        matches!(mutation, Some(Mutation::Update | Mutation::Delete)) || matches!(plan.kind, Kind::Call { .. });
    applied.max_affected = asked.max_affected.filter(|_| bounded);
    applied
}

/// An answer in the making.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A value that cannot stand in a header is left out.
    fn header(&mut self, name: HeaderName, value: String) {
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value)) {
            self.headers.insert(name, value);
        }
    }

    fn content(&mut self, request: &ApiRequest, media_type: &MediaType) {
        self.header(CONTENT_TYPE, media_type.content_type());
        if request.schema_was_negotiated {
            self.header(HeaderName::from_static("content-profile"), request.schema.clone());
        }
    }

    fn body(&mut self, body: Bytes) {
        self.headers.insert(CONTENT_LENGTH, body.len().into());
        self.body = body;
    }

    /// `response.status` and `response.headers` win over what would have been.
    fn overridden(&mut self, status: Option<&str>, headers: Option<&str>) -> Result<(), RequestError> {
        if let Some(text) = status {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            let number = digits.parse::<u16>().map_err(|_| RequestError::GucStatus)?;
            self.status = StatusCode::from_u16(number).map_err(|_| RequestError::GucStatus)?;
        }
        let Some(text) = headers else { return Ok(()) };
        let pairs = parse_headers(text).ok_or(RequestError::GucHeaders)?;
        for (name, _) in &pairs {
            self.headers.remove(name);
        }
        self.headers.extend(pairs);
        Ok(())
    }

    fn varying(mut self) -> Response<Bytes> {
        self.headers.entry(VARY).or_insert(HeaderValue::from_static("Accept, Prefer, Range"));
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }

    fn finish(mut self, config: &Config, plan: &StatementPlan) -> Response<Bytes> {
        let legacy = if config.legacy_target_names { plan.read.legacy_names() } else { Vec::new() };
        if !legacy.is_empty() {
            let changes: Vec<String> = legacy.iter().map(|(name, alias)| format!("`{name}` to `{alias}`")).collect();
            let warning = format!(
                "299 PostgRESTv{} \"Embedded resource was referenced by relation name even though it has an alias. \
                 This is deprecated and will stop working in a future release. \
                 Update {} in query string filters, orders or limits.\"",
                crate::COMPATIBLE_WITH,
                changes.join(", ")
            );
            self.header(WARNING, warning);
        }
        self.varying()
    }
}

/// `[{"Set-Cookie": "a=b"}, …]`.
fn parse_headers(text: &str) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let Value::Array(items) = serde_json::from_str(text).ok()? else { return None };
    items
        .iter()
        .map(|item| {
            let object = item.as_object().filter(|object| object.len() == 1)?;
            let (name, value) = object.iter().next()?;
            let value = HeaderValue::from_str(value.as_str()?).ok()?;
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
        })
        .collect()
}
