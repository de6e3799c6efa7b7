//! Types of Postgres in OpenAPI's words.

use serde_json::{Value, json};

/// What kind of JSON a value is; JSON itself may be anything.
pub(super) fn kind(type_name: &str) -> Option<&'static str> {
    match type_name {
        "character varying" | "character" | "text" => Some("string"),
        "boolean" => Some("boolean"),
        "smallint" | "integer" | "bigint" => Some("integer"),
        "numeric" | "real" | "double precision" => Some("number"),
        "json" | "jsonb" => None,
        array if array.ends_with("[]") => Some("array"),
        _ => Some("string"),
    }
}

/// The type more exactly.
pub(super) fn format(type_name: &str) -> &str {
    match type_name {
        "smallint" | "integer" => "int32",
        "bigint" => "int64",
        other => other,
    }
}

/// What the elements of an array are.
pub(super) fn element(type_name: &str) -> Option<&str> {
    (kind(type_name) == Some("array")).then(|| type_name.strip_suffix("[]").unwrap_or(type_name))
}

/// `items` of an array.
pub(super) fn items(type_name: &str) -> Option<Value> {
    let element = element(type_name)?;
    Some(kind(element).map_or_else(|| json!({}), |kind| json!({ "type": kind })))
}

/// A default as JSON, where it is a constant.
pub(super) fn default(type_name: &str, expression: &str) -> Option<Value> {
    if kind(type_name) != Some("string") {
        return serde_json::from_str(expression).ok();
    }
    let constant = match expression.strip_suffix(type_name).and_then(|rest| rest.strip_suffix("::")) {
        Some(constant) => constant.trim_matches('\''),
        None => expression,
    };
    serde_json::from_str(&format!("\"{constant}\"")).ok()
}
