//! How the mirror does, as an operator wants to know it: what is there, what came, what waits, and how long ago anything
//! went well. Only figures are gathered here; what of it is bad, and what to do then, is for whoever shows them.
//!
//! Large tables are not counted but estimated, from what Postgres knows of them: to look must not cost a minute of reading.

use serde::Serialize;
use tokio_postgres::Row;

use crate::{InboxHealth, Mirror, MirrorError, ObjectKind};

/// A table larger than this, in bytes, is estimated: to read it takes more than about a second.
const LARGEST_COUNTED: i64 = 256 << 20;

/// Everything that `rowlock status` shows of the database. Times are in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// What the mirror has, by table.
    pub tables: Vec<TableStatus>,
    /// Deliveries received in the last hour.
    pub last_hour: LastHour,
    /// How the inbox does.
    pub inbox: InboxHealth,
    /// What waits in the inbox, the commonest reasons first.
    pub waiting: Vec<Waits>,
    /// What Clerk is to be asked.
    pub inquiries: Vec<Inquiries>,
    /// When each source last brought something.
    pub last_success: LastSuccess,
    /// The last run of each kind.
    pub runs: Vec<Run>,
    /// Revocations in force.
    pub revocations: i64,
}

/// One table of the mirror.
#[derive(Debug, Clone, Serialize)]
pub struct TableStatus {
    /// Its name in schema `clerk`.
    pub table: &'static str,
    /// Objects that Clerk has.
    pub live: i64,
    /// Objects that Clerk has no more.
    pub tombstones: i64,
    /// Whether these are Postgres' estimates.
    pub estimated: bool,
}

/// Deliveries that came within the last hour, by what became of them until now. Duplicates leave no trace in the inbox.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the states of the inbox, as they are documented there")]
pub struct LastHour {
    pub applied: i64,
    pub stale: i64,
    pub kept: i64,
    pub failed: i64,
    pub dead: i64,
    /// The median of the time from the event to the row.
    pub lag_p50: Option<i64>,
    /// What 99 of 100 were faster than.
    pub lag_p99: Option<i64>,
}

/// Deliveries that wait for the same reason.
#[derive(Debug, Clone, Serialize)]
pub struct Waits {
    /// `failed` or `dead`.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// How many.
    pub count: i64,
    /// One of them.
    pub example: String,
    /// When the oldest came.
    pub oldest_at: i64,
}

/// Inquiries of one cause.
#[derive(Debug, Clone, Serialize)]
pub struct Inquiries {
    /// tie, stub or missing.
    pub cause: String,
    /// How many.
    pub count: i64,
    /// How long the oldest has waited, in seconds.
    pub oldest_seconds: i64,
    /// Why one of them was not answered.
    pub reason: Option<String>,
}

/// When each source last brought something; none when that is not known.
#[derive(Debug, Clone, Serialize)]
pub struct LastSuccess {
    /// A delivery that was settled.
    pub webhook: Option<i64>,
    /// A backfill that came to its end.
    pub backfill: Option<i64>,
    /// A comparison that came to its end.
    pub reconcile: Option<i64>,
    /// A row made of a token, of those that Clerk has not yet said more about.
    pub token: Option<i64>,
}

/// A backfill or reconciliation.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Which of the two.
    pub work: String,
    /// When it began.
    pub started_at: i64,
    /// When it ended; none while it works, or when it was interrupted.
    pub finished_at: Option<i64>,
    /// Why it ended before its end.
    pub reason: Option<String>,
    /// Whether it was to repair what it found.
    pub repairs: bool,
    /// Rows that were not as Clerk has them.
    pub drift: i64,
    /// Of those, rows that it repaired.
    pub repaired: i64,
    /// Objects that could not be written.
    pub refused: i64,
    /// When one of its kind last came to its end.
    pub succeeded_at: Option<i64>,
}

/// What waits for Clerk's word, for the metrics.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// Inquiries by cause.
    pub inquiries: Vec<Inquiries>,
    /// Users of whom only the id is known.
    pub stub_users: i64,
    /// Organizations of which only the id is known.
    pub stub_organizations: i64,
    /// When each source last brought something.
    pub last_success: Option<LastSuccess>,
}

