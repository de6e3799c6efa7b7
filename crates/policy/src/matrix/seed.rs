//! Rows to try on: made by the owner, honouring keys and checks, and known by their primary key.

use std::collections::BTreeMap;

use postgres::{Error, Parameter, Rehearsal};
use tokio_postgres::types::Type;

use super::sample::{candidates, mentions};
use super::world::{ACME, ADA, BEN, CLEO, GLOBEX};
use crate::catalogue::{Catalogue, Column, Relation};
use crate::model::{Access, Model, Table};
use crate::{TableName, quote_name};

/// How often values are changed before a table is given up.
const TRIES: usize = 60;
/// How deep keys may lead: tables that need rows of tables that need rows …
const DEPTH: usize = 8;

/// Why a table got no rows.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// No values were found that Postgres accepts.
    #[error(
        "no row could be made in {table}: {reason}; give values in its [[table]]: sample = {{ column = \"value\" }}"
    )]
    NoRow {
        /// Which table.
        table: String,
        /// What Postgres said to the last attempt.
        reason: String,
    },
    /// It is not there.
    #[error("the database has no table {table}; expected every [[table]] of rowlock.toml to be there")]
    NoTable {
        /// Which table.
        table: String,
    },
    /// Rows could not be told apart.
    #[error("{table} has no primary key; expected one, for what was reached is told by it")]
    NoPrimaryKey {
        /// Which table.
        table: String,
    },
    /// The database could not be used.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Whose a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) label: &'static str,
    pub(super) owner: &'static str,
    pub(super) organization: &'static str,
    pub(super) shown: bool,
}

const WHOSE: [Whose; 4] = [
    Whose { label: "ada@Acme", owner: ADA, organization: ACME, shown: false },
    Whose { label: "ben@Acme", owner: BEN, organization: ACME, shown: false },
    Whose { label: "cleo@Globex", owner: CLEO, organization: GLOBEX, shown: false },
    Whose { label: "dan, shown", owner: super::world::DAN, organization: ACME, shown: true },
];

/// One row that is there.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) whose: Whose,
    /// The primary key, as one text.
    pub(super) key: String,
    /// What it was made of.
    pub(super) columns: BTreeMap<String, String>,
}

/// Rows for every table of the model.
pub(super) struct Seeds<'a> {
    rehearsal: &'a Rehearsal,
    catalogue: &'a Catalogue,
    model: &'a Model,
    pub(super) rows: BTreeMap<TableName, Vec<Row>>,
    /// Rows of tables that are not in the model, made because a key needed them: their columns.
    fillers: BTreeMap<TableName, BTreeMap<String, String>>,
    number: usize,
}

impl<'a> Seeds<'a> {
    pub(super) async fn sow(
        rehearsal: &'a Rehearsal,
        catalogue: &'a Catalogue,
        model: &'a Model,
    ) -> Result<Self, SeedError> {
        let mut seeds =
            Self { rehearsal, catalogue, model, rows: BTreeMap::new(), fillers: BTreeMap::new(), number: 0 };
        for table in &model.tables {
            seeds.sow_table(table, 0).await?;
        }
        Ok(seeds)
    }

    async fn sow_table(&mut self, table: &'a Table, depth: usize) -> Result<(), SeedError> {
        if self.rows.contains_key(&table.name) {
            return Ok(());
        }
        let relation = self.relation(&table.name)?;
        if relation.primary_key.is_empty() {
            return Err(SeedError::NoPrimaryKey { table: table.name.to_string() });
        }
        if relation.forced {
            self.rehearsal.run(&format!("alter table {} no force row level security", table.name)).await?;
        }
        let profile = matches!(table.access, Access::Profile { .. });
        let mut rows = Vec::new();
        for whose in WHOSE.into_iter().filter(|whose| profile || !whose.shown) {
            let fixed = self.fixed(table, relation, whose, depth).await?;
            let sample = &table.sample;
            rows.push(self.insert(relation, &fixed, sample, whose, depth).await?);
        }
        self.rows.insert(table.name.clone(), rows);
        Ok(())
    }

