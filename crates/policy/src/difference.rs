//! The model against a database: what would change if the migration were applied.
//!
//! Postgres rewrites conditions when it stores them, so texts cannot be compared. Instead the migration is applied in a rehearsal, and
//! the catalogue after it is compared with the one before: what is equal there is equal.

use std::fmt;

use postgres::{Error, Pool, Rehearsal};

use crate::catalogue::{Catalogue, Relation};
use crate::generator::{Conversion, Existing, ForeignKey, migration};
use crate::model::{Access, Model, Table};
use crate::{TableName, quote_name};

/// What differs, and the migration that ends it.
#[derive(Debug)]
pub struct Difference {
    /// Of each table that differs.
    pub tables: Vec<TableDifference>,
    /// For those tables; empty when nothing differs.
    pub migration: String,
}

/// What differs in one table.
#[derive(Debug)]
pub struct TableDifference {
    /// Which.
    pub table: TableName,
    /// Facts that would go.
    pub removed: Vec<String>,
    /// Facts that would come.
    pub added: Vec<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DifferenceError {
    /// The database does not have the table.
    #[error("the database has no table {table}; expected it to be there: create it first, then its policies")]
    NoTable {
        /// Which.
        table: String,
    },
    /// The table does not have the column.
    #[error("{table} has no column {column}, which rowlock.toml names; it has: {columns}")]
    NoColumn {
        /// Of which table.
        table: String,
        /// Which.
        column: String,
        /// Those that are there.
        columns: String,
    },
    /// A column that cannot be made text without breaking a key.
    #[error(
        "{table}.{column} is {found} and references {to}; Clerk's ids are text: give {to} a text key with Clerk's ids first, or drop the constraint {constraint}"
    )]
    Referenced {
        /// Of which table.
        table: String,
        /// Which.
        column: String,
        /// Its type.
        found: String,
        /// The table it points at.
        to: String,
        /// By which constraint.
        constraint: String,
    },
    /// Postgres refused the migration.
    #[error("Postgres does not accept the policies")]
    Refused(#[source] Error),
    /// The database could not be read.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Compares, in a rehearsal.
///
/// # Errors
/// [`DifferenceError`]
pub async fn difference(model: &Model, owner: &Pool) -> Result<Difference, DifferenceError> {
    let rehearsal = Rehearsal::begin(owner, &[]).await?;
    let before = Catalogue::read_in(&rehearsal).await?;
    let mut tables = Vec::new();
    for table in &model.tables {
        tables.push((table, existing(model, table, &before)?));
    }
    rehearsal.run(&migration(model, tables.iter().cloned())).await.map_err(DifferenceError::Refused)?;
    let after = Catalogue::read_in(&rehearsal).await?;
    rehearsal.end().await?;

    let mut differences = Vec::new();
    for table in &model.tables {
        let facts = |catalogue: &Catalogue| {
            catalogue.relation(&table.name).map(|found| facts(found, catalogue)).unwrap_or_default()
        };
        let (had, has) = (facts(&before), facts(&after));
        let removed: Vec<String> = had.iter().filter(|fact| !has.contains(fact)).cloned().collect();
        let added: Vec<String> = has.iter().filter(|fact| !had.contains(fact)).cloned().collect();
        if !removed.is_empty() || !added.is_empty() {
            differences.push(TableDifference { table: table.name.clone(), removed, added });
        }
    }
    tables.retain(|(table, _)| differences.iter().any(|difference| difference.table == table.name));
    let migration = if tables.is_empty() { String::new() } else { migration(model, tables) };
    Ok(Difference { tables: differences, migration })
}

/// What of the table stands in the way of its plan.
///
/// # Errors
/// When the table, or a column that the model names, is not there.
pub fn existing(model: &Model, table: &Table, catalogue: &Catalogue) -> Result<Existing, DifferenceError> {
    let no_table = || DifferenceError::NoTable { table: table.name.to_string() };
    let relation = catalogue.relation(&table.name).filter(|relation| relation.is_table()).ok_or_else(no_table)?;
    let plan = model.plan(table);
    let foreign_policies = relation
        .policies
        .iter()
        .filter(|policy| plan.policies.iter().all(|planned| planned.name != policy.name))
        .map(|policy| policy.name.clone())
        .collect();
    for column in named_columns(&table.access) {
        if relation.column(column).is_none() {
            return Err(DifferenceError::NoColumn {
                table: table.name.to_string(),
                column: column.to_owned(),
                columns: relation.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", "),
            });
        }
    }
    let clerk_ids = table.access.owner_column().into_iter().chain(table.access.organization_column());
    let conversions =
        clerk_ids.filter_map(|column| conversion(relation, column).transpose()).collect::<Result<_, _>>()?;
    let sequences = relation.sequences.iter().map(|sequence| sequence.name.clone()).collect();
    Ok(Existing { foreign_policies, conversions, sequences })
}

