//! What is in the database, as far as requests need to know: relations, relationships, functions, representations, handlers.
//!
//! Read in one transaction, built apart, and swapped in whole: a request sees one state from beginning to end, and reading anew
//! stops nobody.

mod function;
mod load;
pub(crate) mod media_handler;
pub(crate) mod relationship;
pub(crate) mod similar;
mod table;
mod view;

use std::collections::HashMap;

use crate::identifier::Qualified;

pub(crate) use function::{Function, Parameter, Volatility};
pub use load::LoadError;
pub(crate) use load::{FUNCTIONS, functions_of};
pub(crate) use media_handler::MediaHandlers;
pub(crate) use relationship::{Relationship, Relationships};
use similar::SimilarNames;
pub(crate) use table::{Column, Table};

/// In schemas with more relations than this no similar names are looked for: it would cost more than it helps.
const MOST_COMPARED: usize = 500;

/// A function that turns a value of one type into another, by both types' names.
pub(crate) type Representations = HashMap<(String, String), Qualified>;

/// One state of the database.
#[derive(Debug, Clone)]
pub(crate) struct SchemaCache {
    pub(crate) tables: HashMap<Qualified, Table>,
    pub(crate) relationships: Relationships,
    pub(crate) functions: HashMap<Qualified, Vec<Function>>,
    pub(crate) representations: Representations,
    pub(crate) media_handlers: MediaHandlers,
}

impl SchemaCache {
    /// A relation of `schema` with a name like this one.
    pub(crate) fn table_like(&self, schema: &str, name: &str) -> Option<String> {
        let names: Vec<&str> =
            self.tables.keys().filter(|table| table.schema == schema).map(|table| table.name.as_str()).collect();
        if names.len() >= MOST_COMPARED {
            return None;
        }
        names.into_iter().collect::<SimilarNames>().best(name, similar::CLOSE).map(str::to_owned)
    }

    /// How much there is, for the log.
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} relations, {} relationships, {} functions",
            self.tables.len(),
            self.relationships.values().map(Vec::len).sum::<usize>(),
            self.functions.values().map(Vec::len).sum::<usize>(),
        )
    }
}
