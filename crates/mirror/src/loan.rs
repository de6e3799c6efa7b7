//! A connection for one transaction that may be given up halfway.

use std::ops::Deref;

use postgres::{Connection, Pool};

use crate::MirrorError;

/// A connection whose transaction may be given up: by the sender, by a deadline, by a panic.
///
/// A statement that is still waiting in it then would make the next borrower wait, too, and a transaction that is still
/// open would swallow what they do. So a loan that was not given back is not returned but closed; what it waits for ends by
/// the transaction's own timeouts.
pub(crate) struct Loan(Option<Connection>);

impl Loan {
    pub(crate) async fn of(pool: &Pool) -> Result<Self, MirrorError> {
        Ok(Self(Some(pool.get().await?)))
    }

    /// Returns the connection to the pool: no transaction is open in it.
    pub(crate) fn give_back(mut self) {
        self.0 = None;
    }
}

impl Deref for Loan {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0.as_ref().expect("a loan ends by giving it back")
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Connection::take(connection));
        }
    }
}
