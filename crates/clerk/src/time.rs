//! Time as Clerk counts it.
//!
//! Clerk writes seconds in tokens and webhook headers, milliseconds in API objects. [`Timestamp`] is always milliseconds,
//! and the unit is said where a number enters. Arithmetic saturates: a hostile `exp` or header moves a comparison to the
//! far end of time, it never panics and never wraps around to the other side.
//!
//! The present is asked of a [`Clock`], so that tests and the emulator own it. [`SystemClock`] is the one place of the
//! house that reads the machine's time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// Unix time in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Takes Unix milliseconds, as in Clerk's API objects (`updated_at`).
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Takes Unix seconds, as in tokens (`exp`) and webhook headers (`svix-timestamp`); saturates far outside of history.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Unix milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole Unix seconds, rounded towards the past.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment `duration` later (whole milliseconds, saturating).
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis_of(duration)))
    }

    /// The moment `duration` earlier (whole milliseconds, saturating).
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis_of(duration)))
    }

    /// How long after `earlier` this is; zero when it is before.
    pub fn since(self, earlier: Timestamp) -> Duration {
        if self <= earlier { Duration::ZERO } else { Duration::from_millis(self.0.abs_diff(earlier.0)) }
    }
}

fn millis_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Whoever is asked what time it is.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The present.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// The machine's wall clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is told to take")]
    fn now(&self) -> Timestamp {
        let epoch = Timestamp::from_millis(0);
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => epoch.plus(since),
            Err(before) => epoch.minus(before.duration()),
        }
    }
}

/// A clock that stands still until it is moved: for tests and the emulator's virtual time.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    pub const fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// Moves to `now`, also backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Moves forward; safe from several threads at once, no step is lost.
    pub fn advance(&self, by: Duration) {
        self.0.update(Ordering::SeqCst, Ordering::SeqCst, |now| Timestamp(now).plus(by).0);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Clock, ManualClock, SystemClock, Timestamp};

    #[test]
    fn seconds_and_milliseconds_are_the_same_moment() {
        assert_eq!(Timestamp::from_seconds(1_649_367_553), Timestamp::from_millis(1_649_367_553_000));
        assert_eq!(Timestamp::from_millis(1_999).seconds(), 1);
        assert_eq!(Timestamp::from_millis(-1).seconds(), -1, "rounds towards the past, not towards zero");
    }

    #[test]
    fn the_ends_of_time_hold() {
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        assert_eq!(Timestamp::from_seconds(i64::MAX), last);
        assert_eq!(Timestamp::from_seconds(i64::MIN), first);
        assert_eq!(Timestamp::from_millis(0).plus(Duration::MAX), last);
        assert_eq!(Timestamp::from_millis(-2).minus(Duration::MAX), first);
        assert_eq!(last.since(first), Duration::from_millis(u64::MAX));
        assert_eq!(first.since(last), Duration::ZERO);
    }

    #[test]
    fn it_is_a_bare_number_in_json() {
        let written = serde_json::to_string(&Timestamp::from_millis(1_716_883_200_123)).unwrap();
        assert_eq!(written, "1716883200123");
        assert_eq!(serde_json::from_str::<Timestamp>(&written).unwrap().millis(), 1_716_883_200_123);
    }

    #[test]
    fn the_system_clock_shows_this_century() {
        let start_of_2026 = Timestamp::from_seconds(1_767_225_600);
        assert!(SystemClock.now() > start_of_2026);
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let clock = ManualClock::new(Timestamp::from_seconds(100));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(clock.now(), Timestamp::from_millis(101_500));
        clock.set(Timestamp::from_seconds(1));
        assert_eq!(clock.now(), Timestamp::from_seconds(1));
    }

    #[test]
    fn no_step_of_a_shared_clock_is_lost() {
        let clock = ManualClock::new(Timestamp::from_millis(0));
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| (0..1_000).for_each(|_| clock.advance(Duration::from_millis(1))));
            }
        });
        assert_eq!(clock.now().millis(), 4_000);
    }

    proptest! {
        #[test]
        fn since_undoes_plus(start in -(1i64 << 60)..(1 << 60), step in 0u64..(1 << 60)) {
            let start = Timestamp::from_millis(start);
            let step = Duration::from_millis(step);
            prop_assert_eq!(start.plus(step).since(start), step);
            prop_assert_eq!(start.plus(step).minus(step), start);
        }

        #[test]
        fn no_arithmetic_panics_or_turns_around(a: i64, b: i64, step: Duration) {
            let (a, b) = (Timestamp::from_millis(a), Timestamp::from_seconds(b));
            prop_assert!(a.plus(step) >= a);
            prop_assert!(a.minus(step) <= a);
            prop_assert_eq!(a.since(b) > Duration::ZERO, a > b);
            prop_assert!(a.seconds() <= a.millis() || a.millis() < 0);
        }
    }
}
