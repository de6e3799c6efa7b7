//! Running a plan: one transaction as the caller, with everything that statements may want to know of the request.

use std::borrow::Cow;

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, Request};
use postgres::identifier::quote_identifier;
use postgres::{
    ClientPool, ClientStatement, ClientTransaction, End, Identity, Isolation, Parameter, Place, Row, Setting, Verdict,
};
use serde_json::{Map, Value as Json};
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use crate::auth::Caller;
use crate::config::Config;
use crate::error::{Error, PostgresFailure, RequestError};
use crate::identifier::Qualified;
use crate::plan::{Kind, StatementPlan};
use crate::request::preferences::{Count, TransactionEnd};
use crate::request::{ApiRequest, Mutation};
use crate::sql::{self, Sql, Value};

/// What a statement gave.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) total: Option<i64>,
    pub(crate) given: i64,
    /// `key=eq.value` of a single new row.
    pub(crate) location: Vec<String>,
    pub(crate) body: Bytes,
    /// What the database wants the headers to be, as JSON.
    pub(crate) headers: Option<String>,
    pub(crate) status: Option<String>,
    /// How many rows of an upsert were new, where that was counted.
    pub(crate) inserted: Option<i32>,
}

/// Whatever is the same for every request of one server.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) pool: &'a ClientPool,
    pub(crate) config: &'a Config,
    pub(crate) caller: &'a Caller,
}

