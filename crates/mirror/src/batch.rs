//! Many deliveries, one transaction.
//!
//! A batch is two flights: one that opens the transaction, locks, and writes the mirror's rows; one that writes the inbox with
//! what became of each delivery, and commits. A delivery that was stored before is found out by the second: its effect in the
//! first was none, because nothing of it is newer than what is there.
//!
//! What one delivery does wrong, the others do not pay for: a batch that Postgres refuses is halved until the one is alone
//! that it refuses, and that one is stored with the reason. Trouble of the connection is nobody's fault: the batch is
//! stored whole or not at all, and the senders come again.

use std::sync::Arc;

use postgres::Pool;
use tokio_postgres::error::SqlState;

use crate::change::Change;
use crate::inbox::{self, Entry};
use crate::loan::Loan;
use crate::projection::{self, Patience, Source, Start};
use crate::reading::Reading;
use crate::{Delivery, MirrorError, Outcome};

/// A delivery that was read and waits to be written.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) delivery: Delivery,
    pub(crate) reading: Reading,
}

/// What became of one delivery of a batch; the error may be shared by many.
pub(crate) type Settled = Result<Outcome, Arc<MirrorError>>;

/// Stores and applies every delivery; what became of each, in their order. `written` is called when only the commit of
/// the last of them is left, unless Postgres refuses something.
pub(crate) async fn settle(pool: &Pool, batch: &[&Read], written: &mut (dyn FnMut() + Send)) -> Vec<Settled> {
    let mut settled = Vec::with_capacity(batch.len());
    // Parts that are still to be done, the next one last.
    let mut parts = vec![batch];
    while let Some(part) = parts.pop() {
        let is_last = parts.is_empty();
        let mut written = || {
            if is_last {
                written();
            }
        };
        match together(pool, part, &mut written).await {
            Ok(outcomes) => settled.extend(outcomes.into_iter().map(Ok)),
            Err(error) if part.len() == 1 && error.is_about_data() => settled.push(alone(pool, part[0]).await),
            // Somebody holds a row. Whoever does not need it must not wait for it, and who does waits alone.
            Err(error) if error.is_about_waiting() => {
                for read in part {
                    settled.push(alone(pool, read).await);
                }
            }
            Err(error) if error.is_about_data() => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(error) => {
                let error = Arc::new(error);
                settled.extend(part.iter().map(|_| Err(Arc::clone(&error))));
            }
        }
    }
    settled
}

/// All of them or none.
async fn together(
    pool: &Pool,
    batch: &[&Read],
    written: &mut (dyn FnMut() + Send),
) -> Result<Vec<Outcome>, MirrorError> {
    fail::fail_point!("ingest-begin", |_| Err(MirrorError::Broken));
    let loan = Loan::of(pool).await?;
    let applicable: Vec<&Change> = batch.iter().filter_map(|read| read.reading.change.as_ref().ok()).collect();
    let shown = projection::begin_and_apply(&loan, &applicable, Source::Webhook).await;
    let shown = match shown {
        Ok(shown) => shown,
        Err(error) => {
            loan.batch_execute("rollback").await?;
            loan.give_back();
            return Err(error.into());
        }
    };
    fail::fail_point!("ingest-applied", |_| Err(MirrorError::Broken));
    let mut shown = shown.into_iter();
    let outcomes: Vec<Outcome> = batch
        .iter()
        .map(|read| match &read.reading.change {
            Err(reason) => Outcome::Dead(reason.clone()),
            Ok(change) => outcome(change, shown.next().unwrap_or_default()),
        })
        .collect();
    let outcomes = store_and_commit(&loan, batch, outcomes, written).await?;
    loan.give_back();
    fail::fail_point!("ingest-committed", |_| Err(MirrorError::Broken));
    Ok(outcomes)
}

/// One delivery that a batch could not take: whatever is wrong with it, it is stored.
async fn alone(pool: &Pool, read: &Read) -> Settled {
    attempt_alone(pool, read).await.map_err(Arc::new)
}

async fn attempt_alone(pool: &Pool, read: &Read) -> Result<Outcome, MirrorError> {
    let loan = Loan::of(pool).await?;
    let outcome = match &read.reading.change {
        Err(reason) => {
            loan.batch_execute("begin").await?;
            Outcome::Dead(reason.clone())
        }
        Ok(change) => {
            projection::begin(&loan, &[change], Patience::Alone, Start::Transaction).await?;
            attempt(&loan, change, 1).await?
        }
    };
    let outcomes = store_and_commit(&loan, &[read], vec![outcome], &mut || ()).await?;
    loan.give_back();
    Ok(outcomes.into_iter().next().expect("one for one"))
}

/// Applies one change within an open transaction, which survives when that fails.
pub(crate) async fn attempt(loan: &Loan, change: &Change, attempts: i32) -> Result<Outcome, MirrorError> {
    loan.batch_execute("savepoint projection").await?;
    match projection::apply(loan, &[change], Source::Webhook).await {
        Ok(shown) => Ok(outcome(change, shown[0])),
        Err(error) if error.as_db_error().is_some() => {
            loan.batch_execute("rollback to savepoint projection").await?;
            Ok(inbox::after_failure(&error, attempts))
        }
        Err(error) => Err(error.into()),
    }
}

fn outcome(change: &Change, shown: bool) -> Outcome {
    match change {
        Change::None => Outcome::Kept,
        _ if shown => Outcome::Applied,
        _ => Outcome::Stale,
    }
}

/// The second flight: rows of the inbox, and the end of the transaction.
async fn store_and_commit(
    loan: &Loan,
    batch: &[&Read],
    outcomes: Vec<Outcome>,
    written: &mut (dyn FnMut() + Send),
) -> Result<Vec<Outcome>, MirrorError> {
    let entries: Vec<Entry<'_>> = batch
        .iter()
        .zip(&outcomes)
        .map(|(read, outcome)| Entry { delivery: &read.delivery, reading: &read.reading, outcome })
        .collect();
    let stored = inbox::store_and_commit(loan, &entries, written).await?;
    let settled = batch
        .iter()
        .zip(outcomes)
        .map(|(read, outcome)| if stored.contains(read.delivery.id.as_str()) { outcome } else { Outcome::Duplicate });
    Ok(settled.collect())
}

impl MirrorError {
    fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Database(postgres::Error::Statement(error)) => error.code(),
            _ => None,
        }
    }

    /// Postgres has looked at a delivery and said no.
    pub(crate) fn is_about_data(&self) -> bool {
        self.state().is_some_and(|state| !is_about_the_server(state))
    }

    pub(crate) fn is_about_waiting(&self) -> bool {
        const WAITING: [SqlState; 3] =
            [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::QUERY_CANCELED];
        self.state().is_some_and(|state| WAITING.contains(state))
    }
}

/// Classes 08, 53, 57 and 58: connection, resources, an operator's intervention, the system.
fn is_about_the_server(state: &SqlState) -> bool {
    ["08", "53", "57", "58"].iter().any(|class| state.code().starts_with(class)) && *state != SqlState::QUERY_CANCELED
}
