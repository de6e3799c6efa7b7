//! Relations as definitions: their columns, and which of them are keys.

use serde_json::{Map, Value, json};

use super::{object, types};
use crate::schema_cache::relationship::{Cardinality, Found};
use crate::schema_cache::{Column, Relationship, Relationships, Table};

pub(super) fn definitions<'a>(
    tables: &'a [&Table],
    relationships: &'a Relationships,
) -> impl Iterator<Item = (String, Value)> + 'a {
    tables.iter().map(|table| (table.name.clone(), definition(table, relationships)))
}

fn definition(table: &Table, relationships: &Relationships) -> Value {
    let properties: Map<String, Value> =
        table.columns.values().map(|column| (column.name.clone(), property(table, column, relationships))).collect();
    let required: Vec<&str> =
        table.columns.values().filter(|column| !column.nullable).map(|column| column.name.as_str()).collect();
    object([
        ("type", Some(json!("object"))),
        ("description", table.description.as_deref().map(Value::from)),
        ("properties", (!properties.is_empty()).then_some(Value::Object(properties))),
        ("required", (!required.is_empty()).then(|| json!(required))),
    ])
}

fn property(table: &Table, column: &Column, relationships: &Relationships) -> Value {
    object([
        ("type", types::kind(&column.base_type).map(Value::from)),
        ("format", Some(types::format(&column.base_type).into())),
        ("description", described(table, column, relationships).map(Value::from)),
        ("default", column.default.as_deref().and_then(|default| types::default(&column.base_type, default))),
        ("enum", (!column.labels.is_empty()).then(|| json!(column.labels))),
        ("maxLength", column.max_length.map(Value::from)),
        ("items", types::items(&column.base_type)),
    ])
}

/// The comment, and marks that generators of clients look for.
fn described(table: &Table, column: &Column, relationships: &Relationships) -> Option<String> {
    let mut notes = vec!["Note:".to_owned()];
    if table.primary_key.contains(&column.name) {
        notes.push("This is a Primary Key.<pk/>".to_owned());
    }
    if let Some((foreign_table, foreign_column)) = referenced(table, column, relationships) {
        notes.push(format!(
            "This is a Foreign Key to `{foreign_table}.{foreign_column}`.<fk table='{foreign_table}' column='{foreign_column}'/>"
        ));
    }
    if notes.len() == 1 {
        return column.description.clone();
    }
    let comment = column.description.as_ref().map(|comment| format!("{comment}\n\n")).unwrap_or_default();
    Some(comment + &notes.join("\n"))
}

/// What the column alone refers to: a table rather than a view of it.
fn referenced<'a>(table: &Table, column: &Column, relationships: &'a Relationships) -> Option<(&'a str, &'a str)> {
    let key = (table.qualified(), table.schema.clone());
    let mut found: Vec<&Found> = relationships
        .get(&key)?
        .iter()
        .filter_map(|relationship| match relationship {
            Relationship::Found(found) => Some(found),
            Relationship::Computed(_) => None,
        })
        .collect();
    found.sort_by_key(|found| found.foreign_table_is_view);
    found.into_iter().find_map(|found| match &found.cardinality {
        Cardinality::ManyToOne { columns, .. } | Cardinality::OneToOne { columns, is_parent: false, .. } => {
            match columns.as_slice() {
                [(own, other)] if *own == column.name => Some((found.foreign_table.name.as_str(), other.as_str())),
                _ => None,
            }
        }
        _ => None,
    })
}
