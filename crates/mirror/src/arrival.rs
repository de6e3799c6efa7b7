//! Whether webhooks arrive at all.
//!
//! An endpoint that was deleted, disabled after days of failures or never made is silent, and so is an instance where nothing
//! happens. What tells them apart is Clerk's newest user: minutes after it was made, it must be here.

use std::sync::Arc;
use std::time::Duration;

use clerk::{Clock as _, SystemClock, Timestamp};
use clerk_api::Mark;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::reading::chain;
use crate::run::RunError;
use crate::{Mirror, MirrorError};

/// How long a webhook may take: the second retry comes after five minutes.
pub const GRACE: Duration = Duration::from_secs(6 * 60);
/// How often Clerk is asked: one request.
const LOOK: Duration = Duration::from_secs(60);
/// A silence that goes on is said again after so long.
const REMIND: Duration = Duration::from_secs(60 * 60);

/// What is known of the webhooks' arrival.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing: Clerk was not asked yet, or has no user who is old enough.
    #[default]
    Unknown,
    /// The newest user is here.
    Arrives,
    /// The newest user is not here.
    Stalled {
        /// Who.
        user_id: String,
        /// Since when Clerk has them.
        created_at: Option<Timestamp>,
    },
}

/// What the last look has shown. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ArrivalWatch(Arc<Mutex<Arrival>>);

impl ArrivalWatch {
    /// What the last look has shown.
    pub fn last(&self) -> Arrival {
        self.0.lock().clone()
    }
}

impl Mirror {
    /// Whether the newest user of those whom Clerk has had for longer than `grace` is in the mirror, with more than the id.
    ///
    /// # Errors
    /// When Clerk or the database cannot be asked.
    pub async fn newest_user_arrived(&self, grace: Duration) -> Result<Arrival, RunError> {
        let api = self.api.as_ref().ok_or(RunError::NoSecretKey)?;
        let before = SystemClock.now().minus(grace);
        let newest = api.newest_user(before).await?;
        let Some(Mark { id, created_at }) = newest.and_then(|user| Mark::of(&user)) else {
            return Ok(Arrival::Unknown);
        };
        let connection = self.pool.get().await?;
        let known = connection.prepare_cached(include_str!("../../../sql/run/is_user_known.sql")).await?;
        let row = connection.query_one(&known, &[&id]).await.map_err(MirrorError::from)?;
        let created_at = created_at.map(Timestamp::from_millis);
        Ok(if row.get(0) { Arrival::Arrives } else { Arrival::Stalled { user_id: id, created_at } })
    }

    /// Looks once a minute until cancelled, and raises an alarm when webhooks do not arrive. Does nothing without a secret
    /// key.
    pub async fn watch_arrival(&self, watch: &ArrivalWatch, stop: CancellationToken) {
        let mut said: Option<Instant> = None;
        while self.api.is_some() && !stop.is_cancelled() {
            match self.newest_user_arrived(GRACE).await {
                Ok(found) => {
                    match &found {
                        Arrival::Stalled { user_id, created_at }
                            if said.is_none_or(|said: Instant| said.elapsed() >= REMIND) =>
                        {
                            let created_at = created_at.map(Timestamp::millis);
                            tracing::error!(user_id, created_at, "webhooks do not arrive");
                            said = Some(Instant::now());
                        }
                        Arrival::Arrives if said.take().is_some() => tracing::info!("webhooks arrive again"),
                        _ => {}
                    }
                    if found != Arrival::Unknown {
                        let arrives = if found == Arrival::Arrives { 1.0 } else { 0.0 };
                        metrics::gauge!("rowlock_webhooks_arrive").set(arrives);
                    }
                    *watch.0.lock() = found;
                }
                Err(error) => tracing::warn!(error = chain(&error), "Clerk could not be asked for its newest user"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LOOK.mul_f64(rand::random_range(0.8..=1.2))) => {}
            }
        }
    }
}
