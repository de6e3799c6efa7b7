//! Reconciling again and again, beside a server.
//!
//! Any number of nodes may do this on one database: when the last comparison is old enough, whoever looks first takes the
//! run's lock, and the others find it taken, or the record of it. A node that starts does not begin at once: a crowd of
//! them that is deployed anew would.

use std::time::Duration;

use postgres::Connection;
use tokio_util::sync::CancellationToken;

use crate::reading::chain;
use crate::run::{RunError, RunLock, Work};
use crate::{KindReconciled, Mirror, ReconcileOptions};

/// How often a node looks whether a comparison is due.
const LOOK: Duration = Duration::from_secs(5 * 60);

/// How regularly, and with what consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconcileSchedule {
    /// The pause between the end of one comparison and the beginning of the next.
    pub every: Duration,
    /// Whether to repair what is found, or only to report it.
    pub repair: bool,
}

impl Mirror {
    /// Compares with Clerk whenever it is due, until cancelled. Does nothing without a secret key.
    pub async fn reconcile_regularly(&self, schedule: ReconcileSchedule, stop: CancellationToken) {
        let look = LOOK.min(schedule.every);
        while self.api.is_some() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(look.mul_f64(rand::random_range(0.8..=1.2))) => {}
            }
            match self.reconcile_if_due(schedule, &stop).await {
                Ok(None) | Err(RunError::Held(_) | RunError::Stopped) => {}
                Ok(Some(found)) => tell(&found),
                Err(error) => tracing::warn!(error = chain(&error), "the mirror could not be compared with Clerk"),
            }
        }
    }

    async fn reconcile_if_due(
        &self,
        schedule: ReconcileSchedule,
        stop: &CancellationToken,
    ) -> Result<Option<Vec<KindReconciled>>, RunError> {
        if !is_due(&self.pool.get().await?, schedule).await? {
            return Ok(None);
        }
        let api = self.api.as_ref().ok_or(RunError::NoSecretKey)?;
        let lock = RunLock::take(&self.pool, Work::Reconcile).await?;
        // Whoever held it may have compared just now.
        if !is_due(lock.connection()?, schedule).await? {
            lock.release().await?;
            return Ok(None);
        }
        let options = ReconcileOptions { repair: schedule.repair, ..ReconcileOptions::default() };
        self.reconcile_under(api, lock, &options, stop, |_, _| {}).await.map(Some)
    }
}

async fn is_due(connection: &Connection, schedule: ReconcileSchedule) -> Result<bool, RunError> {
    let due = connection.prepare_cached(include_str!("../../../sql/run/is_due.sql")).await?;
    Ok(connection.query_one(&due, &[&schedule.every.as_secs_f64()]).await?.get(0))
}

fn tell(found: &[KindReconciled]) {
    let sum = |number: fn(&KindReconciled) -> u64| found.iter().map(number).sum::<u64>();
    for kind in found {
        metrics::gauge!("rowlock_drift_objects", "table" => kind.kind.table()).set(kind.remaining() as f64);
        if kind.drift() + kind.unverified.count > 0 {
            tracing::warn!(
                table = kind.kind.table(),
                missing = kind.missing.count,
                older = kind.older.count,
                different = kind.different.count,
                gone = kind.gone.count,
                buried = kind.buried.count,
                ahead = kind.ahead.count,
                unverified = kind.unverified.count,
                repaired = kind.repaired,
                "the mirror differs from Clerk"
            );
        }
    }
    let (drift, repaired) = (sum(KindReconciled::drift), sum(|kind| kind.repaired));
    let unverified = sum(|kind| kind.unverified.count);
    tracing::info!(drift, repaired, unverified, "everything was compared with Clerk");
}
