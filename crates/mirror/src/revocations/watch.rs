//! Hearing of revocations.

use std::sync::Arc;
use std::time::Duration;

use postgres::{Heard, Listener};
use serde::Deserialize;
use tokio_postgres::Row;
use tokio_util::sync::CancellationToken;

use super::{Notice, Reason, Revocation, Revocations};
use crate::MirrorError;

/// The channel that the triggers of migration 8 notify.
const CHANNEL: &str = "rowlock_revocations";
/// Between two tries to listen.
const PAUSE: Duration = Duration::from_secs(1);
/// Rows that are read at a time.
const PAGE: i64 = 1000;

/// What a notification says: the revisions that are new.
#[derive(Debug, Deserialize)]
struct Range {
    from: i64,
    to: i64,
}

impl Revocations {
    /// Hears of revocations until `stop`; without this every check asks the database.
    pub async fn watch(&self, stop: CancellationToken) {
        let mut troubled = false;
        while !stop.is_cancelled() {
            let hearing = async {
                let mut listener = Listener::connect(&self.pool, CHANNEL).await?;
                self.begin_to_hear(&mut troubled);
                loop {
                    let heard = listener.next().await?;
                    self.take(heard).await;
                }
            };
            let ended: Result<std::convert::Infallible, postgres::Error> = tokio::select! {
                () = stop.cancelled() => break,
                ended = hearing => ended,
            };
            self.memory.distrust();
            metrics::gauge!("rowlock_revocations_heard").set(0.0);
            if let Err(error) = ended
                && !troubled
            {
                troubled = true;
                let error = MirrorError::from(error).without_data();
                tracing::warn!(error, "revocations cannot be heard and the table is asked for every token");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        self.memory.distrust();
    }

    /// Whatever was known before may have changed unheard.
    fn begin_to_hear(&self, troubled: &mut bool) {
        self.memory.forget_all();
        self.memory.trust();
        let _ = self.notices.send(Notice::Gap);
        metrics::gauge!("rowlock_revocations_heard").set(1.0);
        if std::mem::take(troubled) {
            tracing::info!("revocations are heard again");
        }
    }

    async fn take(&self, heard: Heard) {
        if let Heard::Notification(payload) = heard
            && self.take_changes(&payload).await.is_err()
        {
            // Something changed, and nobody knows what.
            self.memory.forget_all();
            let _ = self.notices.send(Notice::Gap);
        }
        self.memory.trust();
    }

    async fn take_changes(&self, payload: &str) -> Result<(), Unreadable> {
        let Range { mut from, to } = serde_json::from_str(payload).map_err(|_| Unreadable)?;
        while from <= to {
            let (changed, last) = self.changed(from, to).await.map_err(|_| Unreadable)?;
            self.memory.forget(&changed);
            let is_last_page = i64::try_from(changed.len()).unwrap_or(i64::MAX) < PAGE;
            for revocation in changed {
                // Nobody may be interested.
                let _ = self.notices.send(Notice::Changed(Arc::new(revocation)));
            }
            match last {
                Some(last) if !is_last_page => from = last.saturating_add(1),
                _ => break,
            }
        }
        Ok(())
    }

    /// A page of what has a revision from `from` to `to`, and the last revision on it.
    async fn changed(&self, from: i64, to: i64) -> Result<(Vec<Revocation>, Option<i64>), MirrorError> {
        let connection = self.pool.get().await?;
        let changed = connection.prepare_cached(include_str!("../../../../sql/revocations/changed.sql")).await?;
        let rows = connection.query(&changed, &[&from, &to, &PAGE]).await?;
        Ok((rows.iter().map(revocation).collect(), rows.last().map(|row| row.get("revision"))))
    }
}

/// A notification that could not be followed.
struct Unreadable;

fn revocation(row: &Row) -> Revocation {
    Revocation {
        reason: Reason::read(row.get("reason")),
        user_id: row.get("user_id"),
        session_id: row.get("session_id"),
        organization_id: row.get("organization_id"),
        issued_until: row.get("issued_until"),
        lifted: row.get("lifted"),
    }
}
