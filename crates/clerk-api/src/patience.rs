//! What is asked again when Clerk does not answer, and after how long.
//!
//! Whoever has a queue of their own asks once, and takes the error for an answer. A walk through a hundred thousand objects
//! has none: an answer that is missing there would mean to begin anew. So it asks again after trouble that passes: no
//! answer, an answer of 5xx, a rate limit. What Clerk refuses stays refused.

use std::time::Duration;

use reqwest::StatusCode;

use crate::ApiError;

/// Attempts before trouble counts as an outage; with the pauses below that is about two minutes.
const ATTEMPTS: u32 = 8;
/// Clerk saying "later" is no trouble, as long as it ends one day.
const TIMES_LIMITED: u32 = 60;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often one question was asked in vain.
#[derive(Debug)]
pub(crate) struct Patience {
    patient: bool,
    failed: u32,
    limited: u32,
}

impl Patience {
    pub(crate) const fn new(patient: bool) -> Self {
        Self { patient, failed: 0, limited: 0 }
    }

    /// How long to wait before asking again; none when the error is the answer.
    pub(crate) fn after(&mut self, error: &ApiError) -> Option<Duration> {
        if !self.patient {
            return None;
        }
        match error {
            ApiError::RateLimited { .. } => {
                self.limited += 1;
                // The gate is closed for as long as Clerk said.
                (self.limited < TIMES_LIMITED).then_some(Duration::ZERO)
            }
            ApiError::Unreachable { .. } => self.next(),
            // What is not there will not be there in a minute.
            ApiError::Status { status: StatusCode::NOT_IMPLEMENTED, .. } => None,
            ApiError::Status { status, .. } if status.is_server_error() => self.next(),
            _ => None,
        }
    }

    fn next(&mut self) -> Option<Duration> {
        self.failed += 1;
        (self.failed < ATTEMPTS).then(|| pause(self.failed).mul_f64(rand::random_range(0.5..=1.0)))
    }
}

fn pause(failed: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << (failed - 1).min(16)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: StatusCode) -> ApiError {
        ApiError::Status { status, path: "/v1/users".to_owned(), code: None }
    }

    #[test]
    fn trouble_is_met_with_growing_pauses_up_to_a_limit() {
        assert_eq!([1, 2, 3, 7, 8].map(|failed| pause(failed).as_millis()), [500, 1000, 2000, 30_000, 30_000]);
        let mut patience = Patience::new(true);
        let pauses = std::iter::from_fn(|| patience.after(&status(StatusCode::BAD_GATEWAY))).count();
        assert_eq!(pauses, 7);
    }

    #[test]
    fn a_refusal_is_an_answer() {
        for refused in [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::BAD_REQUEST, StatusCode::NOT_IMPLEMENTED] {
            assert_eq!(Patience::new(true).after(&status(refused)), None);
        }
        assert_eq!(Patience::new(true).after(&ApiError::Unauthorized(StatusCode::FORBIDDEN)), None);
    }

    #[test]
    fn whoever_has_a_queue_of_their_own_asks_once() {
        assert_eq!(Patience::new(false).after(&status(StatusCode::BAD_GATEWAY)), None);
        let limited = ApiError::RateLimited { retry_after: Duration::from_secs(1) };
        assert_eq!(Patience::new(false).after(&limited), None);
        assert_eq!(Patience::new(true).after(&limited), Some(Duration::ZERO));
    }
}
