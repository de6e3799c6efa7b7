//! How long to leave something alone that has just failed.

use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_secs(5);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// After so many attempts (about 9 hours) a delivery is a dead letter.
pub(crate) const MAX_ATTEMPTS: i32 = 16;

/// What somebody else asks us to wait, within reason.
pub(crate) fn asked_for(pause: Duration) -> Duration {
    pause.min(LONGEST)
}

/// The pause after attempt number `attempts` (from 1): doubling, with ±20 % of jitter so that a crowd does not come back
/// as a crowd.
pub(crate) fn pause(attempts: i32) -> Duration {
    jittered(attempts, rand::random_range(0.8..=1.2))
}

fn jittered(attempts: i32, factor: f64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST).mul_f64(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds: Vec<u64> = [1, 2, 3, 10, 11, i32::MAX].map(|attempts| jittered(attempts, 1.0).as_secs()).to_vec();
        assert_eq!(seconds, [5, 10, 20, 2560, 3600, 3600]);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        for _ in 0..100 {
            let pause = pause(1).as_millis();
            assert!((4000..=6000).contains(&pause), "{pause}");
        }
    }
}
