//! What can go wrong on the way to Postgres, and what kind of trouble it is.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::Refusal;

/// A failure between Rowlock and Postgres. Messages are the operator's: they may name roles and tables, never values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection could be made or none became free.
    #[error("no connection to Postgres within {} ms", .waited.as_millis())]
    Busy {
        /// How long the caller waited.
        waited: Duration,
    },
    /// There is nobody at the address, or not whom it asks for.
    #[error("cannot connect to Postgres")]
    Unreachable(#[source] std::io::Error),
    /// Postgres could not be reached or refused the login.
    #[error("cannot connect to Postgres")]
    Connect(#[source] tokio_postgres::Error),
    /// Postgres answered a statement with an error, or the connection broke under it.
    #[error("{}", summary(.0))]
    Statement(#[source] tokio_postgres::Error),
    /// Postgres answered a client's statement with an error.
    #[error("{}", told(.0))]
    Refused(Box<Refusal>),
    /// The connection broke under a client's statement.
    #[error("the connection to Postgres broke")]
    Broken(#[source] std::io::Error),
    /// A parameter cannot be sent as what it is declared; nothing has been sent.
    #[error("a parameter cannot be sent to Postgres")]
    Unsendable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The SQLSTATE, when Postgres answered at all.
    pub fn sql_state(&self) -> Option<&SqlState> {
        match self {
            Self::Statement(error) | Self::Connect(error) => error.code(),
            Self::Refused(refusal) => Some(refusal.code()),
            Self::Busy { .. } | Self::Unreachable(_) | Self::Broken(_) | Self::Unsendable(_) => None,
        }
    }

    /// What Postgres said to a statement, when it answered at all.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Statement(error) | Self::Connect(error) => error.as_db_error().map(Refusal::from),
            Self::Refused(refusal) => Some((**refusal).clone()),
            Self::Busy { .. } | Self::Unreachable(_) | Self::Broken(_) | Self::Unsendable(_) => None,
        }
    }

    /// Whether there was no connection to begin with.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unreachable(_) | Self::Connect(_))
    }

    /// Whether the data itself was refused (see [`is_data_error`]).
    pub fn is_data_error(&self) -> bool {
        matches!(self, Self::Statement(_) | Self::Refused(_)) && self.sql_state().is_some_and(is_about_data)
    }
}

/// Whether Postgres refused the *data*: trying the same bytes again cannot help, and its neighbours are not to blame.
///
/// SQLSTATE classes 22 (data exception), 23 (constraint violation), 54 (a limit such as nesting depth). Everything else
/// (connection, resources, deadlock, missing table, read-only standby) is the database's state and may pass.
pub fn is_data_error(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(is_about_data)
}

fn is_about_data(state: &SqlState) -> bool {
    matches!(&state.code()[..2], "22" | "23" | "54")
}

/// Postgres's own sentence and SQLSTATE; never `detail`, which quotes values.
fn summary(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(answer) => told(&Refusal::from(answer)),
        None => "the connection to Postgres broke".to_owned(),
    }
}

fn told(refusal: &Refusal) -> String {
    format!("Postgres refused the statement: {refusal}")
}
