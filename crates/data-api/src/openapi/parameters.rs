//! Parameters that paths refer to.

use serde_json::{Map, Value, json};

use super::object;
use crate::schema_cache::Table;

const COUNT: &[&str] = &["count=none"];
const RETURN: &[&str] = &["return=representation", "return=minimal", "return=none"];
const RESOLUTION: &[&str] = &["resolution=ignore-duplicates", "resolution=merge-duplicates"];

pub(super) fn parameters<'a>(tables: &'a [&Table]) -> impl Iterator<Item = (String, Value)> + 'a {
    general().into_iter().chain(tables.iter().flat_map(|table| of_table(table)))
}

fn general() -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |key: &str, value: Value| all.insert(key.to_owned(), value);
    add("preferParams", prefer(&[]));
    add("preferReturn", prefer(&[RETURN]));
    add("preferCount", prefer(&[COUNT]));
    add("preferPost", prefer(&[RETURN, RESOLUTION]));
    add("select", plain("select", "Filtering Columns", "query"));
    add("on_conflict", plain("on_conflict", "On Conflict", "query"));
    add("order", plain("order", "Ordering", "query"));
    add("range", plain("Range", "Limiting and Pagination", "header"));
    let mut unit = plain("Range-Unit", "Limiting and Pagination", "header");
    unit["default"] = json!("items");
    add("rangeUnit", unit);
    add("offset", plain("offset", "Limiting and Pagination", "query"));
    add("limit", plain("limit", "Limiting and Pagination", "query"));
    all
}

fn of_table(table: &Table) -> Vec<(String, Value)> {
    let name = &table.name;
    let body = json!({
        "name": name,
        "description": name,
        "required": false,
        "in": "body",
        "schema": { "$ref": format!("#/definitions/{name}") },
    });
    let mut all = vec![(format!("body.{name}"), body)];
    for column in table.columns.values() {
        let filter = object([
            ("name", Some(column.name.as_str().into())),
            ("description", column.description.as_deref().map(Value::from)),
            ("required", Some(false.into())),
            ("in", Some("query".into())),
            ("type", Some("string".into())),
        ]);
        all.push((format!("rowFilter.{name}.{}", column.name), filter));
    }
    all
}

fn prefer(words: &[&[&str]]) -> Value {
    let words: Vec<&str> = words.concat();
    let mut parameter = plain("Prefer", "Preference", "header");
    if !words.is_empty() {
        parameter["enum"] = json!(words);
    }
    parameter
}

fn plain(name: &str, description: &str, place: &str) -> Value {
    json!({ "name": name, "description": description, "required": false, "in": place, "type": "string" })
}
