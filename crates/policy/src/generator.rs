//! Migrations that a person can read.
//!
//! One block for each table: what is there already is taken away, what the model says is put there, and the whole can be run again.
//! Lowercase, one statement a thought, the reason where it is not obvious. Nothing here asks a database; what must be known of one
//! (policies that are in the way, columns of another type) comes in as [`Existing`].

mod block;
mod existing;

pub use block::block;
pub use existing::{Conversion, Existing, ForeignKey};

use std::collections::BTreeSet;

use crate::model::{Model, Table};
use crate::quote_name;

/// A whole migration for these tables.
pub fn migration<'a>(model: &Model, tables: impl IntoIterator<Item = (&'a Table, Existing)>) -> String {
    let mut schemas = BTreeSet::new();
    let mut blocks = Vec::new();
    for (table, existing) in tables {
        schemas.insert(quote_name(&table.name.schema));
        blocks.push(block(model, table, &existing));
    }
    let schemas: Vec<String> = schemas.into_iter().collect();
    let usage = format!("grant usage on schema {} to anon, authenticated, service_role;\n", schemas.join(", "));
    format!("{HEADER}{usage}\n{}", blocks.join("\n"))
}

const HEADER: &str = "\
-- Written by `rowlock policy generate` from rowlock.toml. Read it before you apply it, change rowlock.toml and not this file.
-- It needs Rowlock's functions in schema clerk (`rowlock migrate`), and may be run again.

";

#[cfg(test)]
mod tests;
