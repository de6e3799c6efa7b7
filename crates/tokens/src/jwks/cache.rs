//! The keys of one issuer, kept fresh without ever being in the way.
//!
//! | age of the keys | what happens |
//! |---|---|
//! | below [`FRESH`] | used |
//! | below [`MAX_STALE`] | used at once, refreshed in the background |
//! | beyond | the caller waits for a refresh, and is refused when it fails |
//!
//! A failed refresh keeps the last good keys: an outage at Clerk is not an outage here. A `kid` nobody knows causes one
//! refetch and is then remembered as unknown, so a stream of foreign tokens costs one request and not one each; fetches
//! on suspicion (unknown `kid`, failed signature) are at least [`SUSPICION_INTERVAL`] apart whatever the tokens say.
//! One fetch is under way at a time; everybody else waits for it or goes on with what is there.
//!
//! Clerk names a key by its instance, so a rotated key may keep its `kid`: a signature that fails under keys older than
//! [`SUSPICION_INTERVAL`] is a reason to look again.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use clerk::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{KeySet, KeySource};

/// Clerk's own SDK keeps keys for 5 minutes.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// How long keys outlive the last good fetch: longer than any outage, short enough that a withdrawn key ends.
const MAX_STALE: Duration = Duration::from_secs(72 * 60 * 60);
/// Between two attempts while the source is failing.
const RETRY: Duration = Duration::from_secs(30);
/// Between two fetches that a token, and not the clock, gave the reason for.
const SUSPICION_INTERVAL: Duration = Duration::from_secs(5);
/// How long a `kid` stays unknown before it may cause another fetch.
const UNKNOWN_FOR: Duration = Duration::from_secs(5 * 60);
/// How many unknown ids are remembered; beyond that only [`SUSPICION_INTERVAL`] protects the source.
const MAX_UNKNOWN: usize = 1024;

/// The keys of one issuer. Cheap to clone; clones share the keys.
#[derive(Clone)]
pub struct KeyCache(Arc<Shared>);

struct Shared {
    source: Box<dyn KeySource>,
    clock: Arc<dyn Clock>,
    current: ArcSwapOption<KeySet>,
    /// One permit: one fetch at a time.
    flight: Semaphore,
    attempts: Mutex<Attempts>,
    /// Background refreshes; dropping the cache ends them.
    background: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct Attempts {
    /// When the last fetch began, and how it failed if it did.
    last: Option<(Timestamp, Option<String>)>,
    /// When the last fetch on suspicion began.
    last_suspicion: Option<Timestamp>,
    unknown: HashMap<String, Timestamp>,
}

/// What is known of a key id.
pub(crate) enum Lookup {
    /// The set that holds the key.
    Known(Arc<KeySet>),
    /// The issuer does not have it; the set says what it has.
    Unknown(Arc<KeySet>),
    /// Nobody can say, because there are no keys.
    Unavailable(String),
}

impl KeyCache {
    /// An empty cache; nothing is fetched before the first look-up.
    pub fn new(source: impl KeySource, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared {
            source: Box::new(source),
            clock,
            current: ArcSwapOption::empty(),
            flight: Semaphore::new(1),
            attempts: Mutex::default(),
            background: Mutex::default(),
        }))
    }

    /// Fetches the keys now, so that the first request does not wait and a wrong address shows at start.
    ///
    /// # Errors
    /// Why they could not be had.
    pub async fn warm(&self) -> Result<(), String> {
        self.0.usable().await.map(|_| ())
    }

    /// The age of the keys and the last failure to refresh them, for health reports; none before the first fetch.
    pub fn health(&self) -> Option<(Duration, Option<String>)> {
        let set = self.0.current.load_full()?;
        let failure = self.0.attempts.lock().last.as_ref().and_then(|(_, failure)| failure.clone());
        Some((self.0.clock.now().since(set.fetched_at), failure))
    }

    pub(crate) async fn look_up(&self, key_id: &str) -> Lookup {
        let set = match self.0.usable().await {
            Ok(set) => set,
            Err(reason) => return Lookup::Unavailable(reason),
        };
        if !set.get(key_id).is_empty() {
            self.0.refresh_in_background(&set);
            return Lookup::Known(set);
        }
        if self.0.is_remembered_as_unknown(key_id) {
            return Lookup::Unknown(set);
        }
        match self.0.refetch_on_suspicion(&set).await {
            Some(newer) if !newer.get(key_id).is_empty() => Lookup::Known(newer),
            Some(newer) => {
                self.0.remember_as_unknown(key_id);
                Lookup::Unknown(newer)
            }
            None => Lookup::Unknown(set),
        }
    }

    /// After a signature failed under `seen`: a newer set, if there is one.
    pub(crate) async fn look_again(&self, seen: &KeySet) -> Option<Arc<KeySet>> {
        self.0.refetch_on_suspicion(seen).await
    }
}

