//! Statements that a connection has prepared, so that Postgres need not understand the same text again.
//!
//! A plan depends on the role (row-level security is part of it) and on the search path. Under one name for all roles Postgres
//! would plan anew with every change of the role, which costs more than preparing saves. So a statement is kept for each *scope*,
//! which names role and search path, and prepared after they are in force.
//!
//! A connection keeps so many ([`KEPT`]) and forgets those that were not used for longest; forgetting closes them in
//! Postgres, too. What a statement may have done to them (`deallocate all`), or a changed table, is noticed when one is
//! used: see [`is_stale`].
//!
//! Names are no other connection's. Behind a pooler in transaction mode a flight may run on a connection to Postgres that somebody else's
//! flights have prepared statements on: under a name that both have given, it would run the other's statement. A name that is not there
//! fails instead, and is prepared there. That is slow, so whoever has a pooler says so (`client_prepared_statements = false`); but who
//! forgot it is never answered wrongly.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use tokio_postgres::error::SqlState;

use super::Step;
use super::refusal::Refusal;
use super::row::Column;

/// Statements for each connection. Postgres holds a few kilobytes for each, plans included.
const KEPT: usize = 256;

/// What one connection has prepared.
#[derive(Debug)]
pub(super) struct Statements {
    known: HashMap<String, Known>,
    /// Begins every name, and no name of another connection.
    own: u64,
    /// Names are never used again: one that is being closed cannot be taken for a new one.
    names_given: u64,
    /// Counts uses.
    clock: u64,
    forgotten: Vec<String>,
}

#[derive(Debug)]
struct Known {
    statement: Prepared,
    at: u64,
}

/// A statement that Postgres knows by a name.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) name: Arc<str>,
    pub(super) columns: Arc<[Column]>,
}

impl Default for Statements {
    fn default() -> Self {
        // The standard library's own source of keys that nobody can guess, each of them another.
        let own = RandomState::new().build_hasher().finish();
        Self { known: HashMap::new(), own, names_given: 0, clock: 0, forgotten: Vec::new() }
    }
}

impl Statements {
    pub(super) fn find(&mut self, key: &str) -> Option<Prepared> {
        self.clock += 1;
        let known = self.known.get_mut(key)?;
        known.at = self.clock;
        Some(known.statement.clone())
    }

    pub(super) fn new_name(&mut self) -> Arc<str> {
        self.names_given += 1;
        format!("{:x}_{}", self.own, self.names_given).into()
    }

    pub(super) fn insert(&mut self, key: String, statement: Prepared) {
        self.clock += 1;
        if self.known.len() >= KEPT && !self.known.contains_key(&key) {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.at).map(|(key, _)| key.clone());
            let forgotten = oldest.and_then(|key| self.known.remove(&key));
            self.forgotten.extend(forgotten.map(|known| known.statement.name.to_string()));
        }
        // One flight may prepare the same twice.
        let before = self.known.insert(key, Known { statement, at: self.clock });
        self.forgotten.extend(before.map(|known| known.statement.name.to_string()));
    }

    /// Names to close with the next flight.
    pub(super) fn take_forgotten(&mut self) -> Vec<String> {
        std::mem::take(&mut self.forgotten)
    }

    /// They were not closed after all.
    pub(super) fn give_back(&mut self, forgotten: Vec<String>) {
        self.forgotten.extend(forgotten);
    }

    /// All of them, in Postgres too.
    pub(super) fn forget_all(&mut self) {
        self.forgotten.extend(self.known.drain().map(|(_, known)| known.statement.name.to_string()));
    }
}

/// What tells a step's statement from all others.
pub(super) fn key(scope: &str, step: &Step<'_>) -> String {
    let mut key = String::with_capacity(scope.len() + step.text.len() + 2 + 6 * step.parameters.len());
    key.push_str(scope);
    key.push('\0');
    for (_, declared) in step.parameters {
        key.push_str(declared.name());
        key.push(',');
    }
    key.push('\0');
    key.push_str(step.text);
    key
}

/// Whether a statement failed for having been prepared: it is gone, or what it reads has another shape now. Postgres has rolled the
/// transaction back, so it can be tried again.
pub(crate) fn is_stale(refusal: &Refusal) -> bool {
    *refusal.code() == SqlState::INVALID_SQL_STATEMENT_NAME
        || (*refusal.code() == SqlState::FEATURE_NOT_SUPPORTED && refusal.routine() == Some("RevalidateCachedQuery"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_connections_give_the_same_name() {
        let first = |statements: &mut Statements| statements.new_name();
        let names: std::collections::HashSet<_> = (0..1000).map(|_| first(&mut Statements::default())).collect();
        assert_eq!(names.len(), 1000);
    }
}
