//! Names in Postgres.

use std::fmt;

use serde::Deserialize;

/// A name in a schema; without a schema, whatever the search path finds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Deserialize)]
pub(crate) struct Qualified {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl Qualified {
    pub(crate) fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// A name of our own making, such as an alias.
    pub(crate) fn local(name: impl Into<String>) -> Self {
        Self { schema: String::new(), name: name.into() }
    }

    /// `schema.name` or `name`, as configuration has it.
    pub(crate) fn parse(text: &str) -> Self {
        match text.split_once('.') {
            Some((schema, name)) => Self::new(schema, name),
            None => Self::local(text),
        }
    }
}

impl fmt::Display for Qualified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema.is_empty() {
            formatter.write_str(&self.name)
        } else {
            write!(formatter, "{}.{}", self.schema, self.name)
        }
    }
}
