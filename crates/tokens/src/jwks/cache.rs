//! The keys of one issuer, kept fresh without ever being in the way.
//!
//! | age of the keys | what happens |
//! |---|---|
//! | below [`FRESH`] | used |
//! | below [`MAX_STALE`] | used at once, refreshed in the background |
//! | beyond | the caller waits for a refresh, and is refused when it fails |
//!
//! A failed refresh keeps the last good keys: an outage at Clerk is not an outage here. A `kid` nobody knows causes one
//! refetch and is then remembered as unknown; Clerk names a key by its instance, so a rotated key may keep its `kid`, and
//! a failed signature is a reason to look again too. Whatever the reasons, fetches are at least [`INTERVAL`] apart.
//!
//! There is at most one flight (a fetch under way), and whoever needs its outcome waits for that one and takes it, good
//! or bad; who comes within the interval after it takes the outcome it had. The flight belongs to the cache and not to
//! the caller who caused it: a stranger who sends a forged token and hangs up neither ends it nor uses up the interval. A
//! good token under keys that are there waits for nothing, and takes no lock unless the keys are stale.
//!
//! Times are read from the wall clock, which may be set back; see [`lately`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use clerk::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::unknown_ids::UnknownIds;
use super::{KeySet, KeySource, lately};

/// Clerk's own SDK keeps keys for 5 minutes.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// How long keys outlive the last good fetch: longer than any outage, short enough that a withdrawn key ends.
const MAX_STALE: Duration = Duration::from_secs(72 * 60 * 60);
/// Between two background refreshes while the source is failing.
const RETRY: Duration = Duration::from_secs(30);
/// Between the end of a fetch and the next one that a token, and not the age of the keys, gives the reason for.
const INTERVAL: Duration = Duration::from_secs(5);

/// The keys of one issuer. Cheap to clone; clones share the keys.
#[derive(Clone)]
pub struct KeyCache(Arc<Owner>);

struct Owner {
    shared: Arc<Shared>,
    flights: Mutex<Flights>,
    unknown: Mutex<UnknownIds>,
}

/// What a flight works with. Its task holds this and not the owner, so that dropping the last clone of the cache ends it.
struct Shared {
    source: Box<dyn KeySource>,
    clock: Arc<dyn Clock>,
    current: ArcSwapOption<KeySet>,
    /// How the last fetch failed, if it did.
    failure: ArcSwapOption<String>,
}

#[derive(Default)]
struct Flights {
    /// The one under way, or the last one.
    last: Option<Flight>,
    tasks: JoinSet<()>,
}

/// The near end of a fetch: nothing until it has ended.
type Flight = watch::Receiver<Option<Landed>>;

#[derive(Clone)]
struct Landed {
    at: Timestamp,
    outcome: Outcome,
}

/// The keys, or why they cannot be had.
type Outcome = Result<Arc<KeySet>, String>;

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
        let (current, failure) = (ArcSwapOption::empty(), ArcSwapOption::empty());
        let shared = Arc::new(Shared { source: Box::new(source), clock, current, failure });
        Self(Arc::new(Owner { shared, flights: Mutex::default(), unknown: Mutex::default() }))
    }

    /// Fetches the keys now, so that the first request does not wait and a wrong address shows at start.
    ///
    /// # Errors
    /// Why they could not be had.
    pub async fn warm(&self) -> Result<(), String> {
        self.usable().await.map(drop)
    }

    /// The age of the keys and the last failure to refresh them, for health reports; none before the first good fetch.
    pub fn health(&self) -> Option<(Duration, Option<String>)> {
        let shared = &self.0.shared;
        let set = shared.current.load_full()?;
        Some((shared.age(&set), shared.failure.load_full().map(|failure| failure.to_string())))
    }

    pub(crate) async fn look_up(&self, key_id: &str) -> Lookup {
        let set = match self.usable().await {
            Ok(set) => set,
            Err(reason) => return Lookup::Unavailable(reason),
        };
        if !set.get(key_id).is_empty() {
            self.refresh_in_background(&set);
            return Lookup::Known(set);
        }
        let Owner { shared, unknown, .. } = &*self.0;
        if unknown.lock().has(key_id, shared.clock.now()) {
            return Lookup::Unknown(set);
        }
        match self.look_again(&set).await {
            Some(newer) if !newer.get(key_id).is_empty() => Lookup::Known(newer),
            Some(newer) => {
                unknown.lock().remember(key_id, shared.clock.now());
                Lookup::Unknown(newer)
            }
            None => Lookup::Unknown(set),
        }
    }

    /// Another set than `seen`, which lacks a key or has one that does not fit a signature, if there is one by now.
    pub(crate) async fn look_again(&self, seen: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        outcome(self.flight(INTERVAL)).await.ok().filter(|set| !Arc::ptr_eq(set, seen))
    }

    /// Keys young enough to decide with; waits for them when there are none.
    async fn usable(&self) -> Outcome {
        let shared = &self.0.shared;
        match shared.current.load_full().filter(|set| shared.age(set) < MAX_STALE) {
            Some(set) => Ok(set),
            None => outcome(self.flight(INTERVAL)).await,
        }
    }

    fn refresh_in_background(&self, set: &KeySet) {
        if !lately(set.fetched_at, FRESH, self.0.shared.clock.now()) {
            drop(self.flight(RETRY));
        }
    }

    /// The flight under way, or the last one if it ended less than `pause` ago, or a new one.
    fn flight(&self, pause: Duration) -> Flight {
        let Owner { shared, flights, .. } = &*self.0;
        let Flights { last, tasks } = &mut *flights.lock();
        if let Some(flight) = last.as_ref().filter(|flight| serves(flight, pause, shared.clock.now())) {
            return flight.clone();
        }
        let (landing, flight) = watch::channel(None);
        while tasks.try_join_next().is_some() {}
        let shared = Arc::clone(shared);
        tasks.spawn(async move {
            let outcome = shared.fetch().await;
            landing.send_replace(Some(Landed { at: shared.clock.now(), outcome }));
        });
        last.insert(flight).clone()
    }
}

fn serves(flight: &Flight, pause: Duration, now: Timestamp) -> bool {
    match &*flight.borrow() {
        Some(landed) => lately(landed.at, pause, now),
        // Its far end is gone when the task broke off, and then it will never land.
        None => flight.has_changed().is_ok(),
    }
}

async fn outcome(mut flight: Flight) -> Outcome {
    match flight.wait_for(Option::is_some).await.map(|landed| landed.clone()) {
        Ok(Some(landed)) => landed.outcome,
        _ => Err("the fetch broke off".to_owned()),
    }
}

impl Shared {
    fn age(&self, set: &KeySet) -> Duration {
        self.clock.now().since(set.fetched_at)
    }

    /// Fetches, and installs what is good.
    async fn fetch(&self) -> Outcome {
        let began = self.clock.now();
        let text = self.source.fetch().await.map_err(|error| error.to_string());
        let outcome = text.and_then(|text| KeySet::parse(&text, began)).map(Arc::new);
        match &outcome {
            Ok(set) => {
                self.current.store(Some(Arc::clone(set)));
                self.failure.store(None);
            }
            Err(reason) => {
                let age = self.current.load().as_ref().map(|set| self.age(set).as_secs());
                tracing::warn!(reason, last_good_seconds_ago = age, "signing keys could not be fetched");
                self.failure.store(Some(Arc::new(reason.clone())));
            }
        }
        outcome
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyCache").field("source", &self.0.shared.source).finish_non_exhaustive()
    }
}
