//! `rowlock.inbox`: every verified delivery, once, with what became of it.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use clerk::{DeliveryId, Timestamp};
use futures_util::future::try_join;
use postgres::Connection;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::backoff::{self, MAX_ATTEMPTS};
use crate::reading::Reading;
use crate::{Delivery, Outcome};

/// What an operator wants to know at a glance.
#[derive(Debug, Clone, Serialize)]
pub struct InboxHealth {
    /// Deliveries that will be tried again.
    pub failed: i64,
    /// Dead letters.
    pub dead: i64,
    /// When the last delivery came, in milliseconds; none before the first.
    pub last_received_at: Option<i64>,
    /// How long ago that is, by the database's clock.
    pub silent_for_seconds: Option<i64>,
    /// How long the delivery that has been due for the longest has not been tried again; none when none is due.
    pub overdue_for_seconds: Option<i64>,
    /// How long ago the oldest delivery came that is still tried again.
    pub failing_for_seconds: Option<i64>,
}

/// A delivery with what became of it: one row of the inbox.
pub(crate) struct Entry<'a> {
    pub(crate) delivery: &'a Delivery,
    pub(crate) reading: &'a Reading,
    pub(crate) outcome: &'a Outcome,
}

/// Stores deliveries that are not there yet, or had failed and now have not, and ends the transaction; the ids of those. The
/// others are duplicates. `written` is called between the two.
///
/// The commit goes out behind the statement without waiting for its answer. Where Postgres refuses the statement, its
/// `commit` is a rollback; where it cannot be sent, neither is the commit, which is asked for second.
pub(crate) async fn store_and_commit(
    connection: &Connection,
    entries: &[Entry<'_>],
    written: &mut (dyn FnMut() + Send),
) -> Result<HashSet<String>, tokio_postgres::Error> {
    let store = connection.prepare_cached(include_str!("../../../sql/mirror/store_deliveries.sql")).await?;
    fn column<'a, T>(entries: &'a [Entry<'a>], value: fn(&'a Entry<'a>) -> T) -> Vec<T> {
        entries.iter().map(value).collect()
    }
    let parameters: [&(dyn ToSql + Sync); 11] = [
        &column(entries, |entry| entry.delivery.id.as_str()),
        &column(entries, |entry| entry.reading.event_type.as_deref()),
        &column(entries, |entry| entry.reading.object_id.as_deref()),
        &column(entries, |entry| entry.reading.user_id.as_deref()),
        &column(entries, |entry| entry.reading.event_at.map(Timestamp::millis)),
        &column(entries, Entry::body),
        &column(entries, |entry| entry.delivery.sent_at.millis()),
        &column(entries, |entry| entry.outcome.as_str()),
        &column(entries, |entry| entry.outcome.reason()),
        &vec![1_i32; entries.len()],
        &vec![pause(1); entries.len()],
    ];
    let insert = async {
        let stored = connection.query(&store, &parameters).await?;
        written();
        Ok(stored)
    };
    let (stored, ()) = try_join(insert, connection.batch_execute("commit")).await?;
    Ok(stored.iter().map(|row| row.get(0)).collect())
}

impl Entry<'_> {
    /// The bytes as received, but for secrets.
    fn body(&self) -> &[u8] {
        self.reading.redacted.as_ref().map_or(&self.delivery.body, |redacted| redacted.as_bytes())
    }
}

/// Writes down what became of the delivery's attempt number `attempts`.
pub(crate) async fn settle(
    connection: &Connection,
    id: &DeliveryId,
    outcome: &Outcome,
    attempts: i32,
) -> Result<(), tokio_postgres::Error> {
    let settle = connection.prepare_cached(include_str!("../../../sql/mirror/settle_delivery.sql")).await?;
    connection
        .execute(&settle, &[&id.as_str(), &outcome.as_str(), &outcome.reason(), &attempts, &pause(attempts)])
        .await
        .map(drop)
}

/// Milliseconds until the attempt after this one.
fn pause(attempts: i32) -> i64 {
    i64::try_from(backoff::pause(attempts).as_millis()).unwrap_or(i64::MAX)
}

/// What to do with a delivery whose change was refused by the database.
///
/// Refused data stays refused: a dead letter at once. Anything else is the database's state (a table somebody altered, a
/// lock that took too long) and is tried again, until that has gone on for hours.
pub(crate) fn after_failure(error: &tokio_postgres::Error, attempts: i32) -> Outcome {
    let reason = reason(error);
    if postgres::is_data_error(error) {
        Outcome::Dead(reason)
    } else if attempts >= MAX_ATTEMPTS {
        Outcome::Dead(format!("given up after {attempts} attempts: {reason}"))
    } else {
        Outcome::Failed(reason)
    }
}

/// What Postgres did not like, without the data it did not like.
pub(crate) fn reason(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        // Postgres quotes the value that it could not read after a colon; names of tables and columns stand before.
        Some(answer) => {
            let sentence = answer.message().split(": \"").next().unwrap_or_default();
            format!("{sentence} ({})", answer.code().code())
        }
        None => "the connection broke".to_owned(),
    }
}

/// A delivery out of the inbox, with how often it was tried.
pub(crate) fn delivery(row: &Row) -> Option<(Delivery, i32)> {
    let id = DeliveryId::parse(row.get("delivery_id")).ok()?;
    let sent_at = Timestamp::from_millis(row.get("sent_at"));
    Some((Delivery { id, sent_at, body: Bytes::from(row.get::<_, Vec<u8>>("body")) }, row.get("attempts")))
}

/// How often the inbox is looked through for what is due.
pub(crate) const POLL: Duration = Duration::from_secs(1);