impl Context<'_> {
    /// Runs `plan`.
    pub(crate) async fn run(
        self,
        http: &Request<Bytes>,
        request: &ApiRequest,
        plan: &StatementPlan,
    ) -> Result<Outcome, Error> {
        let statement = sql::statement(self.config, request, plan);
        if plan.explains() {
            let rows = self.transaction(http, request, Some(plan), &[statement], self.end(request, plan)).await?;
            let mut body = BytesMut::new();
            for line in rows[0].iter().filter_map(|row| raw(row, 0)) {
                body.extend_from_slice(&line);
                body.extend_from_slice(b"\n");
            }
            return Ok(Outcome { body: body.freeze(), ..Outcome::default() });
        }
        let mut statements = vec![statement];
        let asks_planner = request.preferences.count.is_some_and(Count::asks_planner);
        if asks_planner && matches!(plan.kind, Kind::Read { .. }) {
            statements.push(sql::planned_count(plan));
        }
        let check =
            |rows: &[Vec<Row>]| match rows[0].first().map_or(Ok(()), |row| check(request, plan, row.get("given"))) {
                Err(_) => Verdict::Discard,
                Ok(()) if self.rolls_back(request) => Verdict::RollBack,
                Ok(()) => Verdict::Commit,
            };
        let end = if must_see_rows(request, plan) { End::Decided(&check) } else { self.end(request, plan) };
        let rows = self.transaction(http, request, Some(plan), &statements, end).await?;
        let mut outcome = rows[0].first().map(Outcome::from).unwrap_or_default();
        self::check(request, plan, outcome.given)?;
        if let Some(rows) = rows.get(1) {
            let planned = rows.first().and_then(|row| planned_rows(&raw(row, 0)?));
            outcome.total = match request.preferences.count {
                Some(Count::Planned) => planned,
                _ => outcome.total.map(|total| {
                    // Up to the bound the rows were counted; beyond it the planner knows better.
                    let counted_all = self.config.max_rows.is_some_and(|bound| total <= bound);
                    if counted_all { total } else { total.max(planned.unwrap_or(total)) }
                }),
            };
        }
        Ok(outcome)
    }

    /// Runs statements that only read, as the caller.
    pub(crate) async fn read(
        self,
        http: &Request<Bytes>,
        request: &ApiRequest,
        statements: &[ClientStatement<'_>],
    ) -> Result<Vec<Vec<Row>>, Error> {
        self.send(http, request, None, statements, End::Commit).await
    }

    async fn transaction(
        self,
        http: &Request<Bytes>,
        request: &ApiRequest,
        plan: Option<&StatementPlan>,
        statements: &[Sql],
        end: End<'_>,
    ) -> Result<Vec<Vec<Row>>, Error> {
        let parameters: Vec<Vec<Parameter<'_>>> = statements
            .iter()
            .map(|statement| statement.parameters().iter().map(|value| (value as _, value.declared())).collect())
            .collect();
        let statements: Vec<ClientStatement<'_>> = statements
            .iter()
            .zip(&parameters)
            .map(|(statement, parameters)| (statement.text(), parameters.as_slice()))
            .collect();
        self.send(http, request, plan, &statements, end).await
    }

    async fn send(
        self,
        http: &Request<Bytes>,
        request: &ApiRequest,
        plan: Option<&StatementPlan>,
        statements: &[ClientStatement<'_>],
        end: End<'_>,
    ) -> Result<Vec<Vec<Row>>, Error> {
        let function = plan.and_then(|plan| match &plan.kind {
            Kind::Call { function, .. } => Some(function),
            _ => None,
        });
        let role_settings = self.config.role_settings_of(&self.caller.role);
        let isolation = function
            .and_then(|function| function.isolation.as_deref())
            .or_else(|| setting(role_settings, ISOLATION))
            .map_or(Isolation::ReadCommitted, isolation);
        let mut before_role: Vec<Setting<'_>> = vec![("search_path".into(), search_path(self.config, request).into())];
        before_role.extend(role_settings.iter().filter(|(name, _)| name != ISOLATION).map(borrowed));
        let mut settings: Vec<Setting<'_>> = vec![
            ("request.method".into(), http.method().as_str().into()),
            ("request.path".into(), http.uri().path().into()),
            ("request.headers".into(), headers(http.headers()).into()),
            ("request.cookies".into(), cookies(http.headers()).into()),
        ];
        if let Some(timezone) = &request.preferences.timezone {
            settings.push(("timezone".into(), timezone.into()));
        }
        settings.extend(function.iter().flat_map(|function| &function.settings).map(borrowed));
        settings.extend(self.config.app_settings.iter().map(borrowed));
        let before = self.config.pre_request.as_ref().map(call_of);
        let transaction = ClientTransaction {
            identity: Identity::limited_by_login_alone(&self.caller.role, &self.caller.claims),
            read_only: plan.is_none_or(StatementPlan::is_read_only),
            isolation,
            settings_before_role: &before_role,
            settings: &settings,
            ensures_rows: self.caller.ensures_rows,
            before: before.as_ref().map(Sql::text),
            statements,
            prepares: self.config.prepares_statements,
            end,
        };
        self.pool
            .run_for_client(transaction)
            .await
            .map_err(|error| PostgresFailure { error, signed_in: self.caller.signed_in }.into())
    }

    fn rolls_back(self, request: &ApiRequest) -> bool {
        match request.preferences.transaction {
            Some(TransactionEnd::Rollback) => true,
            Some(TransactionEnd::Commit) => false,
            None => self.config.rolls_back,
        }
    }

    fn end(self, request: &ApiRequest, plan: &StatementPlan) -> End<'static> {
        // A transaction that cannot write leaves nothing either way.
        if self.rolls_back(request) && !plan.is_read_only() { End::RollBack } else { End::Commit }
    }
}

const ISOLATION: &str = "default_transaction_isolation";

fn setting<'a>(settings: &'a [(String, String)], name: &str) -> Option<&'a str> {
    settings.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

fn isolation(name: &str) -> Isolation {
    match name.to_ascii_lowercase().as_str() {
        "repeatable read" => Isolation::RepeatableRead,
        "serializable" => Isolation::Serializable,
        _ => Isolation::ReadCommitted,
    }
}

fn borrowed((name, value): &(String, String)) -> Setting<'_> {
    (Cow::Borrowed(name), Cow::Borrowed(value))
}

fn call_of(function: &Qualified) -> Sql {
    let mut sql = Sql::default();
    sql.push("select ").qualified(function).push("()");
    sql
}

