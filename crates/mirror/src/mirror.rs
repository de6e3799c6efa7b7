//! The way of a delivery through the database.

use std::time::Duration;

use clerk::DeliveryId;
use clerk_api::BackendApi;
use postgres::{Connection, Pool, Transaction};
use tokio_postgres::IsolationLevel;
use tokio_util::sync::CancellationToken;

use crate::inbox::{self, InboxEntry, InboxFilter, InboxHealth, POLL};
use crate::projection::{self, Source};
use crate::reading::{Change, Reading};
use crate::{Delivery, Outcome};

/// Keeps the mirror. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mirror {
    pub(crate) pool: Pool,
    pub(crate) api: Option<BackendApi>,
}

/// The database could not take a delivery: nothing is stored, and the sender is to try again.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Not reached, or refused.
    #[error(transparent)]
    Database(#[from] postgres::Error),
    /// Nothing to replay.
    #[error("no delivery `{0}` waits in the inbox: it was never received, or it is applied already")]
    NotWaiting(String),
}

impl MirrorError {
    /// What happened, without the values that Postgres quotes.
    fn without_data(&self) -> String {
        match self {
            Self::Database(postgres::Error::Statement(error)) => inbox::reason(error),
            other => other.to_string(),
        }
    }
}

impl From<tokio_postgres::Error> for MirrorError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(postgres::Error::Statement(error))
    }
}

impl Mirror {
    /// A mirror in the database of `pool`, which logs in as the owner of the mirror's tables. With `api`, ties are
    /// settled by asking Clerk.
    pub fn new(pool: Pool, api: Option<BackendApi>) -> Self {
        Self { pool, api }
    }

    /// Takes one verified delivery. Once this returns it is committed: stored, applied and settled.
    ///
    /// # Errors
    /// When the database cannot take it; then it has left no trace.
    pub async fn deliver(&self, delivery: &Delivery) -> Result<Outcome, MirrorError> {
        let reading = Reading::of(delivery);
        let mut loan = Loan::of(&self.pool).await?;
        let transaction = loan.transaction().await?;
        // Locks first: a duplicate that comes at the same time waits here, and finds this one stored.
        projection::begin(&transaction, reading.change.as_ref().ok()).await?;
        let outcome = if inbox::store(&transaction, delivery, &reading).await? {
            attempt(transaction, &delivery.id, &reading, 1).await?
        } else {
            let state = inbox::state(&transaction, &delivery.id).await?;
            transaction.rollback().await?;
            Outcome::Duplicate(state)
        };
        loan.give_back();
        note(delivery, &reading, &outcome);
        Ok(outcome)
    }

    /// Tries a failed, dead or kept delivery again, now.
    ///
    /// # Errors
    /// [`MirrorError::NotWaiting`] when there is nothing to do; otherwise as [`deliver`](Self::deliver).
    pub async fn replay(&self, id: &DeliveryId) -> Result<Outcome, MirrorError> {
        let statement = include_str!("../../../sql/mirror/unsettled_delivery.sql");
        let outcome = self.again(statement, &[&id.as_str()]).await?;
        outcome.ok_or_else(|| MirrorError::NotWaiting(id.to_string()))
    }