fn named_columns(access: &Access) -> Vec<&str> {
    let mut columns: Vec<&str> = access.owner_column().into_iter().chain(access.organization_column()).collect();
    match access {
        Access::Profile { visible, .. } => columns.push(visible),
        Access::Child { foreign_key, .. } => columns.push(foreign_key),
        _ => {}
    }
    columns
}

fn conversion(relation: &Relation, column: &str) -> Result<Option<Conversion>, DifferenceError> {
    let found = relation.column(column).expect("the columns were looked for before");
    if matches!(found.base_type.as_str(), "text" | "character varying") {
        return Ok(None);
    }
    let keys = relation.foreign_keys.iter().filter(|key| key.columns.iter().any(|name| name == column));
    let mut foreign_keys = Vec::new();
    for key in keys {
        let to = format!("{}.{}", quote_name(&key.to_schema), quote_name(&key.to_table));
        // Users of Clerk have no row in Supabase's `auth`: such a key can only go.
        if key.to_schema != "auth" {
            return Err(DifferenceError::Referenced {
                table: relation.table_name().to_string(),
                column: column.to_owned(),
                found: found.data_type.clone(),
                to,
                constraint: key.name.clone(),
            });
        }
        foreign_keys.push(ForeignKey { name: key.name.clone(), to });
    }
    Ok(Some(Conversion { column: column.to_owned(), from: found.data_type.clone(), foreign_keys }))
}

/// Everything about a table that a migration of ours may change, one fact a line.
fn facts(relation: &Relation, catalogue: &Catalogue) -> Vec<String> {
    let mut facts = vec![format!("row-level security {}", if relation.row_security { "on" } else { "off" })];
    for policy in &relation.policies {
        let kind = if policy.permissive { "" } else { " as restrictive" };
        let clause = |word: &str, text: &Option<String>| {
            text.as_ref().map(|text| format!(" {word} ({})", one_line(text))).unwrap_or_default()
        };
        facts.push(format!(
            "policy {}{kind} for {} to {}{}{}",
            quote_name(&policy.name),
            policy.command,
            policy.roles.join(", "),
            clause("using", &policy.using),
            clause("with check", &policy.check)
        ));
    }
    for grant in &relation.grants {
        if matches!(grant.role.as_str(), "public" | "anon" | "authenticated" | "service_role") {
            let column = grant.column.as_ref().map(|column| format!(" ({})", quote_name(column))).unwrap_or_default();
            facts.push(format!("grant {}{column} to {}", grant.privilege, grant.role));
        }
    }
    for index in &relation.indexes {
        facts.push(format!("index {} on ({})", quote_name(&index.name), index.columns.join(", ")));
    }
    for column in &relation.columns {
        let default = column.default.as_ref().map(|default| format!(" default {default}")).unwrap_or_default();
        facts.push(format!("column {} {}{default}", quote_name(&column.name), column.data_type));
    }
    for key in &relation.foreign_keys {
        facts.push(format!("foreign key {} to {}.{}", quote_name(&key.name), key.to_schema, key.to_table));
    }
    for sequence in &relation.sequences {
        facts.push(format!("sequence {} {}", sequence.name, if sequence.usable { "usable" } else { "not usable" }));
    }
    let schema = catalogue.schemas.get(&relation.schema).map(|roles| roles.join(", ")).unwrap_or_default();
    facts.push(format!("schema {} usable by ({schema})", relation.schema));
    facts
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, table) in self.tables.iter().enumerate() {
            if number > 0 {
                writeln!(out)?;
            }
            writeln!(out, "{}", table.table)?;
            for fact in &table.removed {
                writeln!(out, "  - {fact}")?;
            }
            for fact in &table.added {
                writeln!(out, "  + {fact}")?;
            }
        }
        Ok(())
    }
}
