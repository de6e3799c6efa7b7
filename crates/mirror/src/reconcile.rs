//! Reconcile: what differs between Clerk and the mirror, and, when asked to, an end of it.
//!
//! Each kind is walked once. A page is compared in one statement, which also remembers its ids; what the walk has not seen
//! and the mirror holds alive is then asked about one by one. Memory stays flat: one page here, ids in Postgres.
//!
//! What is not drift: whatever changed so recently that its webhook may be on its way, and columns that Clerk moves without
//! an event. What is never done on a list's word: a tombstone is written only after Clerk itself has said that the object
//! does not exist, and taken away only after Clerk has shown it. And when most of a table looks deleted, nothing of it is
//! buried: that is what a key of another instance, or a broken list, looks like.

use std::collections::HashMap;
use std::time::Duration;

use clerk::{Clock as _, SystemClock, Timestamp};
use clerk_api::BackendApi;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::value::RawValue;
use tokio_postgres::types::ToSql;
use tokio_util::sync::CancellationToken;

use crate::reading::chain;
use crate::reconcile_ask::{Suspect, Verdict, ask};
use crate::run::{RunError, RunLock, Work};
use crate::table::Row;
use crate::walk::{Batch, KindWalk, Reach};
use crate::{Mirror, ObjectKind, Source};

/// Objects that are asked about at once.
const AT_ONCE: usize = 8;
/// So many ids of each kind of drift are kept for people to look at.
const EXAMPLES: usize = 10;
/// So many may look deleted before it matters how many that is of all.
const FEW: i64 = 20;

/// What to compare.
#[derive(Debug, Clone)]
pub struct ReconcileOptions {
    /// These kinds.
    pub kinds: Vec<ObjectKind>,
    /// Whether to repair what is found.
    pub repair: bool,
    /// What changed within so long may have a webhook on its way.
    pub grace: Duration,
}

impl Default for ReconcileOptions {
    /// All kinds but those that cost a request for each user; nothing is written. Most webhooks come within seconds, and
    /// the second retry after five minutes.
    fn default() -> Self {
        let kinds = ObjectKind::ALL.iter().copied().filter(|kind| kind.reach() != Reach::ByOwner).collect();
        Self { kinds, repair: false, grace: Duration::from_secs(360) }
    }
}

/// One kind of drift, in one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many objects.
    pub count: u64,
    /// The ids of the first ones.
    pub examples: Vec<String>,
}

/// What a comparison of one kind has found.
#[derive(Debug, Clone)]
pub struct KindReconciled {
    /// Which.
    pub kind: ObjectKind,
    /// Objects that Clerk showed.
    pub seen: u64,
    /// Objects that could not be read, or that Postgres did not take.
    pub refused: u64,
    /// Clerk has it, the mirror does not.
    pub missing: Tally,
    /// The mirror has an older version.
    pub older: Tally,
    /// The same version with other values in its columns.
    pub different: Tally,
    /// The mirror has it, and Clerk says that it does not exist.
    pub gone: Tally,
    /// Clerk has it, and the mirror says that it was deleted.
    pub buried: Tally,
    /// The mirror has a newer version than Clerk: a row that somebody wrote by hand, or of another instance.
    pub ahead: Tally,
    /// Not in Clerk's list, and left alone: Clerk cannot be asked about it, or there are too many to believe it.
    pub unverified: Tally,
    /// Changed so recently that a webhook may be on its way.
    pub in_flight: u64,
    /// Of the drift, what is repaired.
    pub repaired: u64,
    /// Why nothing, or not everything, was compared or repaired.
    pub note: Option<String>,
}

impl KindReconciled {
    fn new(kind: ObjectKind) -> Self {
        Self {
            kind,
            seen: 0,
            refused: 0,
            missing: Tally::default(),
            older: Tally::default(),
            different: Tally::default(),
            gone: Tally::default(),
            buried: Tally::default(),
            ahead: Tally::default(),
            unverified: Tally::default(),
            in_flight: 0,
            repaired: 0,
            note: None,
        }
    }

    /// How many objects differ.
    pub fn drift(&self) -> u64 {
        let tallies = [&self.missing, &self.older, &self.different, &self.gone, &self.buried, &self.ahead];
        tallies.iter().map(|tally| tally.count).sum()
    }

