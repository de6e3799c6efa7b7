//! How often Clerk is asked.
//!
//! Clerk counts the requests of an instance over ten seconds, whoever makes them, and answers 429 to the rest. What we may
//! use of that is spread evenly: a small burst, then one request after another. Burst and rate together stay below the
//! limit in *every* ten seconds, wherever Clerk begins to count, and use 96 % of it.
//!
//! A 429 that comes all the same (others ask, too) closes the gate for all clones of a client, until Clerk has said.

use std::num::NonZeroU32;
use std::time::Duration;

use clerk::Environment;
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;
use tokio::time::Instant;

/// Clerk counts requests over so long.
pub const RATE_WINDOW: Duration = Duration::from_secs(10);
/// Clerk's documented limits of an instance, in requests per window ("System limits").
const PRODUCTION: NonZeroU32 = NonZeroU32::new(1000).expect("it is not 0");
const DEVELOPMENT: NonZeroU32 = NonZeroU32::new(100).expect("it is not 0");
/// The part of the limit that is let through at once.
const BURST: u32 = 25;

/// How many requests may be sent in ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestRate(Option<NonZeroU32>);

impl RequestRate {
    /// What Clerk documents for instances of this environment.
    pub const fn documented(environment: Environment) -> Self {
        match environment {
            Environment::Production => Self(Some(PRODUCTION)),
            Environment::Development => Self(Some(DEVELOPMENT)),
        }
    }

    /// So many in every ten seconds.
    pub const fn per_ten_seconds(requests: NonZeroU32) -> Self {
        Self(Some(requests))
    }

    /// Half of this, for whoever shares the limit with an application of the same instance.
    #[must_use]
    pub fn halved(self) -> Self {
        Self(self.0.map(|requests| NonZeroU32::new(requests.get() / 2).unwrap_or(NonZeroU32::MIN)))
    }

    /// As fast as answers come: for an emulator of one's own, never for Clerk.
    pub const fn unlimited() -> Self {
        Self(None)
    }
}

/// The gate that every request of a client passes.
#[derive(Debug)]
pub(crate) struct Gate {
    limiter: Option<RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<std::time::Instant>>>,
    /// Nobody passes before.
    closed_until: Mutex<Option<Instant>>,
}

impl Gate {
    pub(crate) fn new(RequestRate(rate): RequestRate) -> Self {
        let limiter = rate.map(|limit| RateLimiter::direct_with_clock(quota(limit), MonotonicClock));
        Self { limiter, closed_until: Mutex::new(None) }
    }

    /// Waits until one more request may be sent.
    pub(crate) async fn pass(&self) {
        loop {
            let closed_until = *self.closed_until.lock();
            if let Some(opens) = closed_until.filter(|opens| *opens > Instant::now()) {
                tokio::time::sleep_until(opens).await;
                continue;
            }
            let Some(Err(too_early)) = self.limiter.as_ref().map(RateLimiter::check) else { return };
            tokio::time::sleep(too_early.wait_time_from(MonotonicClock.now())).await;
        }
    }

    /// Lets nobody pass for a while.
    pub(crate) fn close_for(&self, pause: Duration) {
        let opens = Instant::now() + pause;
        let mut closed_until = self.closed_until.lock();
        *closed_until = Some(closed_until.map_or(opens, |known| known.max(opens)));
    }
}

fn quota(limit: NonZeroU32) -> Quota {
    let burst = NonZeroU32::MIN.max(NonZeroU32::new(limit.get() / BURST).unwrap_or(NonZeroU32::MIN));
    let steady = (limit.get() - burst.get()).max(1);
    Quota::with_period(RATE_WINDOW / steady).expect("no limit is so high that the pause is nothing").allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    /// When the first `count` requests of somebody in a hurry pass.
    fn passes(limit: u32, count: usize) -> Vec<Duration> {
        let clock = FakeRelativeClock::default();
        let limiter = RateLimiter::direct_with_clock(quota(NonZeroU32::new(limit).unwrap()), clock.clone());
        let (mut now, mut passed) = (Duration::ZERO, Vec::new());
        while passed.len() < count {
            match limiter.check() {
                Ok(()) => passed.push(now),
                Err(early) => {
                    let wait = early.wait_time_from(clock.now());
                    clock.advance(wait);
                    now += wait;
                }
            }
        }
        passed
    }

    #[test]
    fn no_ten_seconds_hold_more_than_the_limit_and_it_is_used() {
        for limit in [1, 2, 10, 100, 1000] {
            let passed = passes(limit, 5 * limit as usize);
            let most = passed.iter().map(|start| {
                let end = *start + RATE_WINDOW;
                passed.iter().filter(|at| *at >= start && **at < end).count()
            });
            assert!(most.max().unwrap() <= limit as usize, "limit {limit}");
            let used = passed.len() as f64 / (passed.last().unwrap().as_secs_f64() / 10.0) / f64::from(limit);
            assert!(limit < 100 || used >= 0.95, "limit {limit}: {used}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_opens_when_the_longest_pause_is_over() {
        let gate = Gate::new(RequestRate::unlimited());
        gate.pass().await;
        let began = Instant::now();
        gate.close_for(Duration::from_secs(7));
        gate.close_for(Duration::from_secs(2));
        gate.pass().await;
        assert_eq!(began.elapsed(), Duration::from_secs(7));
    }
}
