//! Taking a webhook delivery: verified, stored in the inbox, applied to the mirror, settled, in one transaction.
//!
//! Every delivery is of a user never seen before. The limit writes the same user into the same table and nothing else:
//! no inbox, no lock, no order of versions. The mirror holds ten thousand users before, as one that runs for a while does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clerk::{Clock as _, DeliveryHeaders, DeliveryId, SigningSecret, SystemClock, verify_delivery};
use mirror::{Delivery, Mirror, Outcome};
use postgres::Pool;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::callers;
use crate::database::Database;
use crate::measure::{Contender, Race};
use crate::report::Report;
use crate::session::Session;

/// As many as the owner's pool has connections.
const SENDERS: usize = 8;
/// Svix's.
const TOLERANCE: Duration = Duration::from_secs(300);

const FILL: &str = "
insert into clerk.users (id, raw, clerk_updated_at, event_at, delivery_id, source, synced_at)
select 'user_before' || number, $1::text::jsonb, 0, 0, 'msg_before' || number, 'backfill', now()
from generate_series(1, 10000) as number
";

const UPSERT: &str = "
insert into clerk.users (id, raw, clerk_updated_at, event_at, delivery_id, source, synced_at)
values ($1, $2::text::jsonb, $3, $3, $1, 'webhook', now())
on conflict (id) do update set
  raw = excluded.raw, clerk_updated_at = excluded.clerk_updated_at, event_at = excluded.event_at,
  delivery_id = excluded.delivery_id, source = excluded.source, synced_at = excluded.synced_at
";

pub(crate) fn measure(runtime: &Runtime, database: &Database, report: &mut Report) -> Result<()> {
    let session = runtime.block_on(Session::begin())?;
    let stock = Arc::new(Stock::of(&session)?);
    runtime.block_on(fill(&database.owner, &stock.user))?;
    let mirror = Mirror::new(database.owner.clone(), None);
    let title = format!(
        "mirror: a new user, {} bytes of JSON, concurrency {SENDERS}, loopback (Postgres {})",
        stock.user.len(),
        database.version()
    );
    let contenders = vec![
        Contender::ours("verify_delivery and Mirror::deliver", || {
            let (mirror, stock) = (mirror.clone(), Arc::clone(&stock));
            callers::round(runtime, SENDERS, move || deliver(mirror.clone(), Arc::clone(&stock)))
        }),
        Contender::limit(
            "a single upsert of the same user",
            Ok(Box::new(|| {
                let (pool, stock) = (database.owner.clone(), Arc::clone(&stock));
                callers::round(runtime, SENDERS, move || upsert(pool.clone(), Arc::clone(&stock)))
            })),
        ),
    ];
    report.add(Race::run(title, contenders)?);
    Ok(())
}

async fn fill(owner: &Pool, user: &str) -> Result<()> {
    let connection = owner.get().await?;
    connection.execute(FILL, &[&user]).await?;
    connection.batch_execute("analyze clerk.users").await?;
    Ok(())
}

/// Users without end: one that the emulator described, each time under another id.
struct Stock {
    id: String,
    user: String,
    secret: SigningSecret,
    next: AtomicU64,
}

impl Stock {
    fn of(session: &Session) -> Result<Self> {
        let id = session.user["id"].as_str().context("a user has an id")?.to_owned();
        let secret = SigningSecret::generate([7; 24]);
        Ok(Self { id, user: session.user.to_string(), secret, next: AtomicU64::new(0) })
    }

    /// An id that nobody has had yet, and its user.
    fn take(&self) -> (String, String) {
        let id = format!("user_{:027}", self.next.fetch_add(1, Ordering::Relaxed));
        let user = self.user.replace(&self.id, &id);
        (id, user)
    }

    /// A delivery as it leaves the sender, and verified as the endpoint does it.
    fn delivery(&self) -> Result<Delivery> {
        let (user_id, user) = self.take();
        let now = SystemClock.now();
        let data: &serde_json::value::RawValue = serde_json::from_str(&user)?;
        let body = serde_json::to_vec(&json!({
            "object": "event", "type": "user.created", "timestamp": now.millis(), "data": data,
        }))?;
        let id = user_id.replace("user_", "msg_");
        let signature = self.secret.sign(&DeliveryId::parse(&id)?, now.seconds(), &body);
        let seconds = now.seconds().to_string();
        let headers = DeliveryHeaders { id: &id, timestamp: &seconds, signatures: &signature };
        let signed = verify_delivery(std::slice::from_ref(&self.secret), &headers, &body, now, TOLERANCE)?;
        Ok(Delivery::new(signed, body))
    }
}

async fn deliver(mirror: Mirror, stock: Arc<Stock>) -> Result<()> {
    let outcome = mirror.deliver(&stock.delivery()?).await?;
    ensure!(outcome == Outcome::Applied, "expected an applied delivery, found {outcome:?}");
    Ok(())
}

async fn upsert(pool: Pool, stock: Arc<Stock>) -> Result<()> {
    let (id, user) = stock.take();
    let connection = pool.get().await?;
    let statement = connection.prepare_cached(UPSERT).await?;
    let written = connection.execute(&statement, &[&id, &user, &SystemClock.now().millis()]).await?;
    ensure!(written == 1, "expected one row written, found {written}");
    Ok(())
}
