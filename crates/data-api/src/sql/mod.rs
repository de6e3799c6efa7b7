//! From a plan to a statement.
//!
//! Statements are written from left to right into an [`Sql`], which takes four things: text of ours, known when this was
//! compiled; names, which it quotes; values, which become parameters; and a few texts of the catalogue. There is no way for what
//! a client sent into the text of a statement, but as a quoted name.
//!
//! The shape of the statements is PostgREST's, because it can be seen from outside: the order of rows that nobody ordered, and the
//! blanks between them, come from where Postgres aggregates what.

mod body;
mod call;
mod column;
mod condition;
mod count;
mod mutate;
mod read;
mod statement;

use bytes::Bytes;
use postgres::identifier::quote_identifier;

use crate::identifier::Qualified;
use crate::request::ast::CastType;

pub(crate) use statement::{planned_count, statement};

/// A statement in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sql {
    text: String,
    parameters: Vec<Value>,
}

/// The value of a parameter, and how it gets its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Text whose type Postgres finds from where it stands, as it does with a literal.
    Unknown(String),
    Json(Bytes),
    Jsonb(Bytes),
    Bytea(Bytes),
    /// Bytes of the client's, as a literal of whatever type follows.
    Raw(Bytes),
    TextArray(Vec<String>),
}

impl Sql {
    /// Text of ours.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A name, quoted.
    pub(crate) fn name(&mut self, name: &str) -> &mut Self {
        self.text.push_str(&quote_identifier(name));
        self
    }

    /// A name in its schema.
    pub(crate) fn qualified(&mut self, name: &Qualified) -> &mut Self {
        if !name.schema.is_empty() {
            self.name(&name.schema).push(".");
        }
        self.name(&name.name)
    }

    /// A column of a relation; `*` is all of them.
    pub(crate) fn column(&mut self, relation: &Qualified, column: &str) -> &mut Self {
        self.qualified(relation).push(".");
        if column == "*" { self.push("*") } else { self.name(column) }
    }

    /// A value, as a parameter.
    pub(crate) fn value(&mut self, value: Value) -> &mut Self {
        self.parameters.push(value);
        let number = self.parameters.len();
        self.text.push_str(&format!("${number}"));
        self
    }

    /// A text, as a parameter whose type Postgres finds.
    pub(crate) fn unknown(&mut self, text: impl Into<String>) -> &mut Self {
        self.value(Value::Unknown(text.into()))
    }

    /// A type that the grammar has let through.
    pub(crate) fn cast_type(&mut self, cast: &CastType) -> &mut Self {
        self.text.push_str(cast.as_sql());
        self
    }

    /// A type or expression as Postgres itself has printed it.
    pub(crate) fn catalogue(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A number of ours.
    pub(crate) fn number(&mut self, number: i64) -> &mut Self {
        self.text.push_str(&number.to_string());
        self
    }

    /// `items` with `separator` between them.
    pub(crate) fn separated<T>(
        &mut self,
        separator: &'static str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            each(self, item);
        }
        self
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn parameters(&self) -> &[Value] {
        &self.parameters
    }
}
