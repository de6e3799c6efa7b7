//! When a failed delivery is tried again.
//!
//! Svix (<https://docs.svix.com/retries>): immediately, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h after the
//! failure before. Each wait is jittered by up to a fifth. A receiver that is busy (429) or slow (timeout) is left alone
//! for at least a minute, and `Retry-After` counts within once and twice the wait that the schedule has anyway.

use std::time::Duration;

use super::attempt::Outcome;

/// Waits before the attempts after the first one.
const WAITS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(10 * 3600),
    Duration::from_secs(10 * 3600),
];
const JITTER: f64 = 0.2;
const BUSY_MINIMUM: Duration = Duration::from_secs(60);

/// How long to wait after the `failures`-th failure in a row, or `None` when that was the last attempt. `jitter` is
/// between -1 and 1.
pub(crate) fn wait_after(failures: usize, outcome: &Outcome, jitter: f64) -> Option<Duration> {
    let scheduled = *WAITS.get(failures.checked_sub(1)?)?;
    let mut wait = scheduled.mul_f64(1.0 + JITTER * jitter.clamp(-1.0, 1.0));
    if outcome.is_busy() {
        wait = wait.max(BUSY_MINIMUM);
    }
    match outcome.retry_after() {
        Some(asked) => Some(asked.clamp(wait, wait * 2)),
        None => Some(wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<u64>) -> Outcome {
        Outcome::Answered {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            control: None,
            body: String::new(),
        }
    }

    #[test]
    fn the_schedule_is_the_published_one() {
        let refused = answered(500, None);
        let waits: Vec<u64> =
            (1..).map_while(|failures| wait_after(failures, &refused, 0.0)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
        assert_eq!(waits.iter().sum::<u64>(), 99_305, "about 27 hours and 35 minutes");
        assert_eq!(wait_after(0, &refused, 0.0), None);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        let refused = answered(500, None);
        assert_eq!(wait_after(2, &refused, -1.0), Some(Duration::from_secs(240)));
        assert_eq!(wait_after(2, &refused, 1.0), Some(Duration::from_secs(360)));
        assert_eq!(wait_after(2, &refused, 7.0), Some(Duration::from_secs(360)));
    }

    #[test]
    fn the_busy_and_the_slow_get_a_minute() {
        for outcome in [answered(429, None), Outcome::TimedOut] {
            assert_eq!(wait_after(1, &outcome, 0.0), Some(Duration::from_secs(60)));
            assert_eq!(wait_after(2, &outcome, 0.0), Some(Duration::from_secs(300)));
        }
    }

    #[test]
    fn retry_after_counts_between_once_and_twice_the_wait() {
        for (asked, expected) in [(1, 300), (400, 400), (3600, 600)] {
            assert_eq!(wait_after(2, &answered(503, Some(asked)), 0.0), Some(Duration::from_secs(expected)), "{asked}");
        }
    }
}
