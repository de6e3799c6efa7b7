//! How long things are remembered, and the forgetting of them.
//!
//! In batches, each in a transaction of its own, so that nobody who writes has to wait for long; any number of processes may
//! do it at once, and leave each other's rows alone.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{Mirror, MirrorError};

/// How often something is looked for.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// Rows in one transaction.
const AT_ONCE: i32 = 2000;

/// How long to remember what; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Revocations that void no token any more that anybody could still hold.
    pub revocations: Duration,
    /// The audit trail.
    pub changes: Option<Duration>,
}

/// How many rows were forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Revocations.
    pub revocations: i64,
    /// Rows of the audit trail.
    pub changes: i64,
}

impl Mirror {
    /// Forgets what is old enough, now and then, until `stop`.
    pub async fn forget_until(&self, retention: Retention, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.forget(retention).await {
                tracing::warn!(error = error.without_data(), "what is old could not be deleted");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(EVERY.mul_f64(rand::random_range(0.8..=1.2))) => {}
            }
        }
    }

    /// Forgets what is old enough, now.
    ///
    /// # Errors
    /// When the database refuses; what was deleted before stays so.
    pub async fn forget(&self, retention: Retention) -> Result<Forgotten, MirrorError> {
        let revocations = include_str!("../../../sql/retention/prune_revocations.sql");
        let changes = include_str!("../../../sql/retention/prune_changes.sql");
        Ok(Forgotten {
            revocations: self.forget_rows(revocations, Some(retention.revocations)).await?,
            changes: self.forget_rows(changes, retention.changes).await?,
        })
    }

    async fn forget_rows(&self, statement: &str, keep: Option<Duration>) -> Result<i64, MirrorError> {
        let Some(keep) = keep else { return Ok(0) };
        let seconds = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
        let mut total = 0;
        loop {
            let connection = self.pool.get().await?;
            let prune = connection.prepare_cached(statement).await?;
            let gone: i64 = connection.query_one(&prune, &[&seconds, &AT_ONCE]).await?.get(0);
            total += gone;
            if gone < i64::from(AT_ONCE) {
                return Ok(total);
            }
        }
    }
}
