//! One persona, one table, one action: what happens to which row.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use postgres::{Error, Parameter, Rehearsal};
use tokio_postgres::types::Type;

use super::persona::Persona;
use super::seed::{Row, insert_statement, key_expression, parameter};
use crate::catalogue::Relation;
use crate::quote_name;

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read the row.
    Select,
    /// Make one like it.
    Insert,
    /// Change it.
    Update,
    /// Give it away, to another tenant or to somebody of the same organization.
    Give,
    /// Take it for oneself.
    Take,
    /// Remove it.
    Delete,
}

impl Action {
    /// In the order of the table.
    pub const ALL: [Self; 6] = [Self::Select, Self::Insert, Self::Update, Self::Give, Self::Take, Self::Delete];

    /// The letter in the table's head.
    pub const fn letter(self) -> char {
        match self {
            Self::Select => 'S',
            Self::Insert => 'I',
            Self::Update => 'U',
            Self::Give => 'G',
            Self::Take => 'T',
            Self::Delete => 'D',
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Give => "give away",
            Self::Take => "take",
            Self::Delete => "delete",
        })
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was done.
    Done,
    /// Nothing was reached, or there is no grant.
    Refused,
    /// The row was reached, and what would have become of it was refused.
    RefusedByCheck,
    /// There is nothing to try.
    NotApplicable,
    /// Something else than the policies stood in the way.
    Failed(String),
}

/// Tries things in one table.
pub(super) struct Attempts<'a> {
    pub(super) rehearsal: &'a Rehearsal,
    pub(super) relation: &'a Relation,
    pub(super) rows: &'a [Row],
    /// Where each row stands before anything is tried.
    places: BTreeMap<String, String>,
}

impl<'a> Attempts<'a> {
    pub(super) async fn new(rehearsal: &'a Rehearsal, relation: &'a Relation, rows: &'a [Row]) -> Result<Self, Error> {
        let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        let found = rehearsal.query(&places(relation), &[(&keys, Type::TEXT_ARRAY)]).await?;
        let places = found.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(Self { rehearsal, relation, rows, places })
    }

    /// The keys of the rows that the persona sees.
    pub(super) async fn select(&self, persona: &Persona) -> Result<Vec<Outcome>, Error> {
        let granted = self.relation.granted_columns(persona.principal.role(), "select");
        let has_key = self.relation.primary_key.iter().all(|key| granted.iter().any(|column| column.name == *key));
        let keys: Vec<&str> = self.rows.iter().map(|row| row.key.as_str()).collect();
        // Without a grant Postgres refuses whatever is asked; with grants on other columns than the key, rows are known by those.
        let statement = if has_key || granted.is_empty() {
            format!(
                "select {0} from {1} where {0} = any ($1)",
                key_expression(self.relation),
                self.relation.table_name()
            )
        } else {
            let columns: Vec<String> = granted.iter().map(|column| quote_name(&column.name)).collect();
            format!(
                "select theirs.key from ({}) as theirs (key, shown) where theirs.shown in (select row({columns})::text from {})",
                self.known_rows(&columns.join(", ")).await?,
                self.relation.table_name(),
                columns = columns.join(", "),
            )
        };
        let attempt =
            self.rehearsal.attempt(&persona.principal, (&statement, &[(&keys, Type::TEXT_ARRAY)]), None).await?;
        Ok(match attempt.answer {
            Ok(rows) => {
                let seen: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
                self.rows.iter().map(|row| done(seen.contains(&row.key))).collect()
            }
            Err(error) => self.rows.iter().map(|_| refused_or_failed(&error)).collect(),
        })
    }

