//! The one task that delivers: takes what is due, sends it, takes down the answer.
//!
//! At most [`CONCURRENCY`] attempts are on their way at once. Waiting is done on the monotonic clock of the runtime, so
//! a clock that a test holds still does not stop retries; what is signed and shown is the time of the instance.

use std::{sync::Arc, time::Duration};

use clerk::{SigningSecret, Timestamp};
use parking_lot::Mutex;
use reqwest::{
    Client,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT},
    redirect,
};
use tokio::{sync::Notify, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Attempt, Control, Dispatch, Outbox, Outcome};
use crate::{clock::ShiftedClock, reasons::Reasons};

const CONCURRENCY: usize = 16;
/// How much of an answer is kept for people to read.
const KEPT_ANSWER: usize = 1024;
/// How long attempts that are on their way may take to finish when the instance stops.
const DRAIN: Duration = Duration::from_secs(5);
const SENDER_NAME: &str = "Svix-Webhooks/1.84.0 (emulated by Rowlock)";

#[derive(Debug, Clone, Copy)]
pub(crate) struct SenderSettings {
    /// How long a receiver may take to answer.
    pub(crate) timeout: Duration,
}

/// Owns the outbox's clock and its HTTP client.
#[derive(Debug)]
pub(crate) struct Sender {
    outbox: Mutex<Outbox>,
    /// Set whenever the outbox may have more to do than the task knows.
    changed: Notify,
    /// Told after every attempt, for whoever waits until all is settled.
    progressed: Notify,
    client: Client,
    clock: Arc<ShiftedClock>,
    started: (Timestamp, Instant),
    /// How far the clock was ahead then.
    shift_before: Duration,
    /// Heard by whoever keeps the state file.
    dirty: Arc<Notify>,
}

impl Sender {
    pub(crate) fn new(
        outbox: Outbox,
        settings: SenderSettings,
        clock: Arc<ShiftedClock>,
        dirty: Arc<Notify>,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .timeout(settings.timeout)
            .redirect(redirect::Policy::none())
            // A proxy from the environment must not see, and cannot reach, receivers on this machine.
            .no_proxy()
            .build()?;
        let started = (clock.now(), Instant::now());
        let shift_before = clock.shift();
        Ok(Self {
            outbox: Mutex::new(outbox),
            changed: Notify::new(),
            progressed: Notify::new(),
            client,
            clock,
            started,
            shift_before,
            dirty,
        })
    }

    /// Runs `work` on the outbox and wakes the task.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Outbox) -> T) -> T {
        let result = work(&mut self.outbox.lock());
        self.changed.notify_one();
        self.progressed.notify_waiters();
        self.dirty.notify_one();
        result
    }

    pub(crate) fn read<T>(&self, work: impl FnOnce(&Outbox) -> T) -> T {
        work(&self.outbox.lock())
    }

    /// The time on the axis that waits are measured on: the clock at the start, moved on by the runtime's clock and by
    /// whoever moves the time of the instance.
    pub(crate) fn now(&self) -> Timestamp {
        let (clock, instant) = self.started;
        clock.plus(instant.elapsed()).plus(self.clock.shift().saturating_sub(self.shift_before))
    }

    /// Makes the task look again, because time has moved.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Waits until nothing is on its way and nothing is due.
    pub(crate) async fn settled(&self) {
        loop {
            let progressed = self.progressed.notified();
            tokio::pin!(progressed);
            progressed.as_mut().enable();
            if self.read(Outbox::is_settled) {
                return;
            }
            progressed.await;
        }
    }

    /// Delivers until cancelled, then lets what is on its way finish for a while.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut in_flight: JoinSet<()> = JoinSet::new();
        loop {
            let due = self.outbox.lock().take_due(self.now(), CONCURRENCY - in_flight.len());
            for dispatch in due {
                in_flight.spawn(Arc::clone(&self).attempt(dispatch));
            }
            let wake = self.read(Outbox::next_wake).map(|wake| self.instant(wake));
            let busy = in_flight.len() == CONCURRENCY;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(finished) = in_flight.join_next() => {
                    if let Err(error) = finished {
                        tracing::error!(%error, "a webhook attempt ended without an outcome");
                    }
                }
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() && !busy => {}
            }
        }
        let drained = tokio::time::timeout(DRAIN, async { while in_flight.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!(attempts = in_flight.len(), "webhook attempts were cut off");
        }
    }

    fn instant(&self, time: Timestamp) -> Instant {
        Instant::now() + time.since(self.now())
    }

    async fn attempt(self: Arc<Self>, dispatch: Dispatch) {
        let at = self.clock.now();
        let started = Instant::now();
        let outcome = self.send(&dispatch, at).await;
        let attempt = Attempt::of(&outcome, dispatch.trigger, at, started.elapsed());
        tracing::debug!(
            message.id = %dispatch.message_id,
            endpoint.id = dispatch.endpoint_id,
            status = attempt.status,
            detail = attempt.detail,
            "webhook attempt",
        );
        let jitter = rand::random_range(-1.0..=1.0);
        let now = self.now();
        self.with(|outbox| outbox.record(&dispatch, &outcome, attempt, jitter, now));
    }

    async fn send(&self, dispatch: &Dispatch, at: Timestamp) -> Outcome {
        let sign = |secret: &SigningSecret| secret.sign(&dispatch.message_id, at.seconds(), &dispatch.body);
        let previous = dispatch.previous_secret.iter().filter(|(_, until)| *until > at).map(|(secret, _)| sign(secret));
        let signature = std::iter::once(sign(&dispatch.secret)).chain(previous).collect::<Vec<_>>().join(" ");
        let request = self
            .client
            .post(&dispatch.url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, SENDER_NAME)
            .header("svix-id", dispatch.message_id.as_str())
            .header("svix-timestamp", at.seconds().to_string())
            .header("svix-signature", signature)
            .body(dispatch.body.clone());
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_timeout() => return Outcome::TimedOut,
            Err(error) => return Outcome::Unreachable(Reasons(&error).to_string()),
        };
        let mut body = Vec::new();
        while body.len() < KEPT_ANSWER {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if error.is_timeout() => return Outcome::TimedOut,
                Err(error) => return Outcome::Unreachable(Reasons(&error).to_string()),
            }
        }
        body.truncate(KEPT_ANSWER);
        Outcome::Answered {
            status: response.status().as_u16(),
            retry_after: header(response.headers(), RETRY_AFTER.as_str()).and_then(retry_after),
            control: header(response.headers(), "webhook-delivery").and_then(Control::parse),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Seconds; the date form of the header is not understood, as little as Svix does.
fn retry_after(header: &str) -> Option<Duration> {
    header.trim().parse().ok().map(Duration::from_secs)
}
