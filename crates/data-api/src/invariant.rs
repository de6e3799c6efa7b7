//! What must hold for any query string at all.
//!
//! Takes the bytes that a stranger could send and panics when a promise is broken. The fuzz target under `fuzz/` calls exactly
//! this, and so do the property tests below. Nothing of it is in a build that is neither.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::config::Config;
use crate::error::Error;
use crate::identifier::Qualified;
use crate::plan::{self, Plan};
use crate::request::ApiRequest;
use crate::request::query::Query;
use crate::schema_cache::relationship::{Cardinality, Found};
use crate::schema_cache::{MediaHandlers, Relationship, SchemaCache, Table};
use crate::sql;

/// A query string is understood or refused with a reason; and whatever is understood becomes a statement in which nothing but
/// quoted names came from outside.
pub fn query(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for function in [false, true] {
        if let Err(refusal) = Query::parse(text, function) {
            assert!(!refusal.message.is_empty() && !refusal.details.is_empty(), "{refusal:?}");
        }
    }
    for method in ["GET", "PATCH", "DELETE"] {
        if let Ok(statement) = statement(method, text, r#"{"name":"x"}"#) {
            assert_ours(&statement);
        }
    }
}

/// The statement of a request to the table `ships`, if its query string makes one.
pub(crate) fn statement(method: &str, query: &str, body: &'static str) -> Result<String, Option<Error>> {
    let request = Request::builder()
        .method(method)
        .uri(format!("/ships?{query}"))
        .header("prefer", "return=representation")
        .body(Bytes::from_static(body.as_bytes()))
        .map_err(|_| None)?;
    let mut config = Config::exposing(vec!["sea".to_owned()], Vec::new());
    config.aggregates = true;
    let request = ApiRequest::parse(&config, &request)?;
    match plan::plan(&config, &sea(), &request)? {
        Plan::Statement(plan) => Ok(sql::statement(&config, &request, &plan).text().to_owned()),
        other => unreachable!("a request to a table is planned as {other:?}"),
    }
}

/// Ships, and the captains that command them.
fn sea() -> SchemaCache {
    let column = |name: &str, type_name: &str| {
        json!({ "name": name, "description": null, "nullable": true, "base_type": type_name, "nominal_type": type_name,
                "max_length": null, "default": null, "enum": [] })
    };
    let table = |name: &str, columns: Vec<serde_json::Value>| {
        let table: Table = serde_json::from_value(json!({
            "schema": "sea", "name": name, "description": null, "insertable": true, "updatable": true, "deletable": true, "open": true,
            "primary_key": ["id"], "columns": columns,
        }))
        .expect("this is what the catalogue gives");
        (table.qualified(), table)
    };
    let found = |from: &str, to: &str, cardinality| {
        let (table, foreign_table) = (Qualified::new("sea", from), Qualified::new("sea", to));
        let found = Found {
            table: table.clone(),
            foreign_table,
            is_self: false,
            cardinality,
            table_is_view: false,
            foreign_table_is_view: false,
        };
        ((table, "sea".to_owned()), vec![Relationship::Found(found)])
    };
    let constraint = || "ships_captain_id_fkey".to_owned();
    let pair = |one: &str, two: &str| vec![(one.to_owned(), two.to_owned())];
    SchemaCache {
        tables: HashMap::from([
            table(
                "ships",
                vec![
                    column("id", "integer"),
                    column("name", "text"),
                    column("captain_id", "integer"),
                    column("papers", "jsonb"),
                ],
            ),
            table("captains", vec![column("id", "integer"), column("name", "text")]),
        ]),
        relationships: HashMap::from([
            found(
                "ships",
                "captains",
                Cardinality::ManyToOne { constraint: constraint(), columns: pair("captain_id", "id") },
            ),
            found(
                "captains",
                "ships",
                Cardinality::OneToMany { constraint: constraint(), columns: pair("id", "captain_id") },
            ),
        ]),
        functions: HashMap::new(),
        representations: HashMap::new(),
        media_handlers: MediaHandlers::new(),
    }
}

/// Without its quoted names, a statement has nothing that ends it, comments it out or opens a text that is not ours.
fn assert_ours(statement: &str) {
    let mut outside = String::new();
    let mut rest = statement;
    while let Some((before, after)) = rest.split_once('"') {
        outside.push_str(before);
        // A doubled quote is within the name; it ends one piece and begins the next.
        rest = after.split_once('"').expect("every name that was opened is closed").1;
        outside.push_str("name");
    }
    outside.push_str(rest);
    let depth = outside.chars().try_fold(0_usize, |depth, character| match character {
        '(' => Some(depth + 1),
        ')' => depth.checked_sub(1),
        _ => Some(depth),
    });
    assert_eq!(depth, Some(0), "{statement}");
    for ender in [";", "--", "/*", "\0", "\\"] {
        assert!(!outside.contains(ender), "{ender:?} in {statement}");
    }
    // Our own literals: empty arrays, names of settings, `-1` and the like.
    let texts: Vec<&str> = outside.split('\'').skip(1).step_by(2).collect();
    let known = [
        "",
        "[]",
        "null",
        "{}",
        "response.headers",
        "response.status",
        "pgrst.inserted",
        "0",
        "-1",
        "eq.",
        "is.null",
        "=",
    ];
    for text in texts {
        assert!(known.contains(&text), "{text:?} in {statement}");
    }
}