    /// The seeded rows, with the granted columns as text, as values.
    async fn known_rows(&self, columns: &str) -> Result<String, Error> {
        let keys: Vec<&str> = self.rows.iter().map(|row| row.key.as_str()).collect();
        let statement = format!(
            "select {0}, row({columns})::text from {1} where {0} = any ($1)",
            key_expression(self.relation),
            self.relation.table_name()
        );
        let found = self.rehearsal.query(&statement, &[(&keys, Type::TEXT_ARRAY)]).await?;
        let quote = postgres::identifier::quote_literal;
        let values: Vec<String> =
            found.iter().map(|row| format!("({}, {})", quote(row.get(0)), quote(row.get(1)))).collect();
        // The parameter stands there for the sake of the caller, who gives one to either form.
        Ok(format!("values {} limit cardinality($1) + 1000", values.join(", ")))
    }

    /// One more row like `row`.
    pub(super) async fn insert(&self, persona: &Persona, row: &Row) -> Result<Outcome, Error> {
        let granted = self.relation.granted_columns(persona.principal.role(), "insert");
        let mut values = row.columns.clone();
        if !granted.is_empty() {
            values.retain(|name, _| granted.iter().any(|column| column.name == *name));
        }
        let statement = insert_statement(self.relation, &values);
        let values: Vec<&String> = values.values().collect();
        let parameters: Vec<Parameter<'_>> = values.iter().map(|value| (*value as _, Type::TEXT)).collect();
        let attempt = self.rehearsal.attempt(&persona.principal, (&statement, &parameters), None).await?;
        Ok(match attempt.answer {
            Ok(_) => Outcome::Done,
            Err(error) => done_or_refused(&error),
        })
    }

    /// An update without a condition, so that only policies decide what it reaches.
    pub(super) async fn update(&self, persona: &Persona) -> Result<Vec<Outcome>, Error> {
        let granted = self.relation.granted_columns(persona.principal.role(), "update");
        let writable = |name: &str| granted.is_empty() || granted.iter().any(|column| column.name == name);
        let plain = |name: &str| {
            !self.relation.primary_key.iter().any(|key| key == name)
                && !self.relation.foreign_keys.iter().any(|key| key.columns.iter().any(|column| column == name))
                && !self
                    .relation
                    .indexes
                    .iter()
                    .any(|index| index.unique && index.columns.iter().any(|column| column == name))
        };
        // A constant needs no right to read; where every plain column is missing, the first one is set to itself.
        let constant = self.rows[0].columns.iter().find(|(name, _)| {
            plain(name) && writable(name) && self.rows.iter().all(|row| !is_whose(row, row.columns.get(*name)))
        });
        let changeable =
            self.relation.columns.iter().find(|column| !column.generated && !column.identity && writable(&column.name));
        let assignment = match (constant, changeable) {
            (Some((name, _)), _) => format!("{} = {}", quote_name(name), parameter(self.relation, name, 1)),
            (None, Some(column)) => format!("{0} = {0}", quote_name(&column.name)),
            (None, None) => return Ok(self.rows.iter().map(|_| Outcome::NotApplicable).collect()),
        };
        let value = constant.map(|(_, value)| value);
        let parameters: Vec<Parameter<'_>> = value.iter().map(|value| (*value as _, Type::TEXT)).collect();
        self.reach(persona, &format!("update {} set {assignment}", self.relation.table_name()), &parameters).await
    }

    /// A delete without a condition.
    pub(super) async fn delete(&self, persona: &Persona) -> Result<Vec<Outcome>, Error> {
        self.reach(persona, &format!("delete from {}", self.relation.table_name()), &[]).await
    }

    /// The row, become somebody else's by these columns; the statement names no row.
    pub(super) async fn move_to(
        &self,
        persona: &Persona,
        row: &Row,
        to: &BTreeMap<String, String>,
    ) -> Result<Outcome, Error> {
        let assignments: Vec<String> = to
            .keys()
            .enumerate()
            .map(|(place, name)| format!("{} = {}", quote_name(name), parameter(self.relation, name, place + 1)))
            .collect();
        let statement = format!("update {} set {}", self.relation.table_name(), assignments.join(", "));
        let parameters: Vec<Parameter<'_>> = to.values().map(|value| (value as _, Type::TEXT)).collect();
        self.reach_one(persona, &statement, &parameters, row).await
    }

