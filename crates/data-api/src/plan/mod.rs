//! From what is asked for to what will be done, held against the schema. Pure, like what comes before it.

mod call;
pub(crate) mod column;
pub(crate) mod embed;
mod mutate;
pub(crate) mod read;
mod spread;
mod stars;

pub(crate) use call::{Argument, Arguments, CallPlan};
pub(crate) use mutate::{Insert, MutatePlan, Update};
pub(crate) use read::ReadNode;

use crate::config::Config;
use crate::error::{Error, RequestError, SchemaError};
use crate::identifier::Qualified;
use crate::request::media_type::MediaType;
use crate::request::preferences::Representation;
use crate::request::{Action, ApiRequest, CallMethod, Mutation};
use crate::schema_cache::media_handler::Handler;
use crate::schema_cache::{Function, SchemaCache, Table, Volatility};

/// What will be done.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a handful exist for each request, and none is kept")]
pub(crate) enum Plan {
    /// One statement that reads, writes or calls, and gives a body.
    Statement(StatementPlan),
    /// The description of the schema.
    Describe {
        head: bool,
    },
    /// What may be done, without asking Postgres.
    TableOptions(Table),
    FunctionOptions {
        read_only: bool,
    },
    RootOptions,
}

impl Plan {
    /// Whether what the planner guesses about rows tells nothing that the caller could not count: a table without row security, and
    /// nothing else in the statement.
    pub(crate) fn estimates_are_open(&self, cache: &SchemaCache) -> bool {
        let Self::Statement(plan) = self else { return true };
        plan.read.children.is_empty() && cache.tables.get(&plan.target).is_some_and(|table| table.open)
    }
}

#[derive(Debug)]
pub(crate) struct StatementPlan {
    /// The relation or function that the path names.
    pub(crate) target: Qualified,
    pub(crate) read: ReadNode,
    pub(crate) kind: Kind,
    pub(crate) handler: Handler,
    pub(crate) media_type: MediaType,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a handful exist for each request, and none is kept")]
pub(crate) enum Kind {
    Read { head: bool },
    Mutate { mutation: Mutation, plan: MutatePlan },
    Call { function: Function, plan: CallPlan, by: CallMethod },
}

impl StatementPlan {
    /// Whether Postgres may refuse to write: for reads, and for functions that say that they do not.
    pub(crate) fn is_read_only(&self) -> bool {
        match &self.kind {
            Kind::Read { .. } => true,
            Kind::Mutate { .. } => false,
            Kind::Call { function, by, .. } => by.is_read() || function.volatility != Volatility::Volatile,
        }
    }

    /// Whether the answer has no body.
    pub(crate) fn is_head(&self) -> bool {
        matches!(self.kind, Kind::Read { head: true } | Kind::Call { by: CallMethod::Head, .. })
    }

