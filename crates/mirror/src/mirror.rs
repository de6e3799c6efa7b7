//! The way of a delivery through the database.

use std::sync::Arc;
use std::time::Duration;

use clerk::DeliveryId;
use clerk_api::BackendApi;
use postgres::Pool;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::batch::{Read, attempt};
use crate::inbox::{self, InboxHealth, POLL};
use crate::ingest::{Ingest, QueueHealth};
use crate::loan::Loan;
use crate::notes::{self, Note};
use crate::projection::{self, Patience, Start};
use crate::reading::Reading;
use crate::retention::Cleaning;
use crate::{Delivery, Outcome};

/// A delivery that may be tried again, locked.
pub(crate) const UNSETTLED: &str = include_str!("../../../sql/mirror/unsettled_delivery.sql");

/// Keeps the mirror. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mirror {
    pub(crate) pool: Pool,
    pub(crate) api: Option<BackendApi>,
    pub(crate) bodies_kept: Option<Duration>,
    ingest: Ingest,
}

/// The database could not take a delivery: nothing is stored, and the sender is to try again.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Not reached, or refused.
    #[error(transparent)]
    Database(#[from] postgres::Error),
    /// More deliveries wait than memory is set aside for.
    #[error("more deliveries wait than the database takes; come back in {} s", .retry_after.as_secs())]
    Busy {
        /// What the sender is told.
        retry_after: Duration,
    },
    /// It was lost halfway: it is stored whole or not at all, and whoever sends it again finds out.
    #[error("the delivery was given up before it was known to be stored")]
    Broken,
    /// What happened to all deliveries of a batch.
    #[error(transparent)]
    Shared(Arc<MirrorError>),
    /// Nothing to replay: there is no such delivery.
    #[error("no delivery `{0}` was ever received")]
    NotReceived(String),
    /// Nothing to replay: the mirror has it.
    #[error("delivery `{id}` does not wait: it is {state} already")]
    NotWaiting {
        /// The `svix-id`.
        id: String,
        /// What became of it.
        state: String,
    },
    /// Nothing to replay with.
    #[error("the body of delivery `{0}` is not kept any more: it was too old, or the person it speaks of is erased")]
    BodyGone(String),
}

impl MirrorError {
    /// What happened, without the values that Postgres quotes.
    pub(crate) fn without_data(&self) -> String {
        match self {
            Self::Database(postgres::Error::Statement(error)) => inbox::reason(error),
            Self::Shared(error) => error.without_data(),
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
        Self { ingest: Ingest::new(pool.clone()), pool, api, bodies_kept: None }
    }

    /// Takes one verified delivery. Once this returns it is committed: stored, applied and settled.
    ///
    /// # Errors
    /// When the database cannot take it, or not now; then the sender is to try again.
    pub async fn deliver(&self, delivery: &Delivery) -> Result<Outcome, MirrorError> {
        self.ingest.settle(Read { delivery: delivery.clone(), reading: Reading::of(delivery) }).await
    }

    /// Gives up the deliveries that are under way: each is stored whole or not at all, nobody is told, and their senders come again.
    /// For the end of a process that waits no longer; nothing is delivered afterwards.
    pub async fn cut(&self) {
        self.ingest.cut().await;
    }

    /// Tries a failed, dead or kept delivery again, now.
    ///
    /// # Errors
    /// [`MirrorError::NotReceived`], [`NotWaiting`](MirrorError::NotWaiting) or [`BodyGone`](MirrorError::BodyGone) when there
    /// is nothing to do; otherwise as [`deliver`](Self::deliver).
    pub async fn replay(&self, id: &DeliveryId) -> Result<Outcome, MirrorError> {
        match self.again(UNSETTLED, &[&id.as_str()]).await? {
            Some(outcome) => Ok(outcome),
            None => Err(self.why_not_waiting(id).await?),
        }
    }

    pub(crate) async fn why_not_waiting(&self, id: &DeliveryId) -> Result<MirrorError, MirrorError> {
        let connection = self.pool.get().await?;
        let why = connection.prepare_cached(include_str!("../../../sql/mirror/why_not_waiting.sql")).await?;
        let Some(row) = connection.query_opt(&why, &[&id.as_str()]).await? else {
            return Ok(MirrorError::NotReceived(id.to_string()));
        };
        let (state, has_body): (String, bool) = (row.get("state"), row.get("has_body"));
        let waits = matches!(state.as_str(), "failed" | "dead" | "kept");
        Ok(match (waits, has_body) {
            (true, false) => MirrorError::BodyGone(id.to_string()),
            _ => MirrorError::NotWaiting { id: id.to_string(), state },
        })
    }

    /// Retries what is due, asks Clerk what is to be asked and drops bodies that are too old, until cancelled. Any number of processes may do this on one database.
    pub async fn work(&self, cancelled: CancellationToken) {
        let mut cleaning = Cleaning::new();
        while !cancelled.is_cancelled() {
            // No part may keep another from its work.
            let mut busy = false;
            for done in [self.retry_due().await, self.inquire().await, self.clean(&mut cleaning).await] {
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
        let loan = Loan::of(&self.pool).await?;
        loan.batch_execute("begin isolation level read committed").await?;
        let due = loan.prepare_cached(statement).await?;
        let row = loan.query_opt(&due, parameters).await?;
        let Some((delivery, attempts)) = row.as_ref().and_then(inbox::delivery) else {
            loan.batch_execute("rollback").await?;
            loan.give_back();
            return Ok(None);
        };
        let read = Read { reading: Reading::of(&delivery), delivery };
        let attempts = attempts + 1;
        fail::fail_point!("retry-taken", |_| Err(MirrorError::Broken));
        let outcome = match &read.reading.change {
            Err(reason) => Outcome::Dead(reason.clone()),
            Ok(change) => {
                projection::begin(&loan, &[change], Patience::Alone, Start::Within).await?;
                attempt(&loan, change, attempts).await?
            }
        };
        fail::fail_point!("retry-applied", |_| Err(MirrorError::Broken));
        inbox::settle(&loan, &read.delivery.id, &outcome, attempts).await?;
        fail::fail_point!("retry-settled", |_| Err(MirrorError::Broken));
        loan.batch_execute("commit").await?;
        loan.give_back();
        notes::note(&[Note { read: &read, outcome: &outcome, request: &Span::current() }]);
        Ok(Some(outcome))
    }

    /// How the inbox does.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn health(&self) -> Result<InboxHealth, MirrorError> {
        let connection = self.pool.get().await?;
        let health = connection.prepare_cached(include_str!("../../../sql/mirror/inbox_health.sql")).await?;
        let row = connection.query_one(&health, &[]).await?;
        Ok(InboxHealth {
            failed: row.get("failed"),
            dead: row.get("dead"),
            last_received_at: row.get("last_received_at"),
            silent_for_seconds: row.get("silent_for_seconds"),
            overdue_for_seconds: row.get("overdue_for_seconds"),
            failing_for_seconds: row.get("failing_for_seconds"),
        })
    }

    /// How much waits in this process for the database.
    pub fn queue(&self) -> QueueHealth {
        self.ingest.health()
    }
}
