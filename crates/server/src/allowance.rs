//! How often `/rest/v1` may be asked, caller by caller.
//!
//! A caller is a user, a secret key, or an address that nobody in particular calls from; a token or key that is refused counts as its
//! address. Each has a bucket of so many requests, which fills up again within a minute. A caller is remembered as a number made of who
//! they are and of a secret of this process: neither ids nor addresses stay in memory, and nobody can choose whose number theirs is.
//!
//! Memory is bounded: when too many callers are remembered, those whose buckets are full again are forgotten, and if that is nobody,
//! all are. Each gets a fresh bucket then: it takes that many callers in one minute, who could have asked as often by themselves.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

use crate::config::RequestLimits;
use crate::strangers::Stranger;

/// So many callers are remembered: some ten megabytes.
const MANY: usize = 100_000;
/// How often those who may be forgotten are looked for: it takes a few milliseconds.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(1);

/// Who asks.
#[derive(Debug, Hash)]
pub(crate) enum Asking<'a> {
    /// A signed-in user of an issuer.
    User { issuer: &'a str, id: &'a str },
    /// A signed-in user of the application's own making, who is known by the token.
    Token(&'a str),
    /// Whoever has this key.
    Key(&'a str),
    /// Nobody in particular, from here.
    From(Stranger),
}

/// What everybody may ask.
#[derive(Debug)]
pub(crate) struct Allowances {
    users: Option<Allowance>,
    keys: Option<Allowance>,
    anonymous: Option<Allowance>,
    numbers: RandomState,
}

impl Allowances {
    pub(crate) fn new(limits: &RequestLimits) -> Self {
        let allowance = |limit: Option<NonZeroU32>| limit.map(Allowance::new);
        Self {
            users: allowance(limits.user),
            keys: allowance(limits.key),
            anonymous: allowance(limits.anonymous),
            numbers: RandomState::new(),
        }
    }

    /// Whether nobody has a limit.
    pub(crate) fn are_boundless(&self) -> bool {
        self.users.is_none() && self.keys.is_none() && self.anonymous.is_none()
    }

    /// Counts a request, or says how long to wait for the next.
    pub(crate) fn take(&self, asking: &Asking<'_>) -> Result<(), Duration> {
        let allowance = match asking {
            Asking::User { .. } | Asking::Token(_) => &self.users,
            Asking::Key(_) => &self.keys,
            Asking::From(_) => &self.anonymous,
        };
        allowance.as_ref().map_or(Ok(()), |allowance| allowance.take(self.numbers.hash_one(asking)))
    }
}

#[derive(Debug)]
struct Allowance {
    per_minute: NonZeroU32,
    buckets: ArcSwap<DefaultKeyedRateLimiter<u64>>,
    swept: Mutex<Instant>,
}

impl Allowance {
    fn new(per_minute: NonZeroU32) -> Self {
        let swept = Mutex::new(Instant::now());
        Self { per_minute, buckets: ArcSwap::from_pointee(buckets(per_minute)), swept }
    }

    fn take(&self, caller: u64) -> Result<(), Duration> {
        let buckets = self.buckets.load();
        if buckets.len() >= MANY {
            self.make_room(&buckets);
        }
        let clock = DefaultClock::default();
        self.buckets.load().check_key(&caller).map_err(|until| until.wait_time_from(clock.now()))
    }

    fn make_room(&self, buckets: &DefaultKeyedRateLimiter<u64>) {
        let mut swept = self.swept.lock();
        if swept.elapsed() >= BETWEEN_SWEEPS {
            buckets.retain_recent();
            *swept = Instant::now();
        }
        if buckets.len() >= MANY {
            self.buckets.store(std::sync::Arc::new(self::buckets(self.per_minute)));
        }
    }
}

fn buckets(per_minute: NonZeroU32) -> DefaultKeyedRateLimiter<u64> {
    RateLimiter::keyed(Quota::per_minute(per_minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowances(user: u32, key: u32) -> Allowances {
        let limits = RequestLimits { user: NonZeroU32::new(user), key: NonZeroU32::new(key), anonymous: None };
        Allowances::new(&limits)
    }

    fn user(id: &str) -> Asking<'_> {
        Asking::User { issuer: "https://clerk.example.com", id }
    }

    #[test]
    fn each_caller_has_a_bucket_and_learns_when_it_fills() {
        let allowances = allowances(3, 1);
        for _ in 0..3 {
            assert_eq!(allowances.take(&user("ada")), Ok(()));
        }
        let wait = allowances.take(&user("ada")).unwrap_err();
        assert!(wait > Duration::from_secs(15) && wait <= Duration::from_secs(20), "{wait:?}");
        assert_eq!(allowances.take(&user("bob")), Ok(()));
        assert_eq!(allowances.take(&Asking::User { issuer: "https://other.example.com", id: "ada" }), Ok(()));
        // A key that is spelled like a user is another caller.
        assert_eq!(allowances.take(&Asking::Key("ada")), Ok(()));
        assert!(allowances.take(&Asking::Key("ada")).is_err());
    }

    #[test]
    fn without_a_limit_everybody_may() {
        let allowances = allowances(0, 0);
        assert!(allowances.are_boundless());
        assert!((0..1000).all(|_| allowances.take(&user("ada")).is_ok()));
    }

    #[test]
    fn however_many_callers_there_are_memory_is_bounded() {
        let allowance = Allowance::new(NonZeroU32::MIN);
        for caller in 0..3 * MANY as u64 {
            let _ = allowance.take(caller);
            assert!(allowance.buckets.load().len() <= MANY);
        }
    }
}
