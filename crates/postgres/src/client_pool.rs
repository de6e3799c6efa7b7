//! The pool for clients: connections that carry flights, with a login that is powerless by itself.
//!
//! What may be done on them is what this crate lets out: a [principal transaction](crate::AsPrincipal), a client's
//! [transaction in full](crate::ClientTransaction), and Rowlock's own questions about the login ([`ClientPool::ask`]).
//!
//! The connection that came back last is given out first: its backend's memory is warm, and those that a quiet hour does not need
//! stay untouched.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool::managed::{self, Metrics, PoolError, QueueMode, RecycleError, RecycleResult};
use tokio_postgres::config::SslMode;

use crate::pool::{CONNECT_TIMEOUT, PoolOptions, PoolStatus};
use crate::tls::{self, TlsError};
use crate::wire::{Landed, Login, Step, Wire};
use crate::{DatabaseUrl, Error, Parameter, Row};

/// A pool of connections for clients' statements. Cheap to clone; the connections close when the last clone is dropped.
#[derive(Clone)]
pub struct ClientPool(Arc<Shared>);

struct Shared {
    connections: managed::Pool<Doorman>,
    url: DatabaseUrl,
    wait: Duration,
    /// How often a caller waited for nothing.
    timeouts: AtomicU64,
    /// Counts the schemas that statements were prepared for.
    schema: AtomicU64,
}

/// Lets connections in, and turns those away that have ended or are too old.
struct Doorman {
    login: Login,
    longest_idle: Duration,
    longest_life: Duration,
}

impl managed::Manager for Doorman {
    type Type = Wire;
    type Error = Error;

    async fn create(&self) -> Result<Wire, Error> {
        // Rare and large: in a box of its own it makes no request's future larger.
        Box::pin(self.login.sign_in()).await
    }

    async fn recycle(&self, wire: &mut Wire, metrics: &Metrics) -> RecycleResult<Error> {
        if metrics.last_used() > self.longest_idle || metrics.age() > self.longest_life {
            return Err(RecycleError::message("the connection has been idle or has lived for long"));
        }
        if wire.has_ended() { Err(RecycleError::message("the connection has ended")) } else { Ok(()) }
    }
}

impl ClientPool {
    /// Prepares a pool; nothing is connected before it is used.
    ///
    /// # Errors
    /// When encryption is asked for and no trust anchors can be had.
    pub fn new(url: &DatabaseUrl, options: &PoolOptions) -> Result<Self, TlsError> {
        let mut config = url.config().clone();
        config.application_name(options.application_name);
        let encryption = if config.get_ssl_mode() == SslMode::Disable {
            None
        } else {
            Some(tls::connector(url.root_certificate().map(std::path::PathBuf::as_path))?)
        };
        // Each host gets its time.
        let patience = CONNECT_TIMEOUT * u32::try_from(config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
        let login = Login { config, encryption };
        let doorman = Doorman { login, longest_idle: options.longest_idle, longest_life: options.longest_life };
        let connections = managed::Pool::builder(doorman)
            .max_size(options.size)
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(options.wait))
            .create_timeout(Some(patience))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .expect("a runtime is given, so timeouts are allowed");
        let (url, wait) = (url.clone(), options.wait);
        Ok(Self(Arc::new(Shared { connections, url, wait, timeouts: AtomicU64::new(0), schema: AtomicU64::new(0) })))
    }

    /// Borrows a connection for one flight or a few.
    ///
    /// # Errors
    /// [`Error::Busy`] when none became free in time; [`Error::Unreachable`] or [`Error::Connect`] when Postgres is away or refuses.
    pub(crate) async fn board(&self) -> Result<Boarded, Error> {
        match self.0.connections.get().await {
            Ok(mut connection) => {
                connection.keep_up_with(self.0.schema.load(Ordering::Acquire));
                Ok(Boarded(Some(connection)))
            }
            Err(PoolError::Backend(error)) => Err(error),
            Err(_) => {
                self.0.timeouts.fetch_add(1, Ordering::Relaxed);
                Err(Error::Busy { waited: self.0.wait })
            }
        }
    }

    /// Makes sure that a connection can be had.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn try_connect(&self) -> Result<(), Error> {
        self.board().await.map(Boarded::leave)
    }

    /// Runs a statement of Rowlock's own as the login itself, which can read what everybody can. Never a client's.
    ///
    /// # Errors
    /// Whatever Postgres says.
    pub async fn ask(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Error> {
        let mut connection = self.board().await?;
        // Without a name: there may be a pooler in transaction mode in between.
        let landed = connection.fly(&[Step { text: statement, parameters, scope: None }]).await?;
        if landed.broken.is_none() {
            connection.leave();
        }
        Ok(landed.all_or_refusal()?.swap_remove(0))
    }

    /// The schema has changed: every connection forgets what it has prepared before it is lent again. Postgres decides the types of
    /// parameters when a statement is prepared, and keeps to them when the column has another one.
    pub fn forget_statements(&self) {
        self.0.schema.fetch_add(1, Ordering::Release);
    }

    /// What the pool is doing at this moment.
    pub fn status(&self) -> PoolStatus {
        PoolStatus::of(self.0.connections.status(), self.0.timeouts.load(Ordering::Relaxed))
    }

    /// Closes the pool: callers that wait, and those that come later, get [`Error::Busy`].
    pub fn close(&self) {
        self.0.connections.close();
    }

    /// Where this pool connects to.
    pub fn url(&self) -> &DatabaseUrl {
        &self.0.url
    }
}

impl fmt::Debug for ClientPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ClientPool").field(&self.0.url).finish()
    }
}

/// A connection on loan. It goes back with [`leave`](Self::leave); dropped before, it is discarded, and what it was doing cancelled:
/// otherwise the next borrower would wait behind it, or find what was left.
pub(crate) struct Boarded(Option<managed::Object<Doorman>>);

impl Boarded {
    pub(crate) async fn fly(&mut self, steps: &[Step<'_>]) -> Result<Landed, Error> {
        self.wire().fly(steps).await
    }

    pub(crate) fn wire(&mut self) -> &mut Wire {
        self.0.as_mut().expect("the connection leaves only with the loan")
    }

    pub(crate) fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Boarded {
    fn drop(&mut self) {
        let Some(connection) = self.0.take() else { return };
        // Taken out of the pool, it is dropped here: its socket closes and nobody waits behind it.
        let mut wire = managed::Object::take(connection);
        if !wire.is_in_flight() {
            return;
        }
        if let (Some(cancel), Ok(runtime)) = (wire.take_cancel(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                if let Err(error) = cancel.send().await {
                    tracing::debug!(error = %error, "cancel request was not accepted");
                }
            });
        }
    }
}
