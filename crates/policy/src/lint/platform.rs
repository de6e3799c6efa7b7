//! Rules about what the platform has, and about tables as such.

use squawk_syntax::SyntaxKind;

use super::rules::rule;
use super::schema::{Kind, Place, Relation, Schema};
use super::syntax::{called, child, descendants, names, table_name};
use super::{Diagnostic, Source};
use crate::TableName;

/// Schemas in which hosted Supabase lets nobody make anything.
const LOCKED: [&str; 7] = ["auth", "storage", "realtime", "vault", "graphql", "graphql_public", "pgbouncer"];

/// Extensions of Postgres and of Supabase's image; Neon and RDS have most of them.
const EXTENSIONS: &[&str] = &[
    "address_standardizer",
    "address_standardizer_data_us",
    "amcheck",
    "autoinc",
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dblink",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "fuzzystrmatch",
    "hstore",
    "http",
    "hypopg",
    "index_advisor",
    "insert_username",
    "intagg",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "moddatetime",
    "old_snapshot",
    "pageinspect",
    "pg_buffercache",
    "pg_cron",
    "pg_freespacemap",
    "pg_graphql",
    "pg_hashids",
    "pg_jsonschema",
    "pg_net",
    "pg_partman",
    "pg_prewarm",
    "pg_repack",
    "pg_session_jwt",
    "pg_stat_monitor",
    "pg_stat_statements",
    "pg_surgery",
    "pg_tle",
    "pg_trgm",
    "pg_uuidv7",
    "pg_visibility",
    "pg_walinspect",
    "pgaudit",
    "pgcrypto",
    "pgjwt",
    "pgmq",
    "pgroonga",
    "pgroonga_database",
    "pgrouting",
    "pgrowlocks",
    "pgsodium",
    "pgstattuple",
    "pgtap",
    "plcoffee",
    "plls",
    "plpgsql",
    "plpgsql_check",
    "plv8",
    "postgis",
    "postgis_raster",
    "postgis_sfcgal",
    "postgis_tiger_geocoder",
    "postgis_topology",
    "postgres_fdw",
    "refint",
    "rum",
    "seg",
    "sslinfo",
    "supabase_vault",
    "supautils",
    "tablefunc",
    "tcn",
    "timescaledb",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "vector",
    "wrappers",
    "xml2",
];

pub(super) fn check(schema: &Schema, sources: &[Source], found: &mut Vec<Diagnostic>) {
    for (origin, statement) in &schema.statements {
        let mut say = |id: &str, node: &squawk_syntax::SyntaxNode, label: String| {
            let place = Place::of(*origin, node);
            found.push(Diagnostic {
                rule: Some(rule(id)),
                source: place.source,
                range: place.range,
                label,
                subject: None,
                append: None,
            });
        };
        for call in descendants(statement, SyntaxKind::CALL_EXPR) {
            if called(&call).is_some_and(|function| function == "uuid_generate_v4") {
                say("uuid-generate", &call, "found only where `extensions` is in the search path".to_owned());
            }
        }
        match statement.kind() {
            SyntaxKind::CREATE_EXTENSION => {
                let Some(node) = child(statement, SyntaxKind::EXTENSION) else { continue };
                let Some(name) = names(&node).pop() else { continue };
                if !EXTENSIONS.contains(&name.as_str()) {
                    say("unknown-extension", &node, format!("neither Postgres nor Supabase has an extension {name}"));
                }
            }
            SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_TABLE | SyntaxKind::CREATE_VIEW
                if !sources[origin.source].is_catalogue() =>
            {
                let node = statement.children().find(|node| {
                    matches!(node.kind(), SyntaxKind::FUNCTION_NAME | SyntaxKind::TABLE_NAME | SyntaxKind::VIEW)
                });
                let Some(node) = node else { continue };
                if let Some(name) = table_name(&node).filter(|name| LOCKED.contains(&name.schema.as_str())) {
                    say(
                        "platform-schema",
                        &node,
                        format!("{} is Supabase's: permission denied for schema", name.schema),
                    );
                }
            }
            _ => {}
        }
    }
    for (name, relation) in &schema.relations {
        let own = !matches!(name.schema.as_str(), "clerk" | "rowlock" | "auth" | "storage");
        if relation.kind == Kind::Table && own {
            tables(name, relation, found);
        }
    }
}

fn tables(name: &TableName, relation: &Relation, found: &mut Vec<Diagnostic>) {
    let mut say = |id: &str, place: &Place, label: String, append: Option<String>| {
        found.push(Diagnostic {
            rule: Some(rule(id)),
            source: place.source,
            range: place.range.clone(),
            label,
            subject: Some(name.to_string()),
            append,
        });
    };
    if !relation.has_primary_key && !relation.columns.is_empty() {
        say("no-primary-key", &relation.place, "its rows cannot be told apart".to_owned(), None);
    }
    for key in &relation.keys_to {
        if let Some(column) = key.columns.first().filter(|column| !relation.indexed.contains(column)) {
            let column = crate::quote_name(column);
            let append = format!("create index on {name} ({column});");
            say("unindexed-key", &key.place, format!("no index begins with {column}"), Some(append));
        }
    }
    for (place, (columns, at)) in relation.indexes.iter().enumerate() {
        if relation.indexes[..place].iter().any(|(earlier, _)| earlier == columns) {
            say("duplicate-index", at, format!("another index is on ({}) already", columns.join(", ")), None);
        }
    }
    let closed = relation.row_security && relation.policies.is_empty() && relation.grants.is_empty();
    if closed && !relation.revoked && !relation.is_catalogued && name.schema == "public" {
        say(
            "no-policy",
            &relation.place,
            "with row-level security and no policy, nobody reaches any row".to_owned(),
            None,
        );
    }
}
