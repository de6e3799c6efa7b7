//! Bodies of deliveries go when they are old: what they said stands in the mirror, and they are personal data. The row and
//! its id stay, so that a delivery that Svix sends again after a month is still a duplicate.
//!
//! What failed, or is dead and waits for a replay, keeps its body however old it is: nothing else is left of that event.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Mirror, MirrorError};

/// Bodies dropped in one statement: short enough that nobody waits for it.
const BATCH: i64 = 500;
/// How often it is looked for old ones once there are none.
const PAUSE: Duration = Duration::from_secs(60);

/// When this process looks for old bodies next.
#[derive(Debug)]
pub(crate) struct Cleaning {
    next: Instant,
}

impl Cleaning {
    pub(crate) fn new() -> Self {
        Self { next: Instant::now() }
    }
}

impl Mirror {
    /// A mirror whose worker drops bodies that came longer ago than this; `None` keeps all.
    #[must_use]
    pub fn keeping_bodies_for(mut self, kept: Option<Duration>) -> Self {
        self.bodies_kept = kept;
        self
    }

    /// Drops a batch of old bodies, if it is time to; whether there may be more.
    pub(crate) async fn clean(&self, cleaning: &mut Cleaning) -> Result<bool, MirrorError> {
        let Some(kept) = self.bodies_kept else { return Ok(false) };
        if Instant::now() < cleaning.next {
            return Ok(false);
        }
        // Also after a failure: it is not for this that the database is asked every second.
        cleaning.next = Instant::now() + PAUSE;
        let dropped = self.drop_bodies(kept).await?;
        if dropped < BATCH.unsigned_abs() {
            return Ok(false);
        }
        cleaning.next = Instant::now();
        Ok(true)
    }

    /// Drops at most 500 bodies that came longer ago than `kept`, oldest first; how many. Processes that do this at the same
    /// time take different ones.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn drop_bodies(&self, kept: Duration) -> Result<u64, MirrorError> {
        let seconds = i64::try_from(kept.as_secs()).unwrap_or(i64::MAX);
        let connection = self.pool.get().await?;
        let drop_bodies = connection.prepare_cached(include_str!("../../../sql/mirror/drop_bodies.sql")).await?;
        let dropped = connection.execute(&drop_bodies, &[&seconds, &BATCH]).await?;
        if dropped > 0 {
            tracing::info!(count = dropped, "old bodies were dropped");
        }
        Ok(dropped)
    }
}
