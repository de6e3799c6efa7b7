//! Rate limits as Clerk publishes them (<https://clerk.com/docs/guides/how-clerk-works/system-limits>).
//!
//! Off unless the options switch them on. A limit counts requests in windows that begin with the first request, on the
//! clock of the instance: a test that moves the clock forward is free again. Who asks too often gets 429 and, in
//! `Retry-After`, the whole seconds until the window is over. The key set has no limit, and neither has the control API.

use std::{collections::HashMap, time::Duration};

use clerk::Timestamp;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

const TEN_SECONDS: u64 = 10;
const HOUR: u64 = 3600;

/// So many requests in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// How many requests a window admits.
    pub requests: u32,
    /// How long a window is.
    pub seconds: u64,
}

/// Every limit of the Backend API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimits {
    /// All requests together.
    pub instance: RateLimit,
    /// Updates of one user, one organization or one membership, metadata included.
    pub updates: RateLimit,
    /// `POST /v1/invitations`.
    pub invitations: RateLimit,
    /// `POST /v1/invitations/bulk`.
    pub bulk_invitations: RateLimit,
    /// `POST /v1/organizations/{id}/invitations`.
    pub organization_invitations: RateLimit,
    /// `POST /v1/organizations/{id}/invitations/bulk`.
    pub bulk_organization_invitations: RateLimit,
}

impl RateLimits {
    /// What an instance with `sk_live_…` has.
    #[must_use]
    pub const fn production() -> Self {
        Self {
            instance: RateLimit { requests: 1000, seconds: TEN_SECONDS },
            updates: RateLimit { requests: 10, seconds: TEN_SECONDS },
            invitations: RateLimit { requests: 100, seconds: HOUR },
            bulk_invitations: RateLimit { requests: 25, seconds: HOUR },
            organization_invitations: RateLimit { requests: 250, seconds: HOUR },
            bulk_organization_invitations: RateLimit { requests: 50, seconds: HOUR },
        }
    }

    /// What an instance with `sk_test_…` has.
    #[must_use]
    pub const fn development() -> Self {
        Self { instance: RateLimit { requests: 100, seconds: TEN_SECONDS }, ..Self::production() }
    }

    /// The limit beside that of the instance, and whom it is counted for.
    fn of(&self, method: &Method, path: &str, parameters: &[(String, String)]) -> Option<(RateLimit, String)> {
        let update = matches!(*method, Method::PATCH | Method::PUT);
        let limit = match path {
            "/v1/users/{user_id}"
            | "/v1/users/{user_id}/metadata"
            | "/v1/organizations/{organization_id}"
            | "/v1/organizations/{organization_id}/metadata"
            | "/v1/organizations/{organization_id}/memberships/{user_id}"
            | "/v1/organizations/{organization_id}/memberships/{user_id}/metadata"
                if update =>
            {
                let ids: Vec<&str> = parameters.iter().map(|(_, id)| id.as_str()).collect();
                return Some((self.updates, ids.join("/")));
            }
            "/v1/invitations" => self.invitations,
            "/v1/invitations/bulk" => self.bulk_invitations,
            "/v1/organizations/{organization_id}/invitations" => self.organization_invitations,
            "/v1/organizations/{organization_id}/invitations/bulk" => self.bulk_organization_invitations,
            _ => return None,
        };
        (*method == Method::POST).then(|| (limit, path.to_owned()))
    }
}

/// Counts requests, when there is something to count for.
#[derive(Debug)]
pub(crate) struct Limiter(Mutex<Counting>);

#[derive(Debug)]
struct Counting {
    limits: Option<RateLimits>,
    windows: HashMap<String, Window>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    ends: Timestamp,
    left: u32,
}

impl Limiter {
    pub(crate) fn new(limits: Option<RateLimits>) -> Self {
        Self(Mutex::new(Counting { limits, windows: HashMap::new() }))
    }

    pub(crate) fn limits(&self) -> Option<RateLimits> {
        self.0.lock().limits
    }

    /// Changes the limits; whatever was counted is forgotten.
    pub(crate) fn set(&self, limits: Option<RateLimits>) {
        *self.0.lock() = Counting { limits, windows: HashMap::new() };
    }

    /// Counts a request that goes to an operation of the table.
    pub(crate) fn admit(
        &self,
        method: &Method,
        path: &str,
        parameters: &[(String, String)],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut counting = self.0.lock();
        let Some(limits) = counting.limits else { return Ok(()) };
        if !path.starts_with("/v1/") || path == "/v1/jwks" {
            return Ok(());
        }
        counting.windows.retain(|_, window| window.ends > now);
        counting.take("instance".to_owned(), limits.instance, now)?;
        match limits.of(method, path, parameters) {
            Some((limit, whose)) => counting.take(whose, limit, now),
            None => Ok(()),
        }
    }
}

impl Counting {
    fn take(&mut self, whose: String, limit: RateLimit, now: Timestamp) -> Result<(), Refusal> {
        let ends = now.plus(Duration::from_secs(limit.seconds));
        let window = self.windows.entry(whose).or_insert(Window { ends, left: limit.requests });
        if window.left == 0 {
            let seconds = window.ends.since(now).as_millis().div_ceil(1000);
            let long = "Too many requests, retry later";
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests", long)
                .with_retry_after(u64::try_from(seconds).unwrap_or(u64::MAX)));
        }
        window.left -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "/v1/users/{user_id}";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn ask(limiter: &Limiter, method: &Method, path: &str, id: &str, now: i64) -> Option<u64> {
        let parameters = [("user_id".to_owned(), id.to_owned())];
        limiter.admit(method, path, &parameters, at(now)).err().and_then(|refusal| refusal.retry_after())
    }

    #[test]
    fn a_window_admits_so_many_and_then_says_when() {
        let limiter = Limiter::new(Some(RateLimits::development()));
        let asked = (0..101).map(|_| ask(&limiter, &Method::GET, "/v1/users", "", 0));
        assert_eq!(asked.last(), Some(Some(10)));
        assert_eq!(ask(&limiter, &Method::GET, "/v1/users", "", 7), Some(3));
        assert_eq!(ask(&limiter, &Method::GET, "/v1/jwks", "", 7), None, "has no limit");
        assert_eq!(ask(&limiter, &Method::GET, "/v1/users", "", 10), None, "another window");
    }

    #[test]
    fn updates_are_counted_for_each_object() {
        let limiter = Limiter::new(Some(RateLimits::production()));
        let asked: Vec<_> = (0..11).map(|_| ask(&limiter, &Method::PATCH, USER, "user_a", 0)).collect();
        assert_eq!((asked[9], asked[10]), (None, Some(10)));
        assert_eq!(ask(&limiter, &Method::PATCH, USER, "user_b", 0), None);
        assert_eq!(ask(&limiter, &Method::GET, USER, "user_a", 0), None, "reading is no update");
    }

    #[test]
    fn nothing_is_counted_unless_asked() {
        let limiter = Limiter::new(None);
        assert!((0..5000).all(|_| ask(&limiter, &Method::GET, "/v1/users", "", 0).is_none()));
        limiter.set(Some(RateLimits { instance: RateLimit { requests: 1, seconds: 1 }, ..RateLimits::production() }));
        assert_eq!(ask(&limiter, &Method::GET, "/v1/users", "", 0), None);
        assert_eq!(ask(&limiter, &Method::GET, "/v1/users", "", 0), Some(1));
    }
}