    /// Whether Postgres is only asked how it would do it.
    pub(crate) fn explains(&self) -> bool {
        matches!(self.media_type, MediaType::Plan { .. })
    }
}

/// Plans `request`.
pub(crate) fn plan(config: &Config, cache: &SchemaCache, request: &ApiRequest) -> Result<Plan, Error> {
    match &request.action {
        Action::Read { table, head } => {
            found(cache, table)?;
            let read = read::plan(config, cache, request, table)?;
            let (handler, media_type) = negotiate(config, cache, request, table, &read)?;
            check_preferences(request)?;
            let kind = Kind::Read { head: *head };
            Ok(Plan::Statement(StatementPlan { target: table.clone(), read, kind, handler, media_type }))
        }
        Action::Mutate { table, mutation } => {
            let known = found(cache, table)?;
            let read = read::plan(config, cache, request, table)?;
            let plan = mutate::plan(cache, request, known, *mutation, &read)?;
            check_preferences(request)?;
            let (handler, media_type) = negotiate(config, cache, request, table, &read)?;
            let kind = Kind::Mutate { mutation: *mutation, plan };
            Ok(Plan::Statement(StatementPlan { target: table.clone(), read, kind, handler, media_type }))
        }
        Action::Call { function, by } => call_plan(config, cache, request, function, *by).map(Plan::Statement),
        Action::Describe { head } => {
            let describes =
                |media_type: &MediaType| matches!(media_type, MediaType::OpenApi | MediaType::Json | MediaType::Any);
            if !request.accept.iter().any(describes) {
                return Err(not_acceptable(request).into());
            }
            Ok(Plan::Describe { head: *head })
        }
        Action::TableOptions(table) => Ok(Plan::TableOptions(found(cache, table)?.clone())),
        Action::FunctionOptions(function) => {
            let arguments = call::given(request, CallMethod::Head);
            let found = call::find(cache, function, &arguments, &request.content_type, CallMethod::Head)?;
            Ok(Plan::FunctionOptions { read_only: found.volatility != Volatility::Volatile })
        }
        Action::RootOptions => Ok(Plan::RootOptions),
    }
}

fn call_plan(
    config: &Config,
    cache: &SchemaCache,
    request: &ApiRequest,
    name: &Qualified,
    by: CallMethod,
) -> Result<StatementPlan, Error> {
    let given = call::given(request, by);
    let function = call::find(cache, name, &given, &request.content_type, by)?;
    // The rows of a relation that a function gives can embed what the relation can.
    let relation = Qualified::new(&function.schema, function.table_name().unwrap_or(&function.name));
    let read = read::plan(config, cache, request, &relation)?;
    let plan = call::plan(function, request, by, &read);
    let (handler, media_type) = negotiate(config, cache, request, &relation, &read)?;
    check_preferences(request)?;
    if request.preferences.max_affected.is_some() && request.preferences.strict() && function.returns_single() {
        return Err(RequestError::MaxAffectedOfSingle.into());
    }
    let kind = Kind::Call { function: function.clone(), plan, by };
    Ok(StatementPlan { target: name.clone(), read, kind, handler, media_type })
}

fn found<'a>(cache: &'a SchemaCache, table: &Qualified) -> Result<&'a Table, SchemaError> {
    cache.tables.get(table).ok_or_else(|| SchemaError::no_table(cache, &table.schema, &table.name))
}

fn check_preferences(request: &ApiRequest) -> Result<(), RequestError> {
    let preferences = &request.preferences;
    if preferences.strict() && !preferences.unknown.is_empty() {
        return Err(RequestError::UnknownPreferences(preferences.unknown.clone()));
    }
    Ok(())
}

fn not_acceptable(request: &ApiRequest) -> RequestError {
    RequestError::MediaType(request.accept.iter().map(ToString::to_string).collect())
}

/// The first media type accepted that somebody makes, and who makes it.
fn negotiate(
    config: &Config,
    cache: &SchemaCache,
    request: &ApiRequest,
    relation: &Qualified,
    read: &ReadNode,
) -> Result<(Handler, MediaType), RequestError> {
    let whole_rows = read.shows_whole_rows();
    let lookup = |media_type: &MediaType| cache.media_handlers.find(relation, media_type, whole_rows).cloned();
    let handled = |media_type: &MediaType| match media_type {
        MediaType::Object { stripped } => Some((Handler::SingleJson { stripped: *stripped }, media_type.clone())),
        MediaType::StrippedArray => Some((Handler::StrippedArray, media_type.clone())),
        MediaType::Plan { .. } if !config.plans => None,
        MediaType::Plan { of, .. } => {
            let handler = match of.as_ref() {
                MediaType::Object { stripped } => Handler::SingleJson { stripped: *stripped },
                MediaType::StrippedArray => Handler::StrippedArray,
                other => lookup(other)?.0,
            };
            Some((handler, media_type.clone()))
        }
        other => lookup(other),
    };
    let (handler, media_type) = request.accept.iter().find_map(handled).ok_or_else(|| not_acceptable(request))?;
    let nobody_looks = match request.action {
        Action::Mutate { .. } => request.preferences.representation != Some(Representation::Full),
        Action::Read { head, .. } => head,
        Action::Call { by, .. } => by == CallMethod::Head,
        _ => false,
    };
    Ok((if nobody_looks { Handler::None } else { handler }, media_type))
}
