//! Backfill: everything that Clerk has, written once, while webhooks go on.
//!
//! Each kind is walked from its beginning to its end; while a page is written, the next one is asked for. What a page shows
//! is older than whatever happens after it was asked for, so a webhook that comes in between wins, and a tombstone stays.
//!
//! After each page the walk's cursor is recorded. A run that is stopped or killed leaves its record open, and the next one
//! goes on from there; the page that was under way is written again, which changes nothing. Only what Clerk shows is
//! written: that something is gone is found by reconciling.

use std::time::Duration;

use clerk::Timestamp;
use clerk_api::BackendApi;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::run::{RunError, RunLock, Work};
use crate::walk::{Batch, KindWalk, Reach, WalkError};
use crate::write_page::Written;
use crate::{Mirror, ObjectKind, Source};

/// Pages that are written at the same time: one keeps Postgres busy while another is on its way.
const WRITERS: usize = 2;
/// Pages that were fetched and wait for a writer.
const AHEAD: usize = 1;

/// What to backfill.
#[derive(Debug, Clone)]
pub struct BackfillOptions {
    /// These kinds, in the order of [`ObjectKind::ALL`].
    pub kinds: Vec<ObjectKind>,
    /// Begin anew, whatever an interrupted run has done.
    pub restart: bool,
}

impl Default for BackfillOptions {
    /// All kinds but those that cost a request for each user.
    fn default() -> Self {
        let kinds = ObjectKind::ALL.iter().copied().filter(|kind| kind.reach() != Reach::ByOwner).collect();
        Self { kinds, restart: false }
    }
}

/// Something that happened, for whoever watches.
#[derive(Debug, Clone)]
pub enum BackfillEvent {
    /// A kind begins, or goes on after an interruption.
    KindBegun {
        /// Which.
        kind: ObjectKind,
        /// Objects that were seen before the interruption.
        seen: u64,
        /// How many Clerk says there are.
        total: Option<u64>,
    },
    /// A page is written.
    Advanced {
        /// Objects in it.
        seen: u64,
    },
    /// A kind is done.
    KindEnded(KindBackfilled),
}

/// What was done with one kind.
#[derive(Debug, Clone)]
pub struct KindBackfilled {
    /// Which.
    pub kind: ObjectKind,
    /// Objects that Clerk showed, in this run and before its interruption.
    pub seen: u64,
    /// Of those, rows that were written. The others were here already, as new or newer.
    pub written: u64,
    /// Objects that could not be read, or that Postgres did not take.
    pub refused: u64,
    /// How long it took, since the last interruption.
    pub took: Duration,
    /// Whether an earlier run, which was interrupted afterwards, had done it.
    pub done_before: bool,
    /// Why the instance has nothing of this kind to show: a feature that is off.
    pub not_offered: Option<String>,
}

/// What a backfill has done.
#[derive(Debug, Clone)]
pub struct Backfilled {
    /// When the interrupted run began that this one went on with.
    pub resumed: Option<Timestamp>,
    /// Each kind.
    pub kinds: Vec<KindBackfilled>,
}

impl Mirror {
    /// Writes everything that Clerk has, or goes on with a run that was interrupted; `watch` is told of every page.
    ///
    /// # Errors
    /// [`RunError`]: what was written is kept, and recorded.
    pub async fn backfill(
        &self,
        options: &BackfillOptions,
        stop: &CancellationToken,
        watch: impl Fn(BackfillEvent),
    ) -> Result<Backfilled, RunError> {
        let api = self.api.as_ref().ok_or(RunError::NoSecretKey)?.patient();
        let lock = RunLock::take(&self.pool, Work::Backfill).await?;
        let instance = lock.check_instance(&api).await?;
        let open = if options.restart { None } else { lock.open_backfill().await? };
        let (run, resumed) = match open {
            Some((run, began)) => (run, Some(began)),
            None => (lock.begin(Work::Backfill, instance.as_deref(), false).await?, None),
        };
        lock.add_kinds(run, &options.kinds).await?;
        fail::fail_point!("backfill-begun", |_| Err(RunError::Broken));
        let mut kinds = Vec::with_capacity(options.kinds.len());
        for progress in lock.progress(run).await?.into_iter().filter(|known| options.kinds.contains(&known.kind)) {
            let mut walk = Backfill { mirror: self, api: &api, lock: &lock, run, done: KindBackfilled::of(&progress) };
            if !progress.finished {
                walk.kind(progress.cursor.as_deref(), stop, &watch).await?;
                watch(BackfillEvent::KindEnded(walk.done.clone()));
            }
            kinds.push(walk.done);
        }
        lock.finish(run).await?;
        fail::fail_point!("backfill-finished", |_| Err(RunError::Broken));
        lock.release().await?;
        kinds.sort_by_key(|done| done.kind);
        Ok(Backfilled { resumed, kinds })
    }
}

