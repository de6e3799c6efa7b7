//! A database as far as it decides who may see what, read in one statement.

use postgres::{Connection, Error, Rehearsal};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

use crate::TableName;

const CATALOGUE: &str = include_str!("../../../sql/policy/catalogue.sql");

/// Relations and functions outside the system's own schemas.
#[derive(Debug, Clone, Deserialize)]
pub struct Catalogue {
    /// Tables, views, materialized views, foreign tables.
    pub relations: Vec<Relation>,
    /// Functions and procedures.
    pub functions: Vec<Function>,
    /// Who of `anon` and `authenticated` may use which schema.
    pub schemas: BTreeMap<String, Vec<String>>,
}

/// One relation.
#[derive(Debug, Clone, Deserialize)]
pub struct Relation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `r` table, `p` partitioned table, `v` view, `m` materialized view, `f` foreign table.
    pub kind: String,
    /// The role that owns it.
    pub owner: String,
    /// Whether row-level security is on.
    pub row_security: bool,
    /// Whether it holds for the owner, too.
    pub forced: bool,
    /// For views: whether the caller's rights and policies count.
    pub security_invoker: bool,
    /// As the planner estimates.
    pub rows: i64,
    /// In order.
    pub columns: Vec<Column>,
    /// By name.
    pub policies: Vec<Policy>,
    /// To other roles than the owner.
    pub grants: Vec<Grant>,
    /// Valid ones.
    pub indexes: Vec<IndexEntry>,
    /// In order.
    pub primary_key: Vec<String>,
    /// By name.
    pub foreign_keys: Vec<ForeignKeyEntry>,
    /// Names and definitions, such as `amount_check: CHECK ((amount > 0))`.
    pub checks: Vec<String>,
    /// Sequences of `serial` columns.
    pub sequences: Vec<Sequence>,
}

/// One column.
#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// As declared: `numeric(10,2)`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Without length, and below a domain.
    pub base_type: String,
    /// The values of an enumeration.
    pub labels: Vec<String>,
    /// Whether it must have a value.
    pub not_null: bool,
    /// What it is when nobody says.
    pub default: Option<String>,
    /// `generated … as identity`.
    pub identity: bool,
    /// `generated always as (…) stored`.
    pub generated: bool,
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// `select`, `insert`, `update`, `delete` or `all`.
    pub command: String,
    /// Whether it gives (permissive) or takes away.
    pub permissive: bool,
    /// For whom; `public` is everybody.
    pub roles: Vec<String>,
    /// As Postgres writes it.
    pub using: Option<String>,
    /// As Postgres writes it.
    pub check: Option<String>,
}

/// One privilege.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Grant {
    /// To whom; `public` is everybody.
    pub role: String,
    /// `select`, `insert`, …
    pub privilege: String,
    /// Of one column, or of the table.
    pub column: Option<String>,
}

/// One index.
#[derive(Debug, Clone, Deserialize)]
pub struct IndexEntry {
    /// Its name.
    pub name: String,
    /// The columns among its keys; empty for expressions.
    pub columns: Vec<String>,
    /// Whether it allows each value once.
    pub unique: bool,
    /// Whether it holds some rows only.
    pub partial: bool,
    /// Whether an expression is among its keys.
    pub expression: bool,
}

/// One foreign key.
#[derive(Debug, Clone, Deserialize)]
pub struct ForeignKeyEntry {
    /// The constraint's name.
    pub name: String,
    /// Which columns point.
    pub columns: Vec<String>,
    /// Where to.
    pub to_schema: String,
    /// Where to.
    pub to_table: String,
    /// At which columns.
    pub to_columns: Vec<String>,
}

/// One sequence.
#[derive(Debug, Clone, Deserialize)]
pub struct Sequence {
    /// Quoted, with its schema.
    pub name: String,
    /// Whether `authenticated` may draw from it.
    pub usable: bool,
}

/// One function.
#[derive(Debug, Clone, Deserialize)]
pub struct Function {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The types of its arguments.
    pub arguments: String,
    /// Whether it runs with its owner's rights.
    pub security_definer: bool,
    /// Whether it fixes the search path.
    pub search_path: bool,
    /// Whether it can only be called by a trigger.
    pub trigger: bool,
    /// Its body.
    pub source: String,
    /// Who of `anon` and `authenticated` may call it.
    pub callable_by: Vec<String>,
}

impl Catalogue {
    /// Reads the database of this connection.
    ///
    /// # Errors
    /// What Postgres said.
    pub async fn read(connection: &Connection) -> Result<Self, Error> {
        let row = connection.query_one(CATALOGUE, &[]).await.map_err(Error::Statement)?;
        Ok(Self::from_json(row.get(0)))
    }

    /// As [`read`](Self::read), with what the rehearsal changed.
    ///
    /// # Errors
    /// What Postgres said.
    pub async fn read_in(rehearsal: &Rehearsal) -> Result<Self, Error> {
        let rows = rehearsal.query(CATALOGUE, &[]).await?;
        Ok(Self::from_json(rows[0].get(0)))
    }

    fn from_json(value: Value) -> Self {
        serde_json::from_value(value).expect("the statement and the type were written together, and tests hold them so")
    }

    /// The relation of that name.
    pub fn relation(&self, name: &TableName) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.schema == name.schema && relation.name == name.table)
    }
}

impl Relation {
    /// Schema and name.
    pub fn table_name(&self) -> TableName {
        TableName { schema: self.schema.clone(), table: self.name.clone() }
    }

    /// Whether it holds rows itself.
    pub fn is_table(&self) -> bool {
        matches!(self.kind.as_str(), "r" | "p")
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether the role, or everybody, has the privilege on the table or on one of its columns.
    pub fn has_grant(&self, role: &str, privilege: &str) -> bool {
        self.grants.iter().any(|grant| (grant.role == role || grant.role == "public") && grant.privilege == privilege)
    }

    /// The columns that the role may use so.
    pub fn granted_columns(&self, role: &str, privilege: &str) -> Vec<&Column> {
        let whole = self.grants.iter().any(|grant| {
            (grant.role == role || grant.role == "public") && grant.privilege == privilege && grant.column.is_none()
        });
        let of_column = |column: &&Column| {
            whole
                || self.grants.iter().any(|grant| {
                    (grant.role == role || grant.role == "public")
                        && grant.privilege == privilege
                        && grant.column.as_ref() == Some(&column.name)
                })
        };
        self.columns.iter().filter(of_column).collect()
    }

    /// Whether an index that covers all rows begins with the column.
    pub fn has_index_on(&self, column: &str) -> bool {
        self.indexes.iter().any(|index| !index.expression && index.columns.first().is_some_and(|first| first == column))
    }
}