    /// Which rows a statement without a condition changed or removed.
    async fn reach(
        &self,
        persona: &Persona,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Outcome>, Error> {
        match self.changed_by(persona, statement, parameters).await? {
            Ok(changed) => Ok(self.rows.iter().map(|row| done(changed.contains(row.key.as_str()))).collect()),
            Err(error) if is_refusal(&error) && !is_check_violation(&error) => {
                Ok(self.rows.iter().map(|_| Outcome::Refused).collect())
            }
            // One row spoilt it for all: each alone then.
            Err(_) => {
                let mut outcomes = Vec::new();
                for row in self.rows {
                    outcomes.push(self.reach_one(persona, statement, parameters, row).await?);
                }
                Ok(outcomes)
            }
        }
    }

    /// As [`reach`](Self::reach), with every other row out of the way: the statement still names none.
    async fn reach_one(
        &self,
        persona: &Persona,
        statement: &str,
        parameters: &[Parameter<'_>],
        row: &Row,
    ) -> Result<Outcome, Error> {
        self.rehearsal.mark().await?;
        let alone = format!(
            "create policy rowlock_rehearsal on {} as restrictive using ({} = {}) with check (true)",
            self.relation.table_name(),
            key_expression(self.relation),
            postgres::identifier::quote_literal(&row.key)
        );
        self.rehearsal.run(&alone).await?;
        let changed = self.changed_by(persona, statement, parameters).await;
        self.rehearsal.undo().await?;
        Ok(match changed? {
            Ok(changed) => done(changed.contains(row.key.as_str())),
            Err(error) => done_or_refused(&error),
        })
    }

    /// The keys of the seeded rows that the statement changed or removed: any change gives a row another place.
    async fn changed_by(
        &self,
        persona: &Persona,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Result<BTreeSet<&str>, Error>, Error> {
        let keys: Vec<&str> = self.rows.iter().map(|row| row.key.as_str()).collect();
        let look = places(self.relation);
        let look_for: [Parameter<'_>; 1] = [(&keys, Type::TEXT_ARRAY)];
        let attempt =
            self.rehearsal.attempt(&persona.principal, (statement, parameters), Some((&look, &look_for))).await?;
        Ok(attempt.answer.map(|_| {
            let now: BTreeMap<String, String> = attempt.seen.iter().map(|row| (row.get(0), row.get(1))).collect();
            let rows = self.rows.iter().filter(|row| now.get(&row.key) != self.places.get(&row.key));
            rows.map(|row| row.key.as_str()).collect()
        }))
    }
}

/// Where rows stand now: key and place.
fn places(relation: &Relation) -> String {
    format!(
        "select {0}, tableoid::text || ctid::text from {1} where {0} = any ($1)",
        key_expression(relation),
        relation.table_name()
    )
}

fn is_whose(row: &Row, value: Option<&String>) -> bool {
    value.is_some_and(|value| value == row.whose.owner || value == row.whose.organization)
}

fn done(is_done: bool) -> Outcome {
    if is_done { Outcome::Done } else { Outcome::Refused }
}

/// 42501 either way: no grant, or a row that no policy lets come about.
fn is_refusal(error: &Error) -> bool {
    error.sql_state().is_some_and(|state| state.code() == "42501")
}

/// Of the two meanings of 42501, the one about a row.
fn is_check_violation(error: &Error) -> bool {
    error.to_string().contains("row-level security")
}

fn refused_or_failed(error: &Error) -> Outcome {
    match is_refusal(error) {
        true if is_check_violation(error) => Outcome::RefusedByCheck,
        true => Outcome::Refused,
        false => Outcome::Failed(error.to_string()),
    }
}

/// Policies are asked before keys and checks: whoever gets as far as a violated constraint was let in.
fn done_or_refused(error: &Error) -> Outcome {
    match error.sql_state().map(|state| state.code()) {
        Some(state) if state.starts_with("23") => Outcome::Done,
        _ => refused_or_failed(error),
    }
}