    /// The columns by which the row is whose it is.
    async fn fixed(
        &mut self,
        table: &'a Table,
        relation: &'a Relation,
        whose: Whose,
        depth: usize,
    ) -> Result<BTreeMap<String, String>, SeedError> {
        let mut fixed = BTreeMap::new();
        if let Some(column) = table.access.owner_column() {
            fixed.insert(column.to_owned(), whose.owner.to_owned());
        }
        if let Some(column) = table.access.organization_column() {
            fixed.insert(column.to_owned(), whose.organization.to_owned());
        }
        match &table.access {
            Access::Profile { visible, .. } => {
                fixed.insert(visible.clone(), whose.shown.to_string());
            }
            Access::Child { parent, foreign_key, parent_key } => {
                let above = self.model.table(parent).expect("the model was checked to have its parents");
                Box::pin(self.sow_table(above, depth + 1)).await?;
                let row = self.rows[parent].iter().find(|row| row.whose.label == whose.label);
                let row = row.or_else(|| self.rows[parent].first()).expect("every table gets rows");
                fixed.insert(
                    foreign_key.clone(),
                    row.columns.get(parent_key).cloned().unwrap_or_else(|| row.key.clone()),
                );
            }
            Access::Custom { policies, .. } => fixed.extend(super::custom::columns(policies, relation, whose)),
            _ => {}
        }
        Ok(fixed)
    }

    /// Inserts a row with these columns fixed, trying values for the others until Postgres accepts one.
    async fn insert(
        &mut self,
        relation: &'a Relation,
        fixed: &BTreeMap<String, String>,
        sample: &BTreeMap<String, String>,
        whose: Whose,
        depth: usize,
    ) -> Result<Row, SeedError> {
        self.number += 1;
        let mut columns = fixed.clone();
        for (column, value) in sample {
            columns.entry(column.clone()).or_insert_with(|| value.replace("{n}", &self.number.to_string()));
        }
        self.point_at_something(relation, &mut columns, depth).await?;
        let mut open: Vec<(&Column, Vec<String>, usize)> = Vec::new();
        for column in &relation.columns {
            let fills_itself = column.default.is_some() || column.identity || column.generated;
            if !columns.contains_key(&column.name) && column.not_null && !fills_itself {
                let values = candidates(column, self.number, &relation.checks);
                if values.is_empty() {
                    let reason = format!(
                        "nothing is known about values of type {} for column {}",
                        column.data_type, column.name
                    );
                    return Err(SeedError::NoRow { table: relation.table_name().to_string(), reason });
                }
                open.push((column, values, 0));
            }
        }
        let mut reason = String::new();
        for _ in 0..TRIES {
            let mut values = columns.clone();
            for (column, candidates, chosen) in &open {
                values.insert(column.name.clone(), candidates[*chosen % candidates.len()].clone());
            }
            match self.try_insert(relation, &values).await? {
                Ok(key) => return Ok(Row { whose, key, columns: values }),
                Err(refused) => {
                    if !advance(&refused, relation, &mut open) {
                        reason = refused.message;
                        break;
                    }
                    reason = refused.message;
                }
            }
        }
        Err(SeedError::NoRow { table: relation.table_name().to_string(), reason })
    }

    /// Rows that keys need: of the model's tables, or made for the purpose.
    async fn point_at_something(
        &mut self,
        relation: &'a Relation,
        columns: &mut BTreeMap<String, String>,
        depth: usize,
    ) -> Result<(), SeedError> {
        for key in &relation.foreign_keys {
            let [column] = &key.columns[..] else { continue };
            let [to_column] = &key.to_columns[..] else { continue };
            let target = TableName { schema: key.to_schema.clone(), table: key.to_table.clone() };
            let needed = relation.column(column).is_some_and(|column| column.not_null && column.default.is_none());
            let value = columns.get(column).cloned();
            if (value.is_none() && !needed)
                || target == relation.table_name()
                || target.schema == "clerk"
                || depth >= DEPTH
            {
                continue;
            }
            if let Some(table) = self.model.table(&target) {
                Box::pin(self.sow_table(table, depth + 1)).await?;
                if value.is_none() {
                    let row = self.rows[&target].first().expect("every table gets rows");
                    columns
                        .insert(column.clone(), row.columns.get(to_column).cloned().unwrap_or_else(|| row.key.clone()));
                }
                continue;
            }
            let found = self.relation(&target)?;
            match value {
                // An id of a person or organization that some other table must know.
                Some(value) => {
                    let known = self.exists(&target, to_column, &value).await?;
                    if !known {
                        let fixed = BTreeMap::from([(to_column.clone(), value)]);
                        Box::pin(self.insert(found, &fixed, &BTreeMap::new(), WHOSE[0], depth + 1)).await?;
                    }
                }
                None => {
                    if !self.fillers.contains_key(&target) {
                        let row = Box::pin(self.insert(found, &BTreeMap::new(), &BTreeMap::new(), WHOSE[0], depth + 1))
                            .await?;
                        let mut made = row.columns;
                        if let [primary] = &found.primary_key[..] {
                            made.entry(primary.clone()).or_insert(row.key);
                        }
                        self.fillers.insert(target.clone(), made);
                    }
                    if let Some(value) = self.fillers[&target].get(to_column) {
                        columns.insert(column.clone(), value.clone());
                    }
                }
            }
        }
        Ok(())
    }

