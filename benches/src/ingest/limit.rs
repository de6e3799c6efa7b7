//! What Postgres takes: the rows of inbox and users that a delivery makes, a hundred deliveries a transaction, in one flight
//! each, one statement a table, on as many connections as Rowlock writes with.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;

use super::stock::{Rows, Stock};
use crate::database::Database;
use crate::measure::{MEASUREMENT, Round, WARM_UP};

const DELIVERIES: usize = 100;
const CONNECTIONS: usize = 3;

const INBOX: &str = "
insert into rowlock.inbox (delivery_id, event_type, object_id, user_id, event_at, body, sent_at, state, settled_at)
select delivery_id, 'user.created', user_id, user_id, $3, body, now(), 'applied', now()
from unnest($1::text[], $2::text[], $4::bytea[]) as delivery (delivery_id, user_id, body)
on conflict (delivery_id) do nothing";

const USER: &str = "
insert into clerk.users (
  id, primary_email_address, primary_email_address_verified, first_name, last_name, image_url, public_metadata,
  unsafe_metadata, banned, locked, created_at, raw, clerk_updated_at, event_at, delivery_id, source, synced_at
)
select
  id, 'ada@example.com', true, 'Ada', 'Lovelace', 'https://img.clerk.com/1', '{}', '{}', false, false, now(), raw::jsonb,
  $3, $3, delivery_id, 'webhook', now()
from unnest($1::text[], $2::text[], $4::text[]) as incoming (id, raw, delivery_id)
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
        let texts = |text: fn(&Rows) -> &String| rows.iter().map(text).collect::<Vec<_>>();
        let (deliveries, users, objects) =
            (texts(|row| &row.delivery_id), texts(|row| &row.user_id), texts(|row| &row.user));
        let bodies: Vec<&[u8]> = rows.iter().map(|row| row.body.as_bytes()).collect();
        let now = 1_795_305_600_000_i64;
        let of_inbox: [&(dyn ToSql + Sync); 4] = [&deliveries, &users, &now, &bodies];
        let of_users: [&(dyn ToSql + Sync); 4] = [&users, &objects, &now, &deliveries];
        let sent = Instant::now();
        let ((), written, stored, ()) = futures_util::try_join!(
            connection.batch_execute("begin"),
            connection.execute(&user, &of_users),
            connection.execute(&inbox, &of_inbox),
            connection.batch_execute("commit"),
        )?;
        ensure!(written + stored == 2 * DELIVERIES as u64, "every row is written");
        transactions.push(sent.elapsed());
    }
    Ok(transactions)
}
