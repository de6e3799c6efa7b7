//! Deliveries that wait to be written, and who writes them.
//!
//! Group commit: whoever is free takes everything that waits, up to a batch. One delivery on a quiet day is a batch of one and
//! waits for nobody; under load batches grow by themselves, and the cost of a commit is shared. A second batch goes on its
//! way beside the first only when it is a full one, or when the first takes long (a far database, somebody's lock): two
//! halves of a batch cost a third more than one whole. And a third only while the commit of another waits for the disk, so
//! that nobody else does.
//!
//! Memory is bounded: what does not fit is refused before anything is promised ([`MirrorError::Busy`]), and the sender comes
//! again. A sender that goes away does not take its delivery with it.

use std::collections::{HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use postgres::Pool;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Span;

use crate::batch::{self, Read, Settled};
use crate::notes::{self, Note};
use crate::{MirrorError, Outcome};

/// Deliveries in one transaction. More of them share a commit that is shared well already, and hold more locks.
const LARGEST_BATCH: usize = 128;
/// Bytes in one transaction, so that a few large bodies do not make a flight of a hundred megabytes.
const LARGEST_BATCH_BYTES: usize = 4 << 20;
/// Batches that Postgres works on at a time.
const AT_A_TIME: usize = 2;
/// Batches on their way at a time, with those of which only the commit is left.
const ON_THEIR_WAY: usize = 3;
/// Deliveries that may wait: about a second of work.
const MOST_WAITING: usize = 8_192;
/// How long a batch may take until another writer is asked to help with what waits behind it. A commit on a good disk takes
/// a few milliseconds.
const LONG: Duration = Duration::from_millis(20);
/// Bytes that may wait.
const MOST_WAITING_BYTES: usize = 64 << 20;
/// What a refused sender is told to wait.
const COME_BACK: Duration = Duration::from_secs(5);

/// The queue before the database. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Ingest {
    pool: Pool,
    queue: Arc<Mutex<Queue>>,
    /// Owns the tasks that write; whoever waits for a delivery waits for one of them.
    tasks: TaskTracker,
    /// Ends them in the middle of what they do.
    cut: CancellationToken,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Batches that Postgres works on.
    worked_on: usize,
    /// Batches of which only the commit is left.
    committing: usize,
    /// When a sender was last sent away.
    refused_at: Option<Instant>,
}

impl Queue {
    const fn on_their_way(&self) -> usize {
        self.worked_on + self.committing
    }
}

/// How much waits in this process for the database.
#[derive(Debug, Clone, Copy)]
pub struct QueueHealth {
    /// Deliveries.
    pub deliveries: usize,
    /// Their bodies' bytes.
    pub bytes: usize,
    /// Whether senders were sent away within the last few seconds.
    pub full: bool,
}

#[derive(Debug)]
struct Waiting {
    read: Read,
    /// What its lines in the log stand in.
    request: Span,
    /// Held by [`Ingest::settle`]; closed when the sender has gone.
    settled: oneshot::Sender<Settled>,
}