impl Shared {
    /// Keys young enough to decide with; waits for them when there are none.
    async fn usable(&self) -> Result<Arc<KeySet>, String> {
        if let Some(set) = self.usable_now() {
            return Ok(set);
        }
        let _permit = self.flight.acquire().await.map_err(|_| "shutting down".to_owned())?;
        // Whoever held the permit before us may have brought them, or found out a moment ago that they cannot be had.
        if let Some(set) = self.usable_now() {
            return Ok(set);
        }
        if let Some(failure) = self.recent_failure() {
            return Err(failure);
        }
        self.fetch().await
    }

    fn usable_now(&self) -> Option<Arc<KeySet>> {
        self.current.load_full().filter(|set| self.age(set) < MAX_STALE)
    }

    fn recent_failure(&self) -> Option<String> {
        let attempts = self.attempts.lock();
        let (at, failure) = attempts.last.as_ref()?;
        let recent = self.clock.now().since(*at) < SUSPICION_INTERVAL;
        failure.clone().filter(|_| recent)
    }

    fn refresh_in_background(self: &Arc<Self>, set: &KeySet) {
        if self.age(set) < FRESH {
            return;
        }
        let tried = self.attempts.lock().last.as_ref().is_some_and(|(at, _)| self.clock.now().since(*at) < RETRY);
        if tried || self.flight.available_permits() == 0 {
            return;
        }
        let shared = Arc::clone(self);
        let mut background = self.background.lock();
        while background.try_join_next().is_some() {}
        background.spawn(async move {
            if let Ok(_permit) = shared.flight.try_acquire()
                && let Err(reason) = shared.fetch().await
            {
                tracing::warn!(reason, "signing keys could not be refreshed; the last good ones stay in use");
            }
        });
    }

    /// A set fetched after `seen` was, if the interval allows a fetch or somebody else made one.
    async fn refetch_on_suspicion(&self, seen: &KeySet) -> Option<Arc<KeySet>> {
        let newer = || self.current.load_full().filter(|set| set.fetched_at > seen.fetched_at);
        let _permit = self.flight.acquire().await.ok()?;
        if let Some(set) = newer() {
            return Some(set);
        }
        let now = self.clock.now();
        {
            let mut attempts = self.attempts.lock();
            let young = now.since(seen.fetched_at) < SUSPICION_INTERVAL;
            let lately = attempts.last_suspicion.is_some_and(|at| now.since(at) < SUSPICION_INTERVAL);
            if young || lately {
                return None;
            }
            attempts.last_suspicion = Some(now);
        }
        self.fetch().await.ok()
    }

    /// Fetches and installs; the caller holds the permit.
    async fn fetch(&self) -> Result<Arc<KeySet>, String> {
        let began = self.clock.now();
        let text = self.source.fetch().await.map_err(|error| error.to_string());
        let parsed = text.and_then(|text| KeySet::parse(&text, began)).map(Arc::new);
        let mut attempts = self.attempts.lock();
        attempts.last = Some((began, parsed.as_ref().err().cloned()));
        if let Ok(set) = &parsed {
            attempts.unknown.retain(|key_id, _| set.get(key_id).is_empty());
            self.current.store(Some(Arc::clone(set)));
        }
        parsed
    }

    fn age(&self, set: &KeySet) -> Duration {
        self.clock.now().since(set.fetched_at)
    }

    fn is_remembered_as_unknown(&self, key_id: &str) -> bool {
        let since = self.attempts.lock().unknown.get(key_id).copied();
        since.is_some_and(|at| self.clock.now().since(at) < UNKNOWN_FOR)
    }

    fn remember_as_unknown(&self, key_id: &str) {
        let now = self.clock.now();
        let mut attempts = self.attempts.lock();
        if attempts.unknown.len() >= MAX_UNKNOWN {
            attempts.unknown.retain(|_, at| now.since(*at) < UNKNOWN_FOR);
        }
        if attempts.unknown.len() < MAX_UNKNOWN {
            attempts.unknown.insert(key_id.to_owned(), now);
        }
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyCache").field("source", &self.0.source).finish_non_exhaustive()
    }
}