    async fn exists(&self, table: &TableName, column: &str, value: &str) -> Result<bool, Error> {
        let statement = format!("select 1 from {table} where {}::text = $1", quote_name(column));
        Ok(!self.rehearsal.query(&statement, &[(&value, Type::TEXT)]).await?.is_empty())
    }

    /// The key of the new row, or why Postgres did not want it.
    async fn try_insert(
        &self,
        relation: &Relation,
        values: &BTreeMap<String, String>,
    ) -> Result<Result<String, Refused>, Error> {
        let statement = format!("{} returning {}", insert_statement(relation, values), key_expression(relation));
        let values: Vec<&String> = values.values().collect();
        let parameters: Vec<Parameter<'_>> = values.iter().map(|value| (*value as _, Type::TEXT)).collect();
        self.rehearsal.mark().await?;
        match self.rehearsal.query(&statement, &parameters).await {
            Ok(rows) => {
                // The mark stays behind: what was made is to stay as long as the rehearsal.
                self.rehearsal.run("release savepoint rehearsal").await?;
                Ok(Ok(rows[0].get(0)))
            }
            Err(error) => {
                let refused = Refused::from(&error);
                self.rehearsal.undo().await?;
                refused.map(Err).ok_or(error)
            }
        }
    }

    fn relation(&self, name: &TableName) -> Result<&'a Relation, SeedError> {
        let found = self.catalogue.relation(name).filter(|relation| relation.is_table());
        found.ok_or_else(|| SeedError::NoTable { table: name.to_string() })
    }
}

/// Why Postgres refused values.
struct Refused {
    state: String,
    message: String,
    constraint: Option<String>,
    column: Option<String>,
}

impl Refused {
    fn from(error: &Error) -> Option<Self> {
        let Error::Statement(source) = error else { return None };
        let answer = source.as_db_error()?;
        Some(Self {
            state: answer.code().code().to_owned(),
            message: answer.message().to_owned(),
            constraint: answer.constraint().map(str::to_owned),
            column: answer.column().map(str::to_owned),
        })
    }
}

/// Takes the next value for the columns that are to blame; false when nobody is.
fn advance(refused: &Refused, relation: &Relation, open: &mut [(&Column, Vec<String>, usize)]) -> bool {
    // Data exceptions and violated constraints: other values may do.
    if !matches!(&refused.state[..2], "22" | "23") {
        return false;
    }
    let blamed = |column: &Column| match (&refused.column, &refused.constraint) {
        (Some(name), _) => column.name == *name,
        (None, Some(constraint)) => {
            let in_check = relation
                .checks
                .iter()
                .any(|check| check.starts_with(&format!("{constraint}: ")) && mentions(check, &column.name));
            let in_index =
                relation.indexes.iter().any(|index| index.name == *constraint && index.columns.contains(&column.name));
            in_check || in_index
        }
        (None, None) => true,
    };
    let mut advanced = false;
    // Like the digits of a number: when one has gone round, the next moves on.
    for (column, candidates, chosen) in open.iter_mut().filter(|(column, ..)| blamed(column)) {
        let _ = column;
        *chosen += 1;
        advanced = true;
        if *chosen % candidates.len() != 0 {
            break;
        }
    }
    advanced
}

/// `insert into … values ($1::text::type, …)`, the values in the order of the names.
pub(super) fn insert_statement(relation: &Relation, values: &BTreeMap<String, String>) -> String {
    if values.is_empty() {
        return format!("insert into {} default values", relation.table_name());
    }
    let names: Vec<String> = values.keys().map(|name| quote_name(name)).collect();
    let places: Vec<String> =
        values.keys().enumerate().map(|(place, name)| parameter(relation, name, place + 1)).collect();
    format!("insert into {} ({}) values ({})", relation.table_name(), names.join(", "), places.join(", "))
}

/// A parameter that is sent as text and read as the column's type.
pub(super) fn parameter(relation: &Relation, column: &str, place: usize) -> String {
    let data_type = relation.column(column).map_or("text", |column| column.data_type.as_str());
    format!("${place}::text::{data_type}")
}

/// The primary key as one text.
pub(super) fn key_expression(relation: &Relation) -> String {
    let parts: Vec<String> =
        relation.primary_key.iter().map(|column| format!("{}::text", quote_name(column))).collect();
    match &parts[..] {
        [one] => one.clone(),
        several => format!("concat_ws('/', {})", several.join(", ")),
    }
}
