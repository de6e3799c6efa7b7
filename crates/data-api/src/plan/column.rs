//! A name in a request, together with what the schema knows of it.
//!
//! Most names are columns. Some are not (a computed column, an alias, a column of a function's result), and Postgres will
//! find them or say that it does not; so what is unknown here is no error, except where a type is needed to read JSON.

use crate::identifier::Qualified;
use crate::request::ast::{Field, JsonStep, Operation};
use crate::schema_cache::{Column, SchemaCache, Table};

/// A column as it stands in a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ColumnRef {
    pub(crate) name: String,
    pub(crate) path: Vec<JsonStep>,
    /// Made JSON before its path is followed.
    pub(crate) to_json: bool,
    /// Made a text search vector, in a language or in the default one.
    pub(crate) to_vector: Option<Option<String>>,
    /// The type before [`transform`](Self::transform); empty when unknown.
    pub(crate) type_name: String,
    pub(crate) base_type: String,
    /// Between the type and how it is shown or written.
    pub(crate) transform: Option<Qualified>,
    pub(crate) default: Option<String>,
    /// The row itself and not its column `*`, so that rows that are not there are not counted.
    pub(crate) whole_row: bool,
}

impl ColumnRef {
    pub(crate) fn unknown(name: impl Into<String>, path: Vec<JsonStep>) -> Self {
        Self { name: name.into(), path, ..Self::default() }
    }

    pub(crate) fn is_star(&self) -> bool {
        self.name == "*" && self.path.is_empty()
    }

    fn of(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            type_name: column.nominal_type.clone(),
            base_type: column.base_type.clone(),
            default: column.default.clone(),
            ..Self::default()
        }
    }
}

/// Finds columns of one relation.
#[derive(Debug, Clone)]
pub(crate) struct Resolver<'a> {
    pub(crate) cache: &'a SchemaCache,
    pub(crate) relation: Qualified,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(cache: &'a SchemaCache, relation: Qualified) -> Self {
        Self { cache, relation }
    }

    pub(crate) fn table(&self) -> Option<&'a Table> {
        self.cache.tables.get(&self.relation)
    }

    /// A column as it is ordered by.
    pub(crate) fn plain(&self, field: &Field) -> ColumnRef {
        self.resolve(field, None)
    }

    /// A column as it is shown: as its representation in JSON, if it has one.
    pub(crate) fn shown(&self, field: &Field) -> ColumnRef {
        self.as_shown(self.resolve(field, None))
    }

    /// A column as values of the query string are compared with it.
    pub(crate) fn compared(&self, field: &Field, operation: &Operation) -> ColumnRef {
        let to_vector = match operation {
            Operation::FullText(_, language, _) => Some(language.clone()),
            _ => None,
        };
        let column = self.resolve(field, to_vector);
        let target = column.type_name.clone();
        self.transformed(column, "text", &target)
    }

    /// A column as it is written from JSON; none if its type is not known.
    pub(crate) fn written(&self, name: &str) -> Option<ColumnRef> {
        let column = ColumnRef::of(self.table()?.columns.get(name)?);
        let target = column.type_name.clone();
        Some(self.transformed(column, "json", &target))
    }

    /// All columns, as they are shown.
    pub(crate) fn all_shown(&self) -> Vec<ColumnRef> {
        let columns = self.table().into_iter().flat_map(|table| table.columns.values());
        columns.map(|column| self.as_shown(ColumnRef::of(column))).collect()
    }

    /// Whether any column is shown otherwise than it is.
    pub(crate) fn has_representations(&self) -> bool {
        let shown_otherwise = |column: &Column| {
            self.cache.representations.contains_key(&(column.nominal_type.clone(), "json".to_owned()))
        };
        self.table().is_some_and(|table| table.columns.values().any(shown_otherwise))
    }

    fn resolve(&self, field: &Field, to_vector: Option<Option<String>>) -> ColumnRef {
        let known = self.table().and_then(|table| table.columns.get(&field.name));
        let mut column = match known {
            Some(column) => ColumnRef { to_vector, ..ColumnRef::of(column) },
            None => ColumnRef::unknown(field.name.clone(), Vec::new()),
        };
        column.path.clone_from(&field.path);
        // A conversion would keep indexes on the column from being used.
        column.to_json = !matches!(column.type_name.as_str(), "json" | "jsonb");
        if column.base_type == "tsvector" {
            column.to_vector = None;
        }
        column
    }

    fn as_shown(&self, column: ColumnRef) -> ColumnRef {
        let source = column.type_name.clone();
        self.transformed(column, &source, "json")
    }

    fn transformed(&self, mut column: ColumnRef, source: &str, target: &str) -> ColumnRef {
        let key = (source.to_owned(), target.to_owned());
        if let Some(function) = self.cache.representations.get(&key) {
            source.clone_into(&mut column.type_name);
            column.transform = Some(function.clone());
        }
        column
    }
}
