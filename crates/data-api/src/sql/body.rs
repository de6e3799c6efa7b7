//! A JSON body as rows: one parameter, taken apart by Postgres with the types that the columns have.

use bytes::Bytes;

use super::{Sql, Value};
use crate::plan::column::ColumnRef;

/// How a body is taken apart.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BodyOptions {
    /// Begins with `SELECT` of the columns.
    pub(super) select: bool,
    /// Only the first of several rows.
    pub(super) first_only: bool,
    /// What is missing becomes the column's default and not null.
    pub(super) defaults: bool,
}

/// `FROM …` that gives the rows of `body` the name `pgrst_body`.
pub(super) fn rows(sql: &mut Sql, body: &Bytes, columns: &[ColumnRef], options: BodyOptions) {
    let BodyOptions { select, first_only, defaults } = options;
    let object = is_object(body);
    if select {
        sql.push("SELECT ").separated(", ", columns, |sql, column| {
            sql.push("\"pgrst_body\".").name(&column.name);
        });
        sql.push(" ");
    }
    let value = if defaults { Value::Jsonb(body.clone()) } else { Value::Json(body.clone()) };
    sql.push("FROM (SELECT ").value(value).push(" AS json_data) pgrst_payload, ");
    if defaults && object {
        sql.push("LATERAL (SELECT ");
        default_values(sql, columns);
        sql.push(" || pgrst_payload.json_data AS val) pgrst_json_defs, ");
    } else if defaults {
        sql.push("LATERAL (SELECT jsonb_agg(");
        default_values(sql, columns);
        sql.push(" || elem) AS val from jsonb_array_elements(pgrst_payload.json_data) elem) pgrst_json_defs, ");
    }
    sql.push("LATERAL (SELECT ").separated(", ", columns, |sql, column| match &column.transform {
        Some(function) => {
            sql.qualified(function).push("(").name(&column.name).push(") AS ").name(&column.name);
        }
        None => {
            sql.name(&column.name);
        }
    });
    sql.push(" FROM ");
    let source = if defaults { "pgrst_json_defs.val" } else { "pgrst_payload.json_data" };
    match (columns.is_empty(), object) {
        // An empty object is one row without values.
        (true, true) => {
            sql.push("(values(1)) _ ");
        }
        (true, false) => {
            sql.push(if defaults { "jsonb_array_elements(" } else { "json_array_elements(" }).push(source).push(") _ ");
        }
        (false, _) => {
            sql.push(match (defaults, object) {
                (true, true) => "jsonb_to_record(",
                (true, false) => "jsonb_to_recordset(",
                (false, true) => "json_to_record(",
                (false, false) => "json_to_recordset(",
            });
            sql.push(source).push(") AS _(");
            sql.separated(", ", columns, |sql, column| {
                sql.name(&column.name).push(" ").catalogue(&column.type_name);
            });
            sql.push(") ").push(if first_only { "LIMIT 1" } else { "" });
        }
    }
    sql.push(") pgrst_body ");
}

fn default_values(sql: &mut Sql, columns: &[ColumnRef]) {
    let with_default = columns.iter().filter_map(|column| Some((column, column.default.as_ref()?)));
    sql.push("jsonb_build_object(").separated(",", with_default, |sql, (column, default)| {
        sql.unknown(&column.name).push("::text, ").catalogue(default);
    });
    sql.push(")");
}

/// Whether the first thing in it opens an object; Postgres will find out whether it is JSON at all.
fn is_object(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}
