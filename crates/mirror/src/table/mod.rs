//! The mirror's tables as data: one declaration for each kind of object, from which come the row that an object makes and
//! the statements that write it.
//!
//! All tables have one shape (`id`, typed columns, `raw`, the version, tombstone, source), so there is one way to write
//! them, and it takes any number of rows at once. What differs is declared in `columns`.

mod columns;
mod comparison;
mod row;
mod statements;

use clerk::Object;

use crate::ObjectKind;

pub(crate) use row::{Row, Stub, object_id, parents_of_ended};

/// One kind's table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) kind: ObjectKind,
    /// What the object belongs to: when that is gone, it is gone. A tombstone keeps these ids.
    pub(crate) parents: &'static [Parent],
    /// The other columns; a tombstone has none of them.
    pub(crate) columns: &'static [Column],
    /// Whether a row may be made of the id alone.
    pub(crate) may_be_stub: bool,
    /// Members that are never stored: who has them can act.
    pub(crate) secrets: &'static [&'static str],
    /// Members that have rows of their own and are not repeated in `raw`.
    pub(crate) elsewhere: &'static [&'static str],
}

/// A column with the id of another object.
#[derive(Debug)]
pub(crate) struct Parent {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) of: ObjectKind,
}

/// A column and where its value stands in the object.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    sql: Type,
    read: Read,
    /// Said by events alone: an answer of the Backend API does not take it away.
    lasting: bool,
}

/// What the column is in Postgres.
#[derive(Debug, Clone, Copy)]
enum Type {
    Text,
    Texts,
    Boolean,
    Number,
    Moment,
    Json,
}

/// How a value is read.
#[derive(Debug)]
enum Read {
    Text(&'static str),
    /// Text that is short enough for an index.
    Key(&'static str),
    Flag(&'static str),
    Number(&'static str),
    Moment(&'static str),
    Json(&'static str),
    Special(fn(&Object<'_>) -> Option<String>),
}

impl Column {
    /// The value as text that Postgres reads as the column's type.
    fn value(&self, object: &Object<'_>) -> Option<String> {
        match self.read {
            Read::Text(path) => object.text(path),
            // A payer that is an organization comes with an empty `user_id`.
            Read::Key(path) => object.text(path).filter(|key| !key.is_empty()).map(indexable),
            Read::Flag(path) => object.get::<bool>(path).map(|flag| flag.to_string()),
            Read::Number(path) => object.get::<i64>(path).map(|number| number.to_string()),
            Read::Moment(path) => moment(object, path),
            Read::Json(path) => object.raw(path).map(|json| json.get().to_owned()),
            Read::Special(read) => read(object),
        }
    }
}

/// A time as a column takes it; one outside the years that Postgres can hold and people can mean is left out.
fn moment(object: &Object<'_>, path: &str) -> Option<String> {
    const YEAR_10000: i64 = 253_402_300_800_000;
    let millis = object.moment(path)?.millis();
    (0..YEAR_10000).contains(&millis).then(|| millis.to_string())
}

/// An index entry takes no more than 2,704 bytes. Whatever stands in an object, it must be possible to store it.
fn indexable(mut text: String) -> String {
    const LONGEST: usize = 256;
    text.truncate(text.floor_char_boundary(LONGEST));
    text
}

/// Texts as Postgres writes an array of them.
fn array(texts: &[String]) -> String {
    let mut array = String::from("{");
    for text in texts {
        if array.len() > 1 {
            array.push(',');
        }
        array.push('"');
        for character in text.chars() {
            if matches!(character, '"' | '\\') {
                array.push('\\');
            }
            array.push(character);
        }
        array.push('"');
    }
    array.push('}');
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_written_as_postgres_reads_it() {
        assert_eq!(array(&[]), "{}");
        assert_eq!(array(&["org:a:read".to_owned(), r#"a"b\c,{}"#.to_owned()]), r#"{"org:a:read","a\"b\\c,{}"}"#);
    }

    #[test]
    fn a_key_ends_before_it_is_too_long_for_an_index() {
        assert_eq!(indexable("ä".repeat(200)).len(), 256);
        assert_eq!(indexable("€".repeat(200)).len(), 255);
    }
}