impl Mirror {
    /// How everything does.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn status(&self) -> Result<Status, MirrorError> {
        let runs = self.runs().await?;
        Ok(Status {
            tables: self.tables().await?,
            last_hour: self.last_hour().await?,
            inbox: self.health().await?,
            waiting: self.rows(include_str!("../../../sql/status/waiting.sql")).await?.iter().map(waits).collect(),
            inquiries: self.inquiries().await?,
            last_success: self.last_success(&runs).await?,
            runs,
            revocations: self.row(include_str!("../../../sql/status/revocations.sql")).await?.get("in_force"),
        })
    }

    /// What waits for Clerk's word, and when anything last went well: cheap enough to be asked every few seconds.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn questions(&self) -> Result<Questions, MirrorError> {
        let stubs = self.row(STUBS).await?;
        let runs = self.runs().await?;
        Ok(Questions {
            inquiries: self.inquiries().await?,
            stub_users: stubs.get("users"),
            stub_organizations: stubs.get("organizations"),
            last_success: Some(self.last_success(&runs).await?),
        })
    }

    async fn tables(&self) -> Result<Vec<TableStatus>, MirrorError> {
        let sizes = self.rows(include_str!("../../../sql/status/sizes.sql")).await?;
        let mut tables = Vec::new();
        for kind in ObjectKind::ALL {
            let table = kind.table();
            let Some(size) = sizes.iter().find(|row| row.get::<_, &str>("name") == table) else { continue };
            if size.get::<_, i64>("bytes") > LARGEST_COUNTED {
                let (rows, tombstones): (i64, i64) = (size.get("rows"), size.get("tombstones"));
                tables.push(TableStatus { table, live: rows - tombstones, tombstones, estimated: true });
                continue;
            }
            let count = format!(
                "select count(*) - count(deleted_at) as live, count(deleted_at) as tombstones from clerk.{table}"
            );
            let row = self.row(&count).await?;
            let (live, tombstones) = (row.get("live"), row.get("tombstones"));
            tables.push(TableStatus { table, live, tombstones, estimated: false });
        }
        Ok(tables)
    }

    async fn last_hour(&self) -> Result<LastHour, MirrorError> {
        let row = self.row(include_str!("../../../sql/status/last_hour.sql")).await?;
        Ok(LastHour {
            applied: row.get("applied"),
            stale: row.get("stale"),
            kept: row.get("kept"),
            failed: row.get("failed"),
            dead: row.get("dead"),
            lag_p50: row.get("lag_p50"),
            lag_p99: row.get("lag_p99"),
        })
    }

    async fn inquiries(&self) -> Result<Vec<Inquiries>, MirrorError> {
        let rows = self.rows(include_str!("../../../sql/status/inquiries.sql")).await?;
        let inquiries = |row: &Row| Inquiries {
            cause: row.get("cause"),
            count: row.get("count"),
            oldest_seconds: row.get("oldest_seconds"),
            reason: row.get("reason"),
        };
        Ok(rows.iter().map(inquiries).collect())
    }

    async fn runs(&self) -> Result<Vec<Run>, MirrorError> {
        let rows = self.rows(include_str!("../../../sql/status/last_runs.sql")).await?;
        Ok(rows.iter().map(run).collect())
    }

    async fn last_success(&self, runs: &[Run]) -> Result<LastSuccess, MirrorError> {
        let webhook = self.rows(include_str!("../../../sql/status/last_success.sql")).await?;
        let of = |work: &str| runs.iter().find(|run| run.work == work).and_then(|run| run.succeeded_at);
        Ok(LastSuccess {
            webhook: webhook.first().map(|row| row.get("received_at")),
            backfill: of("backfill"),
            reconcile: of("reconcile"),
            token: self.row(STUBS).await?.get("last_by_token"),
        })
    }

    async fn rows(&self, statement: &str) -> Result<Vec<Row>, MirrorError> {
        let connection = self.pool.get().await?;
        let statement = connection.prepare_cached(statement).await?;
        Ok(connection.query(&statement, &[]).await?)
    }

    async fn row(&self, statement: &str) -> Result<Row, MirrorError> {
        let connection = self.pool.get().await?;
        let statement = connection.prepare_cached(statement).await?;
        Ok(connection.query_one(&statement, &[]).await?)
    }
}

const STUBS: &str = include_str!("../../../sql/status/stubs.sql");

fn waits(row: &Row) -> Waits {
    Waits {
        state: row.get("state"),
        reason: row.get("reason"),
        count: row.get("count"),
        example: row.get("example"),
        oldest_at: row.get("oldest_at"),
    }
}

fn run(row: &Row) -> Run {
    Run {
        work: row.get("work"),
        started_at: row.get("started_at"),
        finished_at: row.get("finished_at"),
        reason: row.get("reason"),
        repairs: row.get("repairs"),
        drift: row.get("drift"),
        repaired: row.get("repaired"),
        refused: row.get("refused"),
        succeeded_at: row.get("succeeded_at"),
    }
}
