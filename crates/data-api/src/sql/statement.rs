//! The whole statement: the rows, and around them the body, the counts, and what the database wants to say about the answer.

use super::{Sql, call, count, mutate, read};
use crate::config::Config;
use crate::identifier::Qualified;
use crate::plan::{Kind, MutatePlan, StatementPlan};
use crate::request::ApiRequest;
use crate::request::media_type::{MediaType, PlanFormat};
use crate::request::preferences::{Count, Representation, Resolution};
use crate::request::range::RowRange;
use crate::schema_cache::Function;
use crate::schema_cache::media_handler::{Handler, Target};

/// A statement whose row is `(total, given, location, body, response_headers, response_status, inserted)`.
pub(crate) type Statement = Sql;

/// The statement of `plan`.
pub(crate) fn statement(config: &Config, request: &ApiRequest, plan: &StatementPlan) -> Statement {
    let mut sql = Sql::default();
    if let MediaType::Plan { format, options, .. } = &plan.media_type {
        sql.push(match format {
            PlanFormat::Json => "EXPLAIN (FORMAT JSON",
            PlanFormat::Text => "EXPLAIN (FORMAT TEXT",
        });
        for option in options {
            sql.push(", ").push(option.name());
        }
        sql.push(") ");
    }
    match &plan.kind {
        Kind::Read { .. } => whole_read(&mut sql, config, request, plan),
        Kind::Mutate { plan: mutation, .. } => whole_mutation(&mut sql, request, plan, mutation),
        Kind::Call { function, plan: call_plan, .. } => {
            sql.push("WITH pgrst_source AS (");
            call::call(&mut sql, call_plan);
            sql.push(") ");
            let total = counted(&mut sql, config, request, plan);
            sql.push("SELECT ");
            total_and_given(&mut sql, total, function.returns_single());
            sql.push(NO_LOCATION).push(" AS location, ");
            body(&mut sql, &plan.handler, Some(function));
            sql.push(ANSWER).push(NOT_COUNTED).push(" FROM (");
            read::read(&mut sql, &plan.read);
            sql.push(") _postgrest_t");
        }
    }
    sql
}

/// How many rows the planner expects.
pub(crate) fn planned_count(plan: &StatementPlan) -> Statement {
    let mut sql = Sql::default();
    sql.push("EXPLAIN (FORMAT JSON) ");
    count::rows(&mut sql, &plan.read);
    sql
}

const NO_LOCATION: &str = "array[]::text[]";
const ANSWER: &str = "nullif(current_setting('response.headers', true), '') AS response_headers, \
     nullif(current_setting('response.status', true), '') AS response_status, ";
const NOT_COUNTED: &str = "null::int AS response_inserted";

/// Where the total comes from.
#[derive(Clone, Copy)]
enum Total {
    NotAsked,
    /// A query of its own.
    Counted,
    /// Nothing is cut off, so the rows given are all there are.
    Given,
}

fn whole_read(sql: &mut Sql, config: &Config, request: &ApiRequest, plan: &StatementPlan) {
    sql.push("WITH pgrst_source AS ( ");
    read::read(sql, &plan.read);
    sql.push(" ) ");
    let total = counted(sql, config, request, plan);
    sql.push(" SELECT ");
    total_and_given(sql, total, false);
    sql.push(NO_LOCATION).push(" AS location, ");
    body(sql, &plan.handler, None);
    sql.push(ANSWER).push(NOT_COUNTED).push(" FROM ( SELECT * FROM pgrst_source ) _postgrest_t");
}

fn whole_mutation(sql: &mut Sql, request: &ApiRequest, plan: &StatementPlan, mutation: &MutatePlan) {
    sql.push("WITH pgrst_source AS (");
    mutate::mutation(sql, mutation);
    sql.push(") SELECT null::bigint AS total, pg_catalog.count(_postgrest_t) AS given, ");
    let preferences = &request.preferences;
    let mut counts_inserted = false;
    match mutation {
        MutatePlan::Insert(insert) => {
            let is_put = !insert.conditions.is_empty();
            counts_inserted = is_put || preferences.resolution == Some(Resolution::MergeDuplicates);
            if preferences.representation == Some(Representation::HeadersOnly) {
                location(sql, &insert.primary_key);
            } else {
                sql.push(NO_LOCATION);
            }
        }
        _ => {
            sql.push(NO_LOCATION);
        }
    }
    sql.push(" AS location, ");
    body(sql, &plan.handler, None);
    sql.push(ANSWER).push(if counts_inserted {
        "nullif(current_setting('pgrst.inserted', true), '')::int AS response_inserted"
    } else {
        NOT_COUNTED
    });
    sql.push(" FROM (");
    if plan.handler == Handler::None {
        // Nobody sees the rows, and what would be shown of them may not have been returned.
        sql.push("SELECT * FROM pgrst_source");
    } else {
        read::read(sql, &plan.read);
    }
    sql.push(") _postgrest_t");
}

