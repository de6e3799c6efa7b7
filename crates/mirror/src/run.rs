//! Runs: walks through everything, one at a time, with a record of how far each came.
//!
//! An advisory lock of the database is held by the connection that also writes the record, so a run that dies, however it
//! dies, lets go of it, and whoever comes in vain can say who holds it. When that connection is lost the lock is lost, and
//! the run ends before it writes anything more.

use std::fmt;
use std::time::Duration;

use clerk::Timestamp;
use clerk_api::{ApiError, BackendApi};
use postgres::{Connection, Pool};
use tokio_postgres::types::ToSql;

use crate::loan::Loan;
use crate::walk::WalkError;
use crate::{MirrorError, ObjectKind};

/// Any one number, the same in every Rowlock: "walk" on a telephone's keys.
const ADVISORY_LOCK: i64 = 9_255;
/// Postgres notices within so long that a process is no more.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
/// So many runs are remembered.
const REMEMBERED: i64 = 500;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Writes whatever Clerk has.
    Backfill,
    /// Compares, and repairs when asked to.
    Reconcile,
}

impl Work {
    /// As commands, records and messages say it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Reconcile => "reconcile",
        }
    }
}

/// Why a run could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is nobody to ask.
    #[error("Clerk cannot be asked: there is no secret key")]
    NoSecretKey,
    /// Another run holds the lock.
    #[error("another run is under way: {0}")]
    Held(Holder),
    /// The key is of another instance than the one that this database mirrors.
    #[error("CLERK_SECRET_KEY is of Clerk instance `{found}`; this database mirrors `{expected}`")]
    OtherInstance {
        /// What the key opens.
        found: String,
        /// What was walked before.
        expected: String,
    },
    /// The connection that held the lock broke: somebody else may be at work by now.
    #[error("the database connection that holds the run's lock was lost; what is written is kept")]
    LockLost,
    /// Told to stop.
    #[error("it was told to stop; what is written is kept")]
    Stopped,
    /// A part of it panicked, which is a defect of ours.
    #[error("a part of the run broke; what is written is kept")]
    Broken,
    /// The record of an earlier run is of no use.
    #[error("the record of the interrupted run cannot be read; `--restart` begins anew")]
    Record(#[source] serde_json::Error),
    /// Clerk does not answer.
    #[error(transparent)]
    Clerk(#[from] ApiError),
    /// The database does not.
    #[error(transparent)]
    Database(#[from] MirrorError),
}

impl From<tokio_postgres::Error> for RunError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<postgres::Error> for RunError {
    fn from(error: postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<WalkError> for RunError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Clerk(error) => Self::Clerk(error),
            WalkError::Database(error) => Self::Database(error),
            WalkError::Cursor(error) => Self::Record(error),
        }
    }
}

/// Who holds the lock, as far as Postgres knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// `rowlock backfill, process 4711`.
    name: String,
    /// Where it connects from.
    from: String,
    /// Since when it is connected, in UTC.
    since: String,
    /// The Postgres backend, for whoever has to end it.
    backend: i32,
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, from, since, backend } = self;
        write!(out, "{name} from {from}, since {since} UTC (Postgres backend {backend})")
    }
}

/// What is known of one kind's walk in an interrupted run.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) kind: ObjectKind,
    pub(crate) cursor: Option<String>,
    pub(crate) seen: i64,
    pub(crate) written: i64,
    pub(crate) refused: i64,
    pub(crate) finished: bool,
}

/// The right to walk, and the connection that stands for it.
pub(crate) struct RunLock {
    loan: Loan,
}

