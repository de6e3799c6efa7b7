//! Relations and their columns.

use indexmap::IndexMap;
use serde::Deserialize;

use crate::identifier::Qualified;

/// A table, view, materialized view or foreign table.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) insertable: bool,
    pub(crate) updatable: bool,
    pub(crate) deletable: bool,
    /// Whether everybody who may read it reads the same rows.
    pub(crate) open: bool,
    pub(crate) primary_key: Vec<String>,
    #[serde(deserialize_with = "by_name")]
    pub(crate) columns: IndexMap<String, Column>,
}

impl Table {
    pub(crate) fn qualified(&self) -> Qualified {
        Qualified::new(&self.schema, &self.name)
    }
}

/// A column of a relation.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) nullable: bool,
    /// What a domain is made of, without length.
    pub(crate) base_type: String,
    /// The type as it was declared.
    pub(crate) nominal_type: String,
    pub(crate) max_length: Option<i32>,
    pub(crate) default: Option<String>,
    #[serde(rename = "enum")]
    pub(crate) labels: Vec<String>,
}

fn by_name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<IndexMap<String, Column>, D::Error> {
    let columns = Vec::<Column>::deserialize(deserializer)?;
    Ok(columns.into_iter().map(|column| (column.name.clone(), column)).collect())
}