impl KindBackfilled {
    fn of(progress: &crate::run::Progress) -> Self {
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        Self {
            kind: progress.kind,
            seen: number(progress.seen),
            written: number(progress.written),
            refused: number(progress.refused),
            took: Duration::ZERO,
            done_before: progress.finished,
            not_offered: None,
        }
    }
}

/// The walk through one kind.
struct Backfill<'a> {
    mirror: &'a Mirror,
    api: &'a BackendApi,
    lock: &'a RunLock,
    run: i64,
    done: KindBackfilled,
}

impl Backfill<'_> {
    async fn kind(
        &mut self,
        cursor: Option<&str>,
        stop: &CancellationToken,
        watch: &impl Fn(BackfillEvent),
    ) -> Result<(), RunError> {
        let (kind, began) = (self.done.kind, Instant::now());
        let total = match kind.list() {
            Some(list) => self.api.total(&list).await,
            None => Ok(None),
        };
        let ended = match total {
            Err(error) => Err(error.into()),
            Ok(total) => {
                self.lock.begin_kind(self.run, kind, total).await?;
                watch(BackfillEvent::KindBegun { kind, seen: self.done.seen, total });
                self.pages(cursor, stop, watch).await
            }
        };
        match ended {
            // Organizations, billing or the waitlist may be off. People are always there.
            Err(RunError::Clerk(error)) if error.is_not_offered() && kind != ObjectKind::User => {
                self.done.not_offered = Some(error.to_string());
            }
            ended => ended?,
        }
        self.lock.finish_kind(self.run, kind, self.done.not_offered.as_deref()).await?;
        fail::fail_point!("backfill-kind-finished", |_| Err(RunError::Broken));
        self.done.took = began.elapsed();
        Ok(())
    }

    async fn pages(
        &mut self,
        cursor: Option<&str>,
        stop: &CancellationToken,
        watch: &impl Fn(BackfillEvent),
    ) -> Result<(), RunError> {
        let kind = self.done.kind;
        let walk = KindWalk::new(kind, &self.mirror.pool, self.api, cursor).map_err(RunError::Record)?;
        let (pages, fetched) = mpsc::channel(AHEAD);
        let _fetcher = AbortOnDropHandle::new(tokio::spawn(fetch(walk, pages)));
        let mirror = self.mirror.clone();
        let written = stream::unfold(fetched, async |mut fetched| Some((fetched.recv().await?, fetched)))
            .map(|page| AbortOnDropHandle::new(tokio::spawn(write(mirror.clone(), kind, page))))
            .buffered(WRITERS);
        let mut written = std::pin::pin!(written);
        loop {
            let page = tokio::select! {
                page = written.next() => page,
                () = stop.cancelled() => return Err(RunError::Stopped),
            };
            let Some(page) = page else { return Ok(()) };
            let Page { cursor, seen, written } = page.map_err(|_| RunError::Broken)??;
            fail::fail_point!("backfill-written", |_| Err(RunError::Broken));
            self.record(&cursor, seen, written).await?;
            fail::fail_point!("backfill-recorded", |_| Err(RunError::Broken));
            watch(BackfillEvent::Advanced { seen });
        }
    }

    async fn record(&mut self, cursor: &str, seen: u64, Written { shown, refused }: Written) -> Result<(), RunError> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let statement = include_str!("../../../sql/run/advance_object.sql");
        let (kind, seen_now) = (self.done.kind.word(), number(seen));
        let (written, refused_now) = (number(shown), number(refused));
        self.lock.execute(statement, &[&self.run, &kind, &cursor, &seen_now, &written, &refused_now]).await?;
        self.done.seen += seen;
        self.done.written += shown;
        self.done.refused += refused;
        Ok(())
    }
}

/// A page that was written.
struct Page {
    cursor: String,
    seen: u64,
    written: Written,
}

/// Asks for one page after the other, as long as somebody takes them.
async fn fetch(mut walk: KindWalk, pages: mpsc::Sender<Result<Batch, WalkError>>) {
    loop {
        let page = match walk.next().await {
            Ok(None) => return,
            Ok(Some(page)) => Ok(page),
            Err(error) => Err(error),
        };
        let failed = page.is_err();
        if pages.send(page).await.is_err() || failed {
            return;
        }
    }
}

async fn write(mirror: Mirror, kind: ObjectKind, page: Result<Batch, WalkError>) -> Result<Page, RunError> {
    let Batch { objects, asked_at, cursor } = page?;
    fail::fail_point!("backfill-fetched", |_| Err(RunError::Broken));
    let seen = objects.len() as u64;
    let written = mirror.write_page(kind, &objects, asked_at, Source::Backfill).await?;
    Ok(Page { cursor, seen, written })
}
