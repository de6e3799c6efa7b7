//! How the parts of the server do, looked at once for everybody who asks.
//!
//! A part that does not answer is the lesser trouble: everybody notices. A mirror that nothing reaches any more answers as quickly as
//! ever, and is wrong. So time that passes without anything happening counts as trouble, too (`[mirror]` in the configuration).
//!
//! Anybody may ask, and to look costs two database connections for a moment. So a look is good for [`FRESH`], whoever
//! asks meanwhile waits for the one under way, and none takes longer than [`PATIENCE`]: a flood of health checks is a
//! query a second, and a part that hangs is found out before a load balancer gives up.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mirror::{Arrival, InboxHealth, Questions, QueueHealth};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::Services;
use crate::config::MirrorPatience;
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
    /// Whether webhooks arrive.
    pub(crate) webhooks: Arrival,
    /// How much waits for the database.
    pub(crate) queue: QueueHealth,
    /// Why the mirror may not be what Clerk is, although everything answers.
    pub(crate) stalls: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct SigningKeys {
    pub(crate) age: Duration,
    /// Whether the last try to refresh them went well.
    pub(crate) refreshed: bool,
}

impl Report {
    /// Whether this server can do its work: deliveries can be stored and tokens can be checked.
    pub(crate) fn is_ready(&self) -> bool {
        self.inbox.is_some() && self.client_login && self.signing_keys.is_some()
    }

    /// Whether, beyond that, the mirror is what Clerk is: nothing stands still, and webhooks arrive. No other server would do
    /// better, so this is for whoever wakes a person and not for whoever chooses a server.
    pub(crate) fn is_well(&self) -> bool {
        let arrives = !matches!(self.webhooks, Arrival::Stalled { .. });
        self.is_ready() && self.stalls.is_empty() && arrives
    }
}

/// Everything answers, and still nothing moves: what only the time that has passed can tell.
fn stalls(inbox: &InboxHealth, queue: QueueHealth, patience: &MirrorPatience) -> Vec<String> {
    let too_long = |seconds: Option<i64>, patience: Option<Duration>| {
        let passed = Duration::from_secs(u64::try_from(seconds?).ok()?);
        (passed >= patience?).then_some(passed.as_secs() / 60)
    };
    let silent = too_long(inbox.silent_for_seconds, patience.silence)
        .map(|minutes| format!("no delivery has come for {minutes} min"));
    let stalled = too_long(inbox.overdue_for_seconds, patience.stalled)
        .map(|minutes| format!("a delivery is due and was not tried again for {minutes} min: the worker stands still"));
    let failing = too_long(inbox.failing_for_seconds, patience.failing)
        .map(|minutes| format!("a delivery has been failing for {minutes} min"));
    let full = queue.full.then(|| "more deliveries come than the database takes: senders are sent away".to_owned());
    [silent, stalled, failing, full].into_iter().flatten().collect()
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
        let keys = self.verifier.verifier().keys();
        // Keys that are not there are fetched by this, and not only by the next token: a load balancer that waits for
        // good health sends none.
        let (inbox, client_login, signing_keys) = tokio::join!(
            answered(self.mirror.health(), cause::of_mirror),
            answered(self.clients.try_connect(), cause::of_database),
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
        let (inbox, queue) = (inbox.ok(), self.mirror.queue());
        let stalls = inbox.as_ref().map(|inbox| stalls(inbox, queue, &self.patience));
        let stalls = stalls.unwrap_or_default();
        for problem in &stalls {
            tracing::error!(part = "mirror", error = problem.as_str(), "unhealthy");
        }
        let signing_keys = signing_keys.ok().and_then(|()| keys.health());
        Report {
            inbox,
            queue,
            stalls,
            client_login: client_login.is_ok(),
            webhooks: self.arrival.last(),
            signing_keys: signing_keys.map(|(age, problem)| SigningKeys { age, refreshed: problem.is_none() }),
        }
    }
}

/// Questions to the database that only `/metrics` asks.
#[derive(Default)]
pub(crate) struct LastQuestions(Mutex<Option<(Instant, Option<Arc<Questions>>)>>);

impl Services {
    /// What waits for Clerk's word, at most [`FRESH`] ago; none when the database does not say.
    pub(crate) async fn questions(&self) -> Option<Arc<Questions>> {
        let mut last = self.last_questions.0.lock().await;
        if let Some((at, questions)) = &*last
            && at.elapsed() < FRESH
        {
            return questions.clone();
        }
        let questions = answered(self.mirror.questions(), cause::of_mirror).await.ok().map(Arc::new);
        *last = Some((Instant::now(), questions.clone()));
        questions
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

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: QueueHealth = QueueHealth { deliveries: 0, bytes: 0, full: false };

    fn inbox(silent: Option<i64>, overdue: Option<i64>, failing: Option<i64>) -> InboxHealth {
        InboxHealth {
            failed: 0,
            dead: 0,
            last_received_at: None,
            silent_for_seconds: silent,
            overdue_for_seconds: overdue,
            failing_for_seconds: failing,
        }
    }

    fn patience(minutes: u64) -> MirrorPatience {
        let some = Some(Duration::from_secs(60 * minutes));
        MirrorPatience { silence: some, stalled: some, failing: some }
    }

    #[test]
    fn time_that_passes_is_trouble_when_somebody_said_so() {
        let hour = inbox(Some(3600), Some(3600), Some(3600));
        assert_eq!(stalls(&hour, CALM, &patience(60)).len(), 3);
        assert_eq!(stalls(&hour, CALM, &patience(61)), Vec::<String>::new());
        assert_eq!(stalls(&hour, CALM, &MirrorPatience::default()), Vec::<String>::new());
        // Before the first delivery there is no silence.
        assert_eq!(stalls(&inbox(None, None, None), CALM, &patience(1)), Vec::<String>::new());
    }

    #[test]
    fn a_full_queue_is_trouble_at_once() {
        let full = QueueHealth { full: true, ..CALM };
        assert_eq!(stalls(&inbox(None, None, None), full, &MirrorPatience::default()).len(), 1);
    }

    #[test]
    fn a_mirror_that_nothing_reaches_is_unwell_and_ready() {
        let mut report = Report {
            inbox: Some(inbox(None, None, None)),
            client_login: true,
            signing_keys: Some(SigningKeys { age: Duration::ZERO, refreshed: true }),
            webhooks: Arrival::Unknown,
            queue: CALM,
            stalls: Vec::new(),
        };
        assert!(report.is_well() && report.is_ready());
        report.webhooks = Arrival::Stalled { user_id: "user_ada".to_owned(), created_at: None };
        assert!(!report.is_well() && report.is_ready());
        report.webhooks = Arrival::Arrives;
        report.stalls.push("no delivery has come for 60 min".to_owned());
        assert!(!report.is_well() && report.is_ready());
        report.client_login = false;
        assert!(!report.is_ready());
    }
}