    /// How many still do.
    pub fn remaining(&self) -> u64 {
        self.drift().saturating_sub(self.repaired)
    }
}

impl Tally {
    fn add(&mut self, id: &str) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(id.to_owned());
        }
    }
}

impl Mirror {
    /// Compares the mirror with Clerk, and repairs it when asked to; `watch` is told of every page.
    ///
    /// # Errors
    /// [`RunError`]; what was repaired stays repaired.
    pub async fn reconcile(
        &self,
        options: &ReconcileOptions,
        stop: &CancellationToken,
        watch: impl Fn(ObjectKind, u64),
    ) -> Result<Vec<KindReconciled>, RunError> {
        let api = self.api.as_ref().ok_or(RunError::NoSecretKey)?;
        let lock = RunLock::take(&self.pool, Work::Reconcile).await?;
        self.reconcile_under(api, lock, options, stop, watch).await
    }

    pub(crate) async fn reconcile_under(
        &self,
        api: &BackendApi,
        lock: RunLock,
        options: &ReconcileOptions,
        stop: &CancellationToken,
        watch: impl Fn(ObjectKind, u64),
    ) -> Result<Vec<KindReconciled>, RunError> {
        let api = api.patient();
        let instance = lock.check_instance(&api).await?;
        let run = lock.begin(Work::Reconcile, instance.as_deref(), options.repair).await?;
        lock.add_kinds(run, &options.kinds).await?;
        fail::fail_point!("reconcile-begun", |_| Err(RunError::Broken));
        let mut found = Vec::with_capacity(options.kinds.len());
        for kind in ObjectKind::ALL.iter().copied().filter(|kind| options.kinds.contains(kind)) {
            lock.begin_kind(run, kind, None).await?;
            let mut reconcile =
                Reconcile { mirror: self, api: &api, lock: &lock, options, found: KindReconciled::new(kind) };
            if let Err(error) = reconcile.kind(stop, &watch).await {
                // Said in the record, if it can still be written; the error itself goes to whoever asked.
                let _ = lock.fail(Work::Reconcile, &chain(&error)).await;
                return Err(error);
            }
            lock.record(run, &reconcile.found).await?;
            fail::fail_point!("reconcile-kind-finished", |_| Err(RunError::Broken));
            found.push(reconcile.found);
        }
        lock.finish(run).await?;
        lock.release().await?;
        Ok(found)
    }
}

/// The comparison of one kind.
struct Reconcile<'a> {
    mirror: &'a Mirror,
    api: &'a BackendApi,
    lock: &'a RunLock,
    options: &'a ReconcileOptions,
    found: KindReconciled,
}

