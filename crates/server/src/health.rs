//! How the parts of the server do, looked at once for everybody who asks.
//!
//! Anybody may ask, and to look costs two database connections for a moment. So a look is good for [`FRESH`], whoever
//! asks meanwhile waits for the one under way, and none takes longer than [`PATIENCE`]: a flood of health checks is a
//! query a second, and a part that hangs is found out before a load balancer gives up.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mirror::{Arrival, InboxHealth};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::Services;
use crate::failure::cause;

/// How long a look is news.
const FRESH: Duration = Duration::from_secs(1);
/// How long a part may take to answer; load balancers commonly wait 2 to 5 s.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was found.
#[derive(Debug)]
pub(crate) struct Report {
    /// The inbox, when the database could be asked.
    pub(crate) inbox: Option<InboxHealth>,
    /// Whether there is a connection for clients' statements.
    pub(crate) client_login: bool,
    /// The keys that tokens are checked with, when there are any young enough.
    pub(crate) signing_keys: Option<SigningKeys>,
    /// Whether webhooks arrive. Nothing that another server could do better: it does not count for [`is_well`](Self::is_well).
    pub(crate) webhooks: Arrival,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct SigningKeys {
    pub(crate) age: Duration,
    /// Whether the last try to refresh them went well.
    pub(crate) refreshed: bool,
}

impl Report {
    /// Whether deliveries can be stored and tokens can be checked.
    pub(crate) fn is_well(&self) -> bool {
        self.inbox.is_some() && self.client_login && self.signing_keys.is_some()
    }
}

/// The last look. Whoever holds the lock is looking.
#[derive(Default)]
pub(crate) struct LastLook(Mutex<Option<(Instant, Arc<Report>)>>);

impl Services {
    /// How everything does, at most [`FRESH`] ago.
    pub(crate) async fn report(&self) -> Arc<Report> {
        let mut last = self.last_look.0.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < FRESH
        {
            return Arc::clone(report);
        }
        let report = Arc::new(self.look().await);
        *last = Some((Instant::now(), Arc::clone(&report)));
        report
    }

    async fn look(&self) -> Report {
        let keys = self.verifier.keys();
        // Keys that are not there are fetched by this, and not only by the next token: a load balancer that waits for
        // good health sends none.
        let (inbox, client_login, signing_keys) = tokio::join!(
            answered(self.mirror.health(), cause::of_mirror),
            answered(self.clients.get(), cause::of_database),
            answered(keys.warm(), String::clone),
        );
        for (part, problem) in [
            ("database", inbox.as_ref().err()),
            ("client_login", client_login.as_ref().err()),
            ("signing_keys", signing_keys.as_ref().err()),
        ] {
            if let Some(problem) = problem {
                tracing::error!(part, error = problem.as_str(), "unhealthy");
            }
        }
        let signing_keys = signing_keys.ok().and_then(|()| keys.health());
        Report {
            inbox: inbox.ok(),
            client_login: client_login.is_ok(),
            webhooks: self.arrival.last(),
            signing_keys: signing_keys.map(|(age, problem)| SigningKeys { age, refreshed: problem.is_none() }),
        }
    }
}

/// What a part answers, or why it does not.
async fn answered<T, E>(
    asking: impl Future<Output = Result<T, E>>,
    describe: impl FnOnce(&E) -> String,
) -> Result<T, String> {
    match timeout(PATIENCE, asking).await {
        Ok(answer) => answer.map_err(|error| describe(&error)),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}
