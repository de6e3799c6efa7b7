//! A catalogue as SQL: one source for each relation and function, so that every rule and every message works on both.

use std::fmt::Write as _;

use super::Source;
use crate::catalogue::{Catalogue, Function, IndexEntry, Relation};
use crate::quote_name;

/// What the catalogue holds, as statements that would make it.
pub fn sources_of(catalogue: &Catalogue) -> Vec<Source> {
    let relations = catalogue
        .relations
        .iter()
        .map(|relation| Source::catalogue(format!("database: {}", relation.table_name()), relation_text(relation)));
    let functions =
        catalogue.functions.iter().filter(|function| function.security_definer || function.schema == "public").map(
            |function| {
                let name = format!("{}.{}", quote_name(&function.schema), quote_name(&function.name));
                Source::catalogue(format!("database: function {name}"), function_text(&name, function))
            },
        );
    // Functions first: policies call them.
    functions.chain(relations).collect()
}

fn relation_text(relation: &Relation) -> String {
    let name = relation.table_name();
    // Writing into a text cannot fail.
    let mut text = match relation.kind.as_str() {
        "v" => {
            let invoker = if relation.security_invoker { " with (security_invoker = true)" } else { "" };
            format!("create view {name}{invoker} as select 1;\n")
        }
        "m" => format!("create materialized view {name} as select 1;\n"),
        "f" => format!("create foreign table {name} () server s;\n"),
        _ => table_text(relation),
    };
    if relation.row_security {
        let _ = writeln!(text, "alter table {name} enable row level security;");
    }
    // `maintain` (since Postgres 17) reaches no row.
    for grant in relation.grants.iter().filter(|grant| grant.privilege != "maintain") {
        let columns = grant.column.as_ref().map(|column| format!(" ({})", quote_name(column))).unwrap_or_default();
        let _ = writeln!(text, "grant {}{columns} on table {name} to {};", grant.privilege, quote_role(&grant.role));
    }
    for policy in &relation.policies {
        let kind = if policy.permissive { "" } else { " as restrictive" };
        let roles: Vec<String> = policy.roles.iter().map(|role| quote_role(role)).collect();
        // `to public` is what stands there when nobody was named.
        let roles = if policy.roles == ["public"] { String::new() } else { format!(" to {}", roles.join(", ")) };
        let _ =
            write!(text, "create policy {} on {name}{kind} for {}{roles}", quote_name(&policy.name), policy.command);
        for (word, condition) in [("using", &policy.using), ("with check", &policy.check)] {
            if let Some(condition) = condition {
                let _ = write!(text, "\n  {word} ({condition})");
            }
        }
        text.push_str(";\n");
    }
    text
}

fn table_text(relation: &Relation) -> String {
    let columns = relation.columns.iter().map(|column| {
        let not_null = if column.not_null { " not null" } else { "" };
        format!("  {} {}{not_null}", quote_name(&column.name), column.data_type)
    });
    let keys = relation.foreign_keys.iter().map(|key| {
        let list = |names: &[String]| names.iter().map(|name| quote_name(name)).collect::<Vec<_>>().join(", ");
        format!(
            "  constraint {} foreign key ({}) references {}.{} ({})",
            quote_name(&key.name),
            list(&key.columns),
            quote_name(&key.to_schema),
            quote_name(&key.to_table),
            list(&key.to_columns)
        )
    });
    let primary = relation.primary_key.iter().map(|column| quote_name(column)).collect::<Vec<_>>().join(", ");
    let primary = (!primary.is_empty()).then(|| format!("  primary key ({primary})"));
    let checks = relation.checks.iter().filter_map(|check| {
        let (name, definition) = check.split_once(": ")?;
        Some(format!("  constraint {} {definition}", quote_name(name)))
    });
    let mut text = format!(
        "create table {} (\n{}\n);\n",
        relation.table_name(),
        columns.chain(primary).chain(checks).chain(keys).collect::<Vec<_>>().join(",\n")
    );
    let is_primary = |index: &IndexEntry| index.unique && index.columns == relation.primary_key;
    let whole = |index: &&IndexEntry| !index.expression && !index.columns.is_empty() && !is_primary(index);
    for index in relation.indexes.iter().filter(whole) {
        let columns: Vec<String> = index.columns.iter().map(|column| quote_name(column)).collect();
        let unique = if index.unique { "unique " } else { "" };
        let partial = if index.partial { " where true" } else { "" };
        let _ = writeln!(
            text,
            "create {unique}index {} on {} ({}){partial};",
            quote_name(&index.name),
            relation.table_name(),
            columns.join(", ")
        );
    }
    text
}

fn function_text(name: &str, function: &Function) -> String {
    let returns = if function.trigger { "trigger" } else { "text" };
    let definer = if function.security_definer { " security definer" } else { "" };
    let path = if function.search_path { " set search_path = ''" } else { "" };
    let body = dollar_quoted(&function.source);
    let mut text = format!("create function {name}() returns {returns} language sql{definer}{path} as {body};\n");
    if function.callable_by.is_empty() {
        let _ = writeln!(text, "revoke execute on function {name}() from public;");
    }
    text
}

/// Between quotes that do not stand in it.
fn dollar_quoted(body: &str) -> String {
    let mut tag = String::from("$body$");
    while body.contains(&tag) {
        tag.insert(1, '_');
    }
    format!("{tag}{body}{tag}")
}

/// `public` is a word and not a role.
fn quote_role(role: &str) -> String {
    if role == "public" { role.to_owned() } else { quote_name(role) }
}