impl Reconcile<'_> {
    async fn kind(&mut self, stop: &CancellationToken, watch: &impl Fn(ObjectKind, u64)) -> Result<(), RunError> {
        let kind = self.found.kind;
        self.lock.execute(include_str!("../../../sql/run/forget_seen.sql"), &[&kind.word()]).await?;
        let began = SystemClock.now();
        let mut walk = KindWalk::new(kind, &self.mirror.pool, self.api, None).map_err(RunError::Record)?;
        loop {
            let page = tokio::select! {
                page = walk.next() => page.map_err(RunError::from),
                () = stop.cancelled() => return Err(RunError::Stopped),
            };
            let Batch { objects, asked_at, .. } = match page {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                // Organizations, billing or the waitlist may be off. People are always there.
                Err(RunError::Clerk(error)) if error.is_not_offered() && kind != ObjectKind::User => {
                    self.found.note = Some(format!("not offered: {error}"));
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            self.found.seen += objects.len() as u64;
            self.page(&objects, asked_at).await?;
            watch(kind, objects.len() as u64);
        }
        self.unseen(began, stop).await?;
        let forget = include_str!("../../../sql/run/forget_seen.sql");
        self.lock.execute(forget, &[&kind.word()]).await.map(drop)
    }

    /// Compares a page, and repairs what it shows.
    async fn page(&mut self, objects: &[Box<RawValue>], asked_at: Timestamp) -> Result<(), RunError> {
        let mut rows = Vec::with_capacity(objects.len());
        for object in objects {
            match Row::read(self.found.kind, object.get()) {
                Ok(row) => rows.push((row, object.as_ref())),
                Err(error) => {
                    self.found.refused += 1;
                    tracing::warn!(
                        object = self.found.kind.word(),
                        reason = chain(&error),
                        "an object of Clerk's cannot be read"
                    );
                }
            }
        }
        let settled = asked_at.minus(self.options.grace).millis();
        let by_id: HashMap<&str, &(Row, &RawValue)> = rows.iter().map(|shown| (shown.0.id.as_str(), shown)).collect();
        let (mut stale, mut buried) = (Vec::new(), Vec::new());
        for Drift { id, what, since } in self.compare(&rows).await? {
            if since > settled {
                self.found.in_flight += 1;
                continue;
            }
            let Some((row, object)) = by_id.get(id.as_str()) else { continue };
            match what.as_str() {
                "missing" => self.found.missing.add(&id),
                "older" => self.found.older.add(&id),
                "different" => self.found.different.add(&id),
                "ahead" => {
                    self.found.ahead.add(&id);
                    continue;
                }
                _ => {
                    buried.push(Suspect { id, parents: row.parents.clone() });
                    continue;
                }
            }
            stale.push((*object).to_owned());
        }
        fail::fail_point!("reconcile-compared", |_| Err(RunError::Broken));
        if self.options.repair && !stale.is_empty() {
            let written = self.mirror.write_page(self.found.kind, &stale, asked_at, Source::Reconcile).await?;
            self.found.repaired += written.shown;
            self.found.refused += written.refused;
            fail::fail_point!("reconcile-repaired", |_| Err(RunError::Broken));
        }
        self.raise(buried).await
    }

    async fn compare(&self, rows: &[(Row, &RawValue)]) -> Result<Vec<Drift>, RunError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let connection = self.lock.connection()?;
        let page = connection.prepare_cached(&self.found.kind.comparison().page).await?;
        let column = |value: &dyn for<'r> Fn(&'r Row) -> Option<&'r str>| {
            rows.iter().map(|(row, _)| value(row).map(str::to_owned)).collect::<Vec<Option<String>>>()
        };
        let layout = self.found.kind.layout();
        let mut texts = vec![column(&|row| Some(&row.id))];
        texts.extend((0..layout.parents.len()).map(|which| column(&move |row| row.parents[which].as_deref())));
        texts.extend((0..layout.columns.len()).map(|which| column(&move |row| row.values[which].as_deref())));
        let updated: Vec<i64> = rows.iter().map(|(row, _)| row.updated_at.map_or(0, Timestamp::millis)).collect();
        let mut parameters: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|texts| texts as _).collect();
        parameters.push(&updated);
        let drifts = connection.query(&page, &parameters).await?;
        Ok(drifts.iter().map(|row| Drift { id: row.get(0), what: row.get(1), since: row.get(2) }).collect())
    }

    /// Objects that Clerk lists and the mirror has buried: once Clerk has shown each by itself, the tombstones go.
    async fn raise(&mut self, buried: Vec<Suspect>) -> Result<(), RunError> {
        let kind = self.found.kind;
        for some in buried.chunks(100) {
            let asked_at = SystemClock.now();
            let (mut ids, mut alive) = (Vec::new(), Vec::new());
            for (suspect, verdict) in self.ask(some).await? {
                match verdict {
                    Verdict::Alive(object) => {
                        self.found.buried.add(&suspect.id);
                        ids.push(suspect.id);
                        alive.push(object);
                    }
                    // It was deleted after the page was shown.
                    Verdict::Gone => {}
                    Verdict::CannotTell => self.found.buried.add(&suspect.id),
                }
            }
            if !self.options.repair || ids.is_empty() {
                continue;
            }
            // Not one transaction with what follows: an end in between leaves objects missing, which is found again.
            let connection = self.lock.connection()?;
            let raise = connection.prepare_cached(&kind.comparison().raise).await?;
            connection.execute(&raise, &[&ids, &asked_at.millis()]).await?;
            fail::fail_point!("reconcile-raised", |_| Err(RunError::Broken));
            let written = self.mirror.write_page(kind, &alive, asked_at, Source::Reconcile).await?;
            self.found.repaired += written.shown;
        }
        Ok(())
    }

    /// Live rows that no page had.
    async fn unseen(&mut self, began: Timestamp, stop: &CancellationToken) -> Result<(), RunError> {
        let (kind, began) = (self.found.kind, began.millis());
        let connection = self.lock.connection()?;
        let count = connection.prepare_cached(&kind.comparison().count_unseen).await?;
        let row = connection.query_one(&count, &[&began]).await?;
        let (unseen, alive): (i64, i64) = (row.get(0), row.get(1));
        let too_many = unseen > FEW && unseen > alive / 2;
        if too_many {
            self.found.note = Some(format!(
                "Clerk's list lacks {unseen} of {alive} rows here: too many to believe, so none was asked about or buried"
            ));
        }
        let mut last = String::new();
        loop {
            if stop.is_cancelled() {
                return Err(RunError::Stopped);
            }
            let some = self.unseen_after(began, &last).await?;
            let Some(Suspect { id, .. }) = some.last() else { return Ok(()) };
            last.clone_from(id);
            if too_many {
                some.iter().for_each(|suspect| self.found.unverified.add(&suspect.id));
            } else {
                self.settle_unseen(&some).await?;
            }
        }
    }

    async fn unseen_after(&self, began: i64, last: &str) -> Result<Vec<Suspect>, RunError> {
        let connection = self.lock.connection()?;
        let unseen = connection.prepare_cached(&self.found.kind.comparison().unseen).await?;
        let rows = connection.query(&unseen, &[&began, &last]).await?;
        let suspect = |row: &tokio_postgres::Row| Suspect {
            id: row.get(0),
            parents: (1..row.len()).map(|column| row.get(column)).collect(),
        };
        Ok(rows.iter().map(suspect).collect())
    }

    async fn settle_unseen(&mut self, some: &[Suspect]) -> Result<(), RunError> {
        let asked_at = SystemClock.now();
        let (mut gone, mut alive) = (Vec::new(), Vec::new());
        for (suspect, verdict) in self.ask(some).await? {
            match verdict {
                Verdict::Gone => {
                    self.found.gone.add(&suspect.id);
                    gone.push(suspect.id);
                }
                // The list has moved under the walk.
                Verdict::Alive(object) => alive.push(object),
                Verdict::CannotTell => self.found.unverified.add(&suspect.id),
            }
        }
        fail::fail_point!("reconcile-verified", |_| Err(RunError::Broken));
        if self.options.repair && !gone.is_empty() {
            let buried = self.mirror.bury(self.found.kind, &gone, asked_at, Source::Reconcile).await?;
            self.found.repaired += buried.iter().filter(|changed| **changed).count() as u64;
            fail::fail_point!("reconcile-buried", |_| Err(RunError::Broken));
        }
        if alive.is_empty() { Ok(()) } else { Box::pin(self.page(&alive, asked_at)).await }
    }

    async fn ask(&self, some: &[Suspect]) -> Result<Vec<(Suspect, Verdict)>, RunError> {
        let kind = self.found.kind;
        let asked = stream::iter(some.to_vec()).map(|suspect| {
            let api = self.api.clone();
            async move { Ok::<_, RunError>((suspect.clone(), ask(api, kind, suspect).await?)) }
        });
        asked.buffered(AT_ONCE).try_collect().await
    }
}

/// One difference.
struct Drift {
    id: String,
    what: String,
    /// Since when, in milliseconds, by whoever's clock knows best.
    since: i64,
}

impl RunLock {
    async fn record(&self, run: i64, found: &KindReconciled) -> Result<(), RunError> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let numbers: Vec<i64> = [
            found.seen,
            found.refused,
            found.missing.count,
            found.older.count,
            found.different.count,
            found.gone.count,
            found.buried.count,
            found.ahead.count,
            found.unverified.count,
            found.in_flight,
            found.repaired,
        ]
        .map(number)
        .to_vec();
        let word = found.kind.word();
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&run, &word];
        parameters.extend(numbers.iter().map(|number| number as &(dyn ToSql + Sync)));
        parameters.push(&found.note);
        self.execute(include_str!("../../../sql/run/finish_comparison.sql"), &parameters).await.map(drop)
    }

    async fn fail(&self, work: Work, reason: &str) -> Result<(), RunError> {
        self.execute(include_str!("../../../sql/run/end_open.sql"), &[&work.word(), &reason]).await.map(drop)
    }
}