/// Whether the rows decide about the end.
fn must_see_rows(request: &ApiRequest, plan: &StatementPlan) -> bool {
    if plan.is_read_only() {
        return false;
    }
    let put = matches!(plan.kind, Kind::Mutate { mutation: Mutation::SingleUpsert, .. });
    let bounded = request.preferences.strict() && request.preferences.max_affected.is_some();
    put || bounded || plan.media_type.is_singular()
}

/// Whether as many rows came as were promised.
fn check(request: &ApiRequest, plan: &StatementPlan, given: i64) -> Result<(), RequestError> {
    let mutation = match &plan.kind {
        Kind::Mutate { mutation, .. } => Some(*mutation),
        Kind::Read { .. } | Kind::Call { .. } => None,
    };
    if mutation == Some(Mutation::SingleUpsert) {
        return if given == 1 { Ok(()) } else { Err(RequestError::PutOtherKey) };
    }
    if plan.media_type.is_singular() && given != 1 {
        return Err(RequestError::NotSingular(given));
    }
    let bound = request.preferences.max_affected.filter(|_| request.preferences.strict());
    let bounded = !matches!(plan.kind, Kind::Read { .. }) && mutation != Some(Mutation::Create);
    match bound {
        Some(bound) if bounded && given > bound => Err(RequestError::TooManyAffected(given)),
        _ => Ok(()),
    }
}

fn search_path(config: &Config, request: &ApiRequest) -> String {
    let names = std::iter::once(&request.schema).chain(&config.extra_search_path);
    names.map(|name| quote_identifier(name)).collect::<Vec<_>>().join(", ")
}

/// `request.headers`: names in lowercase, without cookies; of equal names the last.
fn headers(headers: &HeaderMap) -> String {
    let object: Map<String, Json> = headers
        .iter()
        .filter(|(name, _)| *name != http::header::COOKIE)
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    Json::Object(object).to_string()
}

/// `request.cookies`.
fn cookies(headers: &HeaderMap) -> String {
    let object: Map<String, Json> = headers
        .get(http::header::COOKIE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    Json::Object(object).to_string()
}

/// `[{"Plan": {"Plan Rows": 12}}]`.
fn planned_rows(explained: &[u8]) -> Option<i64> {
    let plans: Json = serde_json::from_slice(explained).ok()?;
    plans.get(0)?.get("Plan")?.get("Plan Rows")?.as_i64()
}

impl From<&Row> for Outcome {
    fn from(row: &Row) -> Self {
        Self {
            total: row.get("total"),
            given: row.get("given"),
            location: row.get("location"),
            body: raw(row, "body").unwrap_or_default(),
            headers: row.get("response_headers"),
            status: row.get("response_status"),
            inserted: row.get("response_inserted"),
        }
    }
}

/// The bytes of a value as they came: text, JSON, bytes, or a domain over these.
fn raw<P: Place>(row: &Row, place: P) -> Option<Bytes> {
    let mut bytes = row.raw(&place)?;
    // In its binary form jsonb has a version before the text.
    if *row.column(&place).type_() == Type::JSONB {
        bytes.advance(1.min(bytes.len()));
    }
    Some(bytes)
}

impl Value {
    /// The type it is declared with; `unknown` leaves it to Postgres.
    fn declared(&self) -> Type {
        match self {
            Self::Unknown(_) | Self::Raw(_) => Type::UNKNOWN,
            Self::Json(_) => Type::JSON,
            Self::Jsonb(_) => Type::JSONB,
            Self::Bytea(_) => Type::BYTEA,
            Self::TextArray(_) => Type::TEXT_ARRAY,
        }
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        type_wanted: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Unknown(text) => out.extend_from_slice(text.as_bytes()),
            Self::Json(bytes) | Self::Jsonb(bytes) | Self::Raw(bytes) | Self::Bytea(bytes) => {
                out.extend_from_slice(bytes);
            }
            Self::TextArray(texts) => return texts.to_sql(type_wanted, out),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self {
            Self::Unknown(_) | Self::Raw(_) | Self::Json(_) | Self::Jsonb(_) => Format::Text,
            Self::Bytea(_) | Self::TextArray(_) => Format::Binary,
        }
    }

    to_sql_checked!();
}