impl RunLock {
    /// Takes the lock.
    pub(crate) async fn take(pool: &Pool, work: Work) -> Result<Self, RunError> {
        let loan = Loan::of(pool).await?;
        let name = format!("rowlock {}, process {}", work.word(), std::process::id());
        let try_lock = loan.prepare_cached(include_str!("../../../sql/run/try_lock.sql")).await?;
        for _ in 0..TRIES {
            if loan.query_one(&try_lock, &[&ADVISORY_LOCK, &name]).await?.get(0) {
                return Ok(Self { loan });
            }
            // Whoever was killed lets go in a moment.
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        let holder = loan.prepare_cached(include_str!("../../../sql/run/lock_holder.sql")).await?;
        let row = loan.query_opt(&holder, &[&ADVISORY_LOCK]).await?;
        let unknown = || Holder {
            name: "a run that has just ended or cannot be seen by this login".to_owned(),
            from: "somewhere".to_owned(),
            since: "an unknown time".to_owned(),
            backend: 0,
        };
        let known = |row: tokio_postgres::Row| Holder {
            name: row.get(0),
            from: row.get(1),
            since: row.get(2),
            backend: row.get(3),
        };
        Err(RunError::Held(row.map_or_else(unknown, known)))
    }

    /// Lets go, and returns the connection to its pool.
    pub(crate) async fn release(self) -> Result<(), RunError> {
        self.execute(include_str!("../../../sql/run/unlock.sql"), &[&ADVISORY_LOCK]).await?;
        self.loan.give_back();
        Ok(())
    }

    /// The connection that holds the lock, if it still does.
    pub(crate) fn connection(&self) -> Result<&Connection, RunError> {
        if self.loan.is_closed() { Err(RunError::LockLost) } else { Ok(&self.loan) }
    }

    pub(crate) async fn execute(
        &self,
        statement: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, RunError> {
        let connection = self.connection()?;
        let statement = connection.prepare_cached(statement).await?;
        Ok(connection.execute(&statement, parameters).await?)
    }

    /// Refuses a key of another instance: everything here would look deleted there. The instance's id.
    pub(crate) async fn check_instance(&self, api: &BackendApi) -> Result<Option<String>, RunError> {
        let found = match api.instance_id().await {
            Ok(found) => found,
            Err(error) if error.is_not_offered() => None,
            Err(error) => return Err(error.into()),
        };
        let connection = self.connection()?;
        let last = connection.prepare_cached(include_str!("../../../sql/run/last_instance.sql")).await?;
        let expected: Option<String> = connection.query_opt(&last, &[]).await?.map(|row| row.get(0));
        match (found, expected) {
            (Some(found), Some(expected)) if found != expected => Err(RunError::OtherInstance { found, expected }),
            (found, _) => Ok(found),
        }
    }

    /// The backfill that was interrupted, and when it began.
    pub(crate) async fn open_backfill(&self) -> Result<Option<(i64, Timestamp)>, RunError> {
        let connection = self.connection()?;
        let open = connection.prepare_cached(include_str!("../../../sql/run/open_backfill.sql")).await?;
        let row = connection.query_opt(&open, &[]).await?;
        Ok(row.map(|row| (row.get(0), Timestamp::from_millis(row.get(1)))))
    }

    /// Begins a record; those of runs of this work that never ended are closed.
    pub(crate) async fn begin(&self, work: Work, instance: Option<&str>, repairs: bool) -> Result<i64, RunError> {
        let ended = "another one began after it was stopped or killed";
        self.execute(include_str!("../../../sql/run/end_open.sql"), &[&work.word(), &ended]).await?;
        let connection = self.connection()?;
        let begin = connection.prepare_cached(include_str!("../../../sql/run/begin.sql")).await?;
        let run = connection.query_one(&begin, &[&work.word(), &instance, &repairs]).await?.get(0);
        self.execute(include_str!("../../../sql/run/forget_old.sql"), &[&REMEMBERED]).await?;
        Ok(run)
    }

    pub(crate) async fn add_kinds(&self, run: i64, kinds: &[ObjectKind]) -> Result<(), RunError> {
        let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
        self.execute(include_str!("../../../sql/run/add_objects.sql"), &[&run, &words]).await.map(drop)
    }

    pub(crate) async fn progress(&self, run: i64) -> Result<Vec<Progress>, RunError> {
        let connection = self.connection()?;
        let objects = connection.prepare_cached(include_str!("../../../sql/run/objects.sql")).await?;
        let rows = connection.query(&objects, &[&run]).await?;
        let progress = |row: &tokio_postgres::Row| {
            let kind = ObjectKind::of_word(row.get(0))?;
            let (seen, written, refused) = (row.get(2), row.get(3), row.get(4));
            Some(Progress { kind, cursor: row.get(1), seen, written, refused, finished: row.get(5) })
        };
        Ok(rows.iter().filter_map(progress).collect())
    }

    pub(crate) async fn begin_kind(&self, run: i64, kind: ObjectKind, total: Option<u64>) -> Result<(), RunError> {
        let total = total.and_then(|total| i64::try_from(total).ok());
        let statement = include_str!("../../../sql/run/begin_object.sql");
        self.execute(statement, &[&run, &kind.word(), &total]).await.map(drop)
    }

    pub(crate) async fn finish_kind(&self, run: i64, kind: ObjectKind, reason: Option<&str>) -> Result<(), RunError> {
        let statement = include_str!("../../../sql/run/finish_object.sql");
        self.execute(statement, &[&run, &kind.word(), &reason]).await.map(drop)
    }

    /// Closes the record, if all of its kinds are done.
    pub(crate) async fn finish(&self, run: i64) -> Result<(), RunError> {
        self.execute(include_str!("../../../sql/run/finish.sql"), &[&run]).await.map(drop)
    }
}