impl Ingest {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool, queue: Arc::default(), tasks: TaskTracker::new(), cut: CancellationToken::new() }
    }

    /// Queues a delivery and waits until it is committed.
    pub(crate) async fn settle(&self, read: Read) -> Result<Outcome, MirrorError> {
        let (settled, answer) = oneshot::channel();
        self.push(Waiting { read, request: Span::current(), settled })?;
        match answer.await {
            Ok(settled) => settled.map_err(MirrorError::Shared),
            // The writer has panicked or was cut, and its connection is closed.
            Err(_) => Err(MirrorError::Broken),
        }
    }

    pub(crate) fn health(&self) -> QueueHealth {
        let queue = self.queue.lock();
        let full = queue.refused_at.is_some_and(|refused_at| refused_at.elapsed() < COME_BACK);
        QueueHealth { deliveries: queue.waiting.len(), bytes: queue.bytes, full }
    }

    /// Gives up what is being written and what waits. What waits is not stored; what is being written is stored whole or not at
    /// all, and nobody is told that it was.
    pub(crate) async fn cut(&self) {
        {
            let mut queue = self.queue.lock();
            self.cut.cancel();
            queue.waiting.clear();
            queue.bytes = 0;
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Puts a delivery into the queue, and sees to it that somebody will write it.
    fn push(&self, waiting: Waiting) -> Result<(), MirrorError> {
        let mut queue = self.queue.lock();
        if self.cut.is_cancelled() {
            return Err(MirrorError::Broken);
        }
        let size = waiting.read.delivery.body.len();
        if queue.waiting.len() >= MOST_WAITING || queue.bytes.saturating_add(size) > MOST_WAITING_BYTES {
            queue.refused_at = Some(Instant::now());
            metrics::counter!("rowlock_deliveries_refused_total").increment(1);
            return Err(MirrorError::Busy { retry_after: COME_BACK });
        }
        queue.bytes += size;
        queue.waiting.push_back(waiting);
        if queue.on_their_way() == 0 || queue.waiting.len() >= LARGEST_BATCH {
            self.begin_to_write(&mut queue);
        }
        Ok(())
    }

    /// Begins with what waits beside a batch that takes long.
    fn help(&self) {
        self.begin_to_write(&mut self.queue.lock());
    }

    /// One batch more, if something waits and there is a place.
    fn begin_to_write(&self, queue: &mut Queue) {
        let is_place = queue.worked_on < AT_A_TIME && queue.on_their_way() < ON_THEIR_WAY;
        if !is_place || queue.waiting.is_empty() {
            return;
        }
        // There is none when the place of another is dropped with the whole runtime.
        if let Ok(runtime) = Handle::try_current() {
            queue.worked_on += 1;
            let (ingest, cut) = (self.clone(), self.cut.clone());
            self.tasks.spawn_on(async move { cut.run_until_cancelled(ingest.write()).await }, &runtime);
        }
    }

    /// Writes a batch, lets the next one begin, and tells the senders. If it panics, its own senders are told that it was given up.
    async fn write(self) {
        let Some(batch) = self.take() else { return };
        let mut place = Place { ingest: &self, only_the_commit_is_left: false };
        let reads: Vec<&Read> = batch.iter().map(|waiting| &waiting.read).collect();
        metrics::histogram!("rowlock_ingest_batch_size").record(reads.len() as f64);
        let settled = self.helped_if_long(batch::settle(&self.pool, &reads, &mut || place.written())).await;
        drop(place);
        let notes: Vec<Note<'_>> = batch
            .iter()
            .zip(&settled)
            .filter_map(|(Waiting { read, request, .. }, settled)| {
                Some(Note { read, outcome: settled.as_ref().ok()?, request })
            })
            .collect();
        notes::note(&notes);
        for (waiting, settled) in batch.into_iter().zip(settled) {
            // A sender that has gone will hear of it with the duplicate.
            let _ = waiting.settled.send(settled);
        }
    }

    /// Waits for a batch, and sees to it that nobody waits behind it for long.
    async fn helped_if_long<T>(&self, batch: impl Future<Output = T>) -> T {
        let mut batch = pin!(batch);
        loop {
            match tokio::time::timeout(LONG, &mut batch).await {
                Ok(done) => return done,
                Err(_) => self.help(),
            }
        }
    }

    /// The next batch, oldest first; when nothing waits, its place is given up at the same moment.
    fn take(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue.lock();
        let mut batch: Vec<Waiting> = Vec::new();
        let mut bytes = 0;
        let mut ids = HashSet::new();
        let mut later = Vec::new();
        while batch.len() < LARGEST_BATCH && bytes < LARGEST_BATCH_BYTES {
            let Some(waiting) = queue.waiting.pop_front() else { break };
            // The same delivery twice in one statement is what Postgres refuses; in the next one it is a duplicate.
            if !ids.insert(waiting.read.delivery.id.clone()) {
                later.push(waiting);
                continue;
            }
            bytes += waiting.read.delivery.body.len();
            batch.push(waiting);
        }
        for waiting in later.into_iter().rev() {
            queue.waiting.push_front(waiting);
        }
        queue.bytes -= bytes;
        if batch.is_empty() {
            queue.worked_on -= 1;
            return None;
        }
        Some(batch)
    }
}

/// The place of a batch on its way; with its end, however it ends, the next one begins.
struct Place<'a> {
    ingest: &'a Ingest,
    only_the_commit_is_left: bool,
}

impl Place<'_> {
    /// Only the commit is left: Postgres can work on another.
    fn written(&mut self) {
        if !std::mem::replace(&mut self.only_the_commit_is_left, true) {
            let mut queue = self.ingest.queue.lock();
            queue.worked_on -= 1;
            queue.committing += 1;
            if queue.waiting.len() >= LARGEST_BATCH {
                self.ingest.begin_to_write(&mut queue);
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = self.ingest.queue.lock();
        *if self.only_the_commit_is_left { &mut queue.committing } else { &mut queue.worked_on } -= 1;
        if queue.worked_on == 0 || queue.waiting.len() >= LARGEST_BATCH {
            self.ingest.begin_to_write(&mut queue);
        }
    }
}
