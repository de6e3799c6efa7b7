//! Changes to roles, which belong to the whole server and not to one database.
//!
//! Nodes that start together, and installations in other databases, may change the same role at the same moment. Postgres does not let one
//! wait for the other, as it would with rows of a table: the later one fails. The same change again is all that is needed.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// How often a change is tried. Each failure means that somebody else's change went through.
const ATTEMPTS: u32 = 20;
/// Before the next attempt; longer each time, so that those who met part.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs `change`, which must be one that may be run again.
pub(crate) async fn change_roles(client: &Client, change: &str) -> Result<(), tokio_postgres::Error> {
    let mut attempt = 1;
    loop {
        match client.batch_execute(change).await {
            Err(error) if attempt < ATTEMPTS && met_another(&error) => {
                tokio::time::sleep(PAUSE * attempt).await;
                attempt += 1;
            }
            done => return done,
        }
    }
}

/// Whether another session changed, or made, the same role at the same moment. Postgres has no code of its own for the first.
fn met_another(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|said| {
        let changed = *said.code() == SqlState::INTERNAL_ERROR && said.message().starts_with("tuple concurrently ");
        changed || [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_OBJECT].contains(said.code())
    })
}
