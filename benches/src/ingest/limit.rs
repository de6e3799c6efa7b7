//! What Postgres takes: the rows of inbox and users that a delivery makes, a hundred deliveries a transaction, in one flight
//! each, on as many connections as Rowlock writes with.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use tokio::runtime::Runtime;

use super::stock::{Rows, Stock};
use crate::database::Database;
use crate::measure::{MEASUREMENT, Round, WARM_UP};

const DELIVERIES: usize = 100;
const CONNECTIONS: usize = 2;

const INBOX: &str = "
insert into rowlock.inbox (delivery_id, event_type, object_id, user_id, event_at, body, sent_at, state, settled_at)
values ($1, 'user.created', $2, $2, $3, $4, now(), 'applied', now())
on conflict (delivery_id) do nothing";

const USER: &str = "
insert into clerk.users (
  id, primary_email_address, primary_email_address_verified, first_name, last_name, image_url, banned, locked, created_at,
  raw, clerk_updated_at, event_at, delivery_id, source, synced_at
)
values ($1, 'ada@example.com', true, 'Ada', 'Lovelace', 'https://img.clerk.com/1', false, false, now(), $2::text::jsonb, $3, $3, $4, 'webhook', now())
on conflict (id) do update set
  primary_email_address = excluded.primary_email_address, first_name = excluded.first_name, raw = excluded.raw,
  clerk_updated_at = excluded.clerk_updated_at, event_at = excluded.event_at, delivery_id = excluded.delivery_id,
  source = excluded.source, synced_at = excluded.synced_at";

pub(super) fn round(runtime: &Runtime, database: &Database, stock: &Stock) -> Result<Round> {
    runtime.block_on(async {
        run(database, stock, WARM_UP).await?;
        run(database, stock, MEASUREMENT).await
    })
}

async fn run(database: &Database, stock: &Stock, length: Duration) -> Result<Round> {
    let began = Instant::now();
    let writers = (0..CONNECTIONS).map(|_| write(database, stock, began, length));
    let transactions: Vec<Duration> = try_join_all(writers).await?.into_iter().flatten().collect();
    let mut round = Round::of(transactions, began.elapsed());
    round.per_second *= DELIVERIES as f64;
    Ok(round)
}

async fn write(database: &Database, stock: &Stock, began: Instant, length: Duration) -> Result<Vec<Duration>> {
    let connection = database.owner.get().await?;
    let (inbox, user) = (connection.prepare_cached(INBOX).await?, connection.prepare_cached(USER).await?);
    let mut transactions = Vec::new();
    while began.elapsed() < length {
        let rows: Vec<Rows> = (0..DELIVERIES).map(|_| stock.rows()).collect();
        let sent = Instant::now();
        let now = 1_795_305_600_000_i64;
        let begin = connection.batch_execute("begin");
        let writes = rows.iter().map(|row| async {
            let (body, user_row) = (row.body.as_bytes(), &row.user);
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&row.delivery_id, &row.user_id, &now, &body];
            let inbox = connection.execute(&inbox, &parameters);
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&row.user_id, user_row, &now, &row.delivery_id];
            let (stored, written) = futures_util::try_join!(inbox, connection.execute(&user, &parameters))?;
            Ok(stored + written)
        });
        let writes = try_join_all(writes);
        let commit = connection.batch_execute("commit");
        let ((), written, ()) = futures_util::try_join!(begin, writes, commit)?;
        ensure!(written.iter().sum::<u64>() == 2 * DELIVERIES as u64, "every row is written");
        transactions.push(sent.elapsed());
    }
    Ok(transactions)
}
