//! What there is to count beside requests: how the schema was read, and how busy the connections are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use postgres::{ClientPool, PoolStatus};

/// What there is to count.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// How often the schema was read.
    pub schema_loads: u64,
    /// How often it could not be read.
    pub failed_schema_loads: u64,
    /// How long the last reading took.
    pub last_schema_load: Duration,
    /// The connections that act for clients.
    pub clients: PoolStatus,
}

impl Figures {
    pub(crate) fn of(loads: &SchemaLoads, clients: &ClientPool) -> Self {
        Self {
            schema_loads: loads.done.load(Ordering::Relaxed),
            failed_schema_loads: loads.failed.load(Ordering::Relaxed),
            last_schema_load: Duration::from_micros(loads.last_took.load(Ordering::Relaxed)),
            clients: clients.status(),
        }
    }
}

/// How the schema was read so far.
#[derive(Debug, Default)]
pub(crate) struct SchemaLoads {
    done: AtomicU64,
    failed: AtomicU64,
    /// In microseconds.
    last_took: AtomicU64,
}

impl SchemaLoads {
    /// Counts and times `load`.
    pub(crate) async fn timed<T, E>(&self, load: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let began = Instant::now();
        let loaded = load.await;
        if loaded.is_ok() {
            let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.last_took.store(took, Ordering::Relaxed);
            self.done.fetch_add(1, Ordering::Relaxed);
        } else {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        loaded
    }
}
