//! A connection that hears what others notify.
//!
//! Whoever keeps something in memory because a notification would tell when it is no longer true has to know that the
//! connection still stands: a notification that does not come and a connection that is gone look the same. So a listener
//! asks the server every [`PROBE`] whether it is there, over the very connection that notifications come on, and every
//! [`Heard`] is a proof that all notifications committed before it have been given out. An error is the end of the
//! listener; a new one has missed what was notified in between.
//!
//! `listen` is a matter of one session, so a pooler in transaction mode cannot carry it.

use std::future::poll_fn;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::identifier::quote_identifier;
use crate::pool::CONNECT_TIMEOUT;
use crate::{Error, Pool};

/// How often a silent connection is asked whether it is there.
const PROBE: Duration = Duration::from_secs(3);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Notifications that wait to be taken; behind them the connection is not read further.
const WAITING: usize = 256;

/// One sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Somebody notified with this payload.
    Notification(String),
    /// Nobody did, and the connection stands.
    Silence,
}

/// A subscription to one channel, on a connection of its own.
#[derive(Debug)]
pub struct Listener {
    client: Client,
    notifications: mpsc::Receiver<String>,
    /// Reads the connection until this listener is dropped.
    _reading: JoinSet<()>,
    next_probe: Instant,
}

impl Listener {
    /// Connects as `pool` does, and listens on `channel`. Once this returns, nothing that is notified is missed.
    ///
    /// # Errors
    /// [`Error::Connect`] when Postgres refuses or is away, [`Error::Busy`] when it takes too long.
    pub async fn connect(pool: &Pool, channel: &str) -> Result<Self, Error> {
        let connected = async {
            let mut config = pool.url().config().clone();
            config.connect_timeout(CONNECT_TIMEOUT).application_name("rowlock listener");
            let listener = match pool.encryption() {
                None => config.connect(NoTls).await.map(Self::reading),
                Some(connector) => config.connect(connector.clone()).await.map(Self::reading),
            };
            let listener = listener.map_err(Error::Connect)?;
            let listen = format!("listen {}", quote_identifier(channel));
            listener.client.batch_execute(&listen).await.map_err(Error::Statement)?;
            Ok(listener)
        };
        timeout(CONNECT_TIMEOUT, connected).await.unwrap_or(Err(Error::Busy { waited: CONNECT_TIMEOUT }))
    }

    fn reading<S, T>((client, mut connection): (Client, tokio_postgres::Connection<S, T>)) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, notifications) = mpsc::channel(WAITING);
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            // An error ends the connection, and with it the client: the next probe tells.
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(notification) = message
                    && sender.send(notification.payload().to_owned()).await.is_err()
                {
                    return;
                }
            }
        });
        Self { client, notifications, _reading: reading, next_probe: Instant::now() + PROBE }
    }

    /// What has been notified by now besides, without waiting.
    pub fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.notifications.try_recv().ok()).collect()
    }

    /// Waits for the next sign of life; never longer than a probe takes. May be dropped while it waits.
    ///
    /// # Errors
    /// The connection is gone or does not answer: this listener hears nothing any more.
    pub async fn next(&mut self) -> Result<Heard, Error> {
        // Otherwise it was quiet for a while; or nobody reads any more, and the probe says why.
        if let Ok(Some(payload)) = timeout_at(self.next_probe, self.notifications.recv()).await {
            return Ok(Heard::Notification(payload));
        }
        match timeout(PATIENCE, self.client.batch_execute("")).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Error::Statement(error)),
            Err(_) => return Err(Error::Busy { waited: PATIENCE }),
        }
        self.next_probe = Instant::now() + PROBE;
        // What was notified before the server answered has been read before the answer was.
        Ok(self.notifications.try_recv().map_or(Heard::Silence, Heard::Notification))
    }
}