    /// Retries what is due and settles ties, until cancelled. Any number of processes may do this on one database.
    pub async fn work(&self, cancelled: CancellationToken) {
        while !cancelled.is_cancelled() {
            // Neither half may keep the other from its work.
            let mut busy = false;
            for done in [self.retry_due().await, self.settle_ties().await] {
                match done {
                    Ok(did_something) => busy |= did_something,
                    Err(error) => {
                        tracing::warn!(error = error.without_data(), "the inbox could not be worked on");
                    }
                }
            }
            let pause = if busy { Duration::ZERO } else { POLL };
            tokio::select! {
                () = cancelled.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Tries one delivery that is due; whether there was one.
    async fn retry_due(&self) -> Result<bool, MirrorError> {
        let due = include_str!("../../../sql/mirror/next_due_delivery.sql");
        Ok(self.again(due, &[]).await?.is_some())
    }

    /// Takes the delivery that `statement` locks out of the inbox and tries it once more.
    async fn again(
        &self,
        statement: &str,
        parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<Option<Outcome>, MirrorError> {
        let mut loan = Loan::of(&self.pool).await?;
        let transaction = loan.transaction().await?;
        let due = transaction.prepare_cached(statement).await?;
        let row = transaction.query_opt(&due, parameters).await?;
        let Some((delivery, attempts)) = row.as_ref().and_then(inbox::delivery) else {
            drop(transaction);
            loan.give_back();
            return Ok(None);
        };
        let reading = Reading::of(&delivery);
        projection::begin(&transaction, reading.change.as_ref().ok()).await?;
        let outcome = attempt(transaction, &delivery.id, &reading, attempts + 1).await?;
        loan.give_back();
        note(&delivery, &reading, &outcome);
        Ok(Some(outcome))
    }

    /// The deliveries that fit `filter`, newest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn deliveries(&self, filter: &InboxFilter, limit: i64) -> Result<Vec<InboxEntry>, MirrorError> {
        let connection = self.pool.get().await?;
        let list = connection.prepare_cached(include_str!("../../../sql/mirror/list_deliveries.sql")).await?;
        let rows = connection.query(&list, &[&filter.state, &filter.event_type, &filter.object_id, &limit]).await?;
        Ok(rows.iter().map(inbox::entry).collect())
    }

    /// How the inbox does.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn health(&self) -> Result<InboxHealth, MirrorError> {
        let connection = self.pool.get().await?;
        let health = connection.prepare_cached(include_str!("../../../sql/mirror/inbox_health.sql")).await?;
        let row = connection.query_one(&health, &[]).await?;
        Ok(InboxHealth { failed: row.get(0), dead: row.get(1), last_received_at: row.get(2) })
    }
}

/// A connection whose transaction may be given up halfway: by the sender, by a deadline.
///
/// A statement that is still waiting in it then would make the next borrower wait, too. So a loan that was not given back is
/// not returned but closed; what it waits for ends by the transaction's own timeouts.
pub(crate) struct Loan(Option<Connection>);

impl Loan {
    pub(crate) async fn of(pool: &Pool) -> Result<Self, MirrorError> {
        Ok(Self(Some(pool.get().await?)))
    }

    /// Begins a transaction that sees what others commit while it waits for them, whatever the database's default is.
    pub(crate) async fn transaction(&mut self) -> Result<Transaction<'_>, MirrorError> {
        let connection = self.0.as_mut().expect("a loan ends by giving it back");
        Ok(connection.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?)
    }

    /// Returns the connection to the pool.
    pub(crate) fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Connection::take(connection));
        }
    }
}

/// Applies a stored delivery's change, writes down what became of it, and commits both.
async fn attempt(
    mut transaction: Transaction<'_>,
    id: &DeliveryId,
    reading: &Reading,
    attempts: i32,
) -> Result<Outcome, MirrorError> {
    let outcome = match &reading.change {
        Err(reason) => Outcome::Dead(reason.clone()),
        Ok(Change::Keep) => Outcome::Kept,
        Ok(change) => {
            let savepoint = transaction.savepoint("projection").await?;
            match projection::apply(&savepoint, change, Source::Webhook).await {
                Ok(shown) => {
                    savepoint.commit().await?;
                    if shown { Outcome::Applied } else { Outcome::Stale }
                }
                Err(error) => {
                    savepoint.rollback().await?;
                    inbox::after_failure(&error, attempts)
                }
            }
        }
    };
    inbox::settle(&transaction, id, &outcome, attempts).await?;
    transaction.commit().await?;
    Ok(outcome)
}

/// One line and one count for each delivery; never anything of its content.
fn note(delivery: &Delivery, reading: &Reading, outcome: &Outcome) {
    let event_type = reading.event_type.as_deref().unwrap_or("unreadable");
    metrics::counter!("rowlock_deliveries_total", "outcome" => outcome.as_str()).increment(1);
    let delivery_id = delivery.id.as_str();
    match outcome.reason() {
        Some(reason) => {
            tracing::warn!(delivery_id, event_type, outcome = outcome.as_str(), reason, "delivery was not applied");
        }
        None => tracing::info!(delivery_id, event_type, outcome = outcome.as_str(), "delivery settled"),
    }
}
