//! Rows as they came: nothing is copied or read before somebody asks for it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend::{DataRowBody, RowDescriptionBody};
use tokio_postgres::types::{FromSql, Type};

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    name: Box<str>,
    data_type: Type,
}

impl Column {
    /// Its name in the answer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type, [`Type::UNKNOWN`] for types that are not Postgres' own. A domain shows as what it is over.
    pub fn type_(&self) -> &Type {
        &self.data_type
    }

    pub(super) fn read(body: &RowDescriptionBody) -> std::io::Result<Arc<[Self]>> {
        let fields = body.fields().map(|field| {
            let data_type = Type::from_oid(field.type_oid()).unwrap_or(Type::UNKNOWN);
            Ok(Self { name: field.name().into(), data_type })
        });
        Ok(fields.collect::<Vec<_>>()?.into())
    }
}

/// A row of an answer to a client's statement.
pub struct Row {
    columns: Arc<[Column]>,
    storage: Bytes,
    ranges: Vec<Option<Range<usize>>>,
}

/// A column's place: its number from zero, or its name.
pub trait Place: fmt::Display {
    /// The number.
    #[doc(hidden)]
    fn find(&self, columns: &[Column]) -> Option<usize>;
}

impl Place for usize {
    fn find(&self, columns: &[Column]) -> Option<usize> {
        (*self < columns.len()).then_some(*self)
    }
}

impl Place for &str {
    fn find(&self, columns: &[Column]) -> Option<usize> {
        columns.iter().position(|column| &*column.name == *self)
    }
}

impl Row {
    pub(super) fn read(columns: Arc<[Column]>, body: &DataRowBody) -> std::io::Result<Self> {
        let ranges: Vec<_> = body.ranges().collect()?;
        if ranges.len() != columns.len() {
            return Err(std::io::Error::other("a row of another width than was announced"));
        }
        Ok(Self { columns, storage: body.buffer_bytes().clone(), ranges })
    }

    /// The columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column at `place`.
    ///
    /// # Panics
    /// When there is no such column.
    pub fn column<P: Place>(&self, place: &P) -> &Column {
        &self.columns[self.index(place)]
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no column at all.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The value at `place`.
    ///
    /// # Panics
    /// When there is no such column, or the value is of another type: the statement and its reader are both ours.
    pub fn get<'a, P: Place, T: FromSql<'a>>(&'a self, place: P) -> T {
        let index = self.index(&place);
        let column = &self.columns[index];
        assert!(T::accepts(&column.data_type), "column {place} is {} and is read as something else", column.data_type);
        let read = T::from_sql_nullable(&column.data_type, self.bytes(index));
        read.unwrap_or_else(|error| panic!("column {place} cannot be read: {error}"))
    }

    /// The bytes of the value at `place` as they came, in Postgres' binary format; none for `null`. Shared, not copied.
    ///
    /// # Panics
    /// When there is no such column.
    pub fn raw<P: Place>(&self, place: &P) -> Option<Bytes> {
        let range = self.ranges[self.index(place)].clone()?;
        Some(self.storage.slice(range))
    }

    fn bytes(&self, index: usize) -> Option<&[u8]> {
        self.ranges[index].clone().map(|range| &self.storage[range])
    }

    fn index<P: Place>(&self, place: &P) -> usize {
        place.find(&self.columns).unwrap_or_else(|| panic!("there is no column {place}"))
    }
}

/// Values are people's, and not shown.
impl fmt::Debug for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Row").field("columns", &self.columns).finish_non_exhaustive()
    }
}
