//! A bounded pool of connections with one login.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::tls::TlsError;
use crate::{DatabaseUrl, Error, tls};

/// How long connecting to Postgres may take before the caller is told.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How a pool is dimensioned.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// The largest number of connections, each a Postgres backend of 5–10 MB.
    pub size: usize,
    /// How long a caller waits for a free connection before [`Error::Busy`].
    pub wait: Duration,
    /// Shown in `pg_stat_activity`.
    pub application_name: &'static str,
    /// How long a clients' connection may be idle and still be lent. A network in between may have forgotten it without telling anybody,
    /// and then it would be silent under the next statement: AWS forgets after 350 s, Azure after 240 s.
    pub longest_idle: Duration,
    /// How long a clients' connection may live: what its backend has kept in memory goes with it.
    pub longest_life: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            size: 10,
            wait: Duration::from_secs(5),
            application_name: "rowlock",
            longest_idle: Duration::from_secs(180),
            longest_life: Duration::from_secs(30 * 60),
        }
    }
}

/// A pool of connections with one login. Cheap to clone; the connections close when the last clone is dropped.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    connections: deadpool_postgres::Pool,
    url: DatabaseUrl,
    /// What encrypts; none on loopback.
    encryption: Option<MakeRustlsConnect>,
    wait: Duration,
    /// How often a caller waited for nothing.
    timeouts: AtomicU64,
}

/// What a pool is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// The largest number of connections.
    pub most: usize,
    /// Connections that are there.
    pub connections: usize,
    /// Connections that are there and on loan to nobody.
    pub idle: usize,
    /// Callers that wait for one.
    pub waiting: usize,
    /// Callers so far that waited for nothing.
    pub timeouts: u64,
}

impl PoolStatus {
    pub(crate) fn of(found: deadpool::Status, timeouts: u64) -> Self {
        Self { most: found.max_size, connections: found.size, idle: found.available, waiting: found.waiting, timeouts }
    }
}

/// A connection on loan from a [`Pool`]; returns on drop.
pub type Connection = deadpool_postgres::Object;

/// A transaction on such a connection; rolls back on drop.
pub type Transaction<'a> = deadpool_postgres::Transaction<'a>;

impl Pool {
    /// Prepares a pool; nothing is connected before the first [`get`](Self::get).
    ///
    /// # Errors
    /// When encryption is asked for and no trust anchors can be had.
    pub fn new(url: &DatabaseUrl, options: &PoolOptions) -> Result<Self, TlsError> {
        let mut config = url.config().clone();
        config.connect_timeout(CONNECT_TIMEOUT);
        config.application_name(options.application_name);
        // `Fast` asks the driver, not the server: a broken connection is noticed by its own task, and a check
        // statement would cost every request a round trip.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let encryption = if config.get_ssl_mode() == SslMode::Disable {
            None
        } else {
            Some(tls::connector(url.root_certificate().map(std::path::PathBuf::as_path))?)
        };
        let manager = match &encryption {
            None => Manager::from_config(config, NoTls, recycling),
            Some(connector) => Manager::from_config(config, connector.clone(), recycling),
        };
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(options.size)
            .wait_timeout(Some(options.wait))
            // Each host gets its time.
            .create_timeout(Some(
                CONNECT_TIMEOUT * u32::try_from(url.config().get_hosts().len().max(1)).unwrap_or(u32::MAX),
            ))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a runtime is given, so timeouts are allowed");
        Ok(Self(Arc::new(Shared {
            connections,
            url: url.clone(),
            encryption,
            wait: options.wait,
            timeouts: AtomicU64::new(0),
        })))
    }

    /// Borrows a connection.
    ///
    /// # Errors
    /// [`Error::Busy`] when none became free in time, [`Error::Connect`] when Postgres refuses or is away.
    pub async fn get(&self) -> Result<Connection, Error> {
        self.0.connections.get().await.map_err(|error| match error {
            PoolError::Backend(source) => Error::Connect(source),
            _ => {
                self.0.timeouts.fetch_add(1, Ordering::Relaxed);
                Error::Busy { waited: self.0.wait }
            }
        })
    }

    /// What the pool is doing at this moment.
    pub fn status(&self) -> PoolStatus {
        PoolStatus::of(self.0.connections.status(), self.0.timeouts.load(Ordering::Relaxed))
    }

    /// Closes the pool: callers that wait, and those that come later, get [`Error::Busy`].
    pub fn close(&self) {
        self.0.connections.close();
    }

    /// What connections of this pool are encrypted with, if they are.
    pub(crate) fn encryption(&self) -> Option<&MakeRustlsConnect> {
        self.0.encryption.as_ref()
    }

    /// Where this pool connects to.
    pub fn url(&self) -> &DatabaseUrl {
        &self.0.url
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Pool").field(&self.0.url).finish()
    }
}