/// `key=eq.value` for each column of the primary key, of a single row.
fn location(sql: &mut Sql, primary_key: &[String]) {
    sql.push("CASE WHEN pg_catalog.count(_postgrest_t) = 1 THEN coalesce((WITH data AS (SELECT row_to_json(_) AS row FROM pgrst_source AS _ LIMIT 1) ");
    sql.push("SELECT array_agg(json_data.key || '=' || coalesce('eq.' || json_data.value, 'is.null')) ");
    sql.push("FROM data CROSS JOIN json_each_text(data.row) AS json_data WHERE json_data.key = ANY(");
    sql.value(super::Value::TextArray(primary_key.to_vec()));
    sql.push(")), ").push(NO_LOCATION).push(") ELSE ").push(NO_LOCATION).push(" END");
}

fn counted(sql: &mut Sql, config: &Config, request: &ApiRequest, plan: &StatementPlan) -> Total {
    let Some(preference) = request.preferences.count.filter(|count| count.counts()) else { return Total::NotAsked };
    if config.max_rows.is_none() && request.range == RowRange::ALL {
        return Total::Given;
    }
    sql.push(", pgrst_source_count AS (");
    count::rows(sql, &plan.read);
    if let (Count::Estimated, Some(max_rows), Kind::Read { .. }) = (preference, config.max_rows, &plan.kind) {
        // One more, to see that there are more.
        sql.push(" LIMIT ").number(max_rows + 1);
    }
    sql.push(")");
    Total::Counted
}

fn total_and_given(sql: &mut Sql, total: Total, single: bool) {
    let given = if single { "1::bigint" } else { "pg_catalog.count(_postgrest_t)" };
    sql.push(match total {
        Total::NotAsked => "null::bigint",
        Total::Counted => "(SELECT pg_catalog.count(*) FROM pgrst_source_count)",
        Total::Given => given,
    });
    sql.push(" AS total, ").push(given).push(" AS given, ");
}

/// The body, of rows or of a function's result.
fn body(sql: &mut Sql, handler: &Handler, function: Option<&Function>) {
    let scalar = function.is_some_and(Function::returns_scalar);
    match handler {
        Handler::Json => {
            let single = function.is_some_and(Function::returns_single_composite) || scalar;
            let values = scalar || function.is_some_and(Function::returns_set_of_scalar);
            json(sql, values, single, false);
        }
        Handler::StrippedArray => {
            let single = function.is_some_and(Function::returns_single_composite) || scalar;
            let values = scalar || function.is_some_and(Function::returns_set_of_scalar);
            json(sql, values, single, true);
        }
        Handler::SingleJson { stripped } => json(sql, scalar, true, *stripped),
        Handler::GeoJson => {
            sql.push("json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg(ST_AsGeoJSON(_postgrest_t)::json), '[]'))");
        }
        Handler::Csv => {
            sql.push("(SELECT coalesce(string_agg(a.k, ','), '') FROM (SELECT json_object_keys(r)::text AS k FROM (SELECT row_to_json(hh) AS r FROM pgrst_source AS hh LIMIT 1) s) a)");
            sql.push(" || E'\\n' || coalesce(string_agg(substring(_postgrest_t::text, 2, length(_postgrest_t::text) - 2), E'\\n'), '')");
        }
        Handler::Custom { function: custom, target } => {
            sql.qualified(custom).push(if scalar { "(_postgrest_t.pgrst_scalar" } else { "(_postgrest_t" });
            if let (Target::Relation(relation), false) = (target, scalar) {
                cast_row(sql, relation);
            }
            sql.push(")");
        }
        Handler::None => {
            sql.push("''::text");
        }
    }
    sql.push(" AS body, ");
}

fn cast_row(sql: &mut Sql, relation: &Qualified) {
    sql.push("::").qualified(relation);
}

fn json(sql: &mut Sql, values: bool, single: bool, stripped: bool) {
    sql.push("coalesce(");
    if stripped {
        sql.push("json_strip_nulls(");
    }
    sql.push(if values { "json_agg(_postgrest_t.pgrst_scalar)" } else { "json_agg(_postgrest_t)" });
    if single {
        sql.push("->0");
    }
    if stripped {
        sql.push(")");
    }
    sql.push(if single { ", 'null')" } else { ", '[]')" });
}
