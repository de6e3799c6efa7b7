//! Statements that connections have prepared, so that Postgres need not understand the same text again.
//!
//! A plan depends on the role (row-level security is part of it) and on the search path. Under one name for all roles Postgres
//! would plan anew with every change of the role, which costs more than preparing saves. So a statement is kept for each role
//! and search path, and prepared after they are in force.
//!
//! Each connection keeps so many ([`KEPT`]) and forgets those that were not used for longest; forgetting closes them in
//! Postgres, too. What a statement on the connection may have done to them (`deallocate all`), or a changed table, is
//! noticed when one is used: see [`is_stale`].

use std::collections::HashMap;

use deadpool_postgres::ObjectId;
use parking_lot::Mutex;
use tokio_postgres::Statement;
use tokio_postgres::error::SqlState;

/// Statements for each connection. Postgres holds a few kilobytes for each, plans included.
const KEPT: usize = 256;

/// What the connections of one pool have prepared.
#[derive(Debug)]
pub(crate) struct PreparedStatements {
    connections: Mutex<HashMap<ObjectId, OfConnection>>,
    /// Connections that are gone are noticed by their number alone.
    most_connections: usize,
}

#[derive(Debug, Default)]
struct OfConnection {
    statements: HashMap<String, Used>,
    /// Counts uses.
    clock: u64,
}

#[derive(Debug)]
struct Used {
    statement: Statement,
    at: u64,
}

impl PreparedStatements {
    pub(crate) fn new(pool_size: usize) -> Self {
        Self { connections: Mutex::default(), most_connections: pool_size.saturating_mul(2).max(2) }
    }

    pub(crate) fn get(&self, connection: ObjectId, key: &str) -> Option<Statement> {
        let mut connections = self.connections.lock();
        let of_connection = connections.get_mut(&connection)?;
        of_connection.clock += 1;
        let used = of_connection.statements.get_mut(key)?;
        used.at = of_connection.clock;
        Some(used.statement.clone())
    }

    pub(crate) fn insert(&self, connection: ObjectId, key: String, statement: Statement) {
        let mut connections = self.connections.lock();
        if connections.len() >= self.most_connections && !connections.contains_key(&connection) {
            // Whatever is still in use is prepared again.
            connections.clear();
        }
        let of_connection = connections.entry(connection).or_default();
        of_connection.clock += 1;
        if of_connection.statements.len() >= KEPT {
            let oldest = of_connection.statements.iter().min_by_key(|(_, used)| used.at).map(|(key, _)| key.clone());
            oldest.and_then(|key| of_connection.statements.remove(&key));
        }
        of_connection.statements.insert(key, Used { statement, at: of_connection.clock });
    }

    pub(crate) fn forget(&self, connection: ObjectId) {
        self.connections.lock().remove(&connection);
    }
}

/// Whether a statement failed for having been prepared: it is gone, or what it reads has another shape now. Postgres has rolled the
/// transaction back, so it can be tried again.
pub(crate) fn is_stale(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|answer| {
        *answer.code() == SqlState::INVALID_SQL_STATEMENT_NAME
            || (*answer.code() == SqlState::FEATURE_NOT_SUPPORTED && answer.message().starts_with("cached plan"))
    })
}
