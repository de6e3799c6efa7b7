//! Handshakes: how a server that cannot tell who is there asks the browser's Clerk.
//!
//! The browser is sent here and back again with the cookies it should have: as a nonce, which the server redeems with its
//! secret key, or inside a signed token. A nonce works once and for a minute, and lives in memory only.

use std::{collections::HashMap, time::Duration};

use clerk::Timestamp;

const NONCE_LIFETIME: Duration = Duration::from_secs(60);

/// What has been promised to servers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Handshakes(HashMap<String, Promise>);

#[derive(Debug, Clone)]
struct Promise {
    directives: Vec<String>,
    until: Timestamp,
}

impl Handshakes {
    pub(crate) fn promise(&mut self, nonce: String, directives: Vec<String>, now: Timestamp) {
        self.0.retain(|_, promise| promise.until > now);
        self.0.insert(nonce, Promise { directives, until: now.plus(NONCE_LIFETIME) });
    }

    /// The cookies behind a nonce, once.
    pub(crate) fn redeem(&mut self, nonce: &str, now: Timestamp) -> Option<Vec<String>> {
        self.0.remove(nonce).filter(|promise| promise.until > now).map(|promise| promise.directives)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_works_once_and_not_for_long() {
        let now = Timestamp::from_seconds(1_767_225_600);
        let mut handshakes = Handshakes::default();
        handshakes.promise("one".to_owned(), vec!["a=1".to_owned()], now);
        handshakes.promise("two".to_owned(), vec!["b=2".to_owned()], now);
        assert_eq!(handshakes.redeem("one", now), Some(vec!["a=1".to_owned()]));
        assert_eq!(handshakes.redeem("one", now), None);
        assert_eq!(handshakes.redeem("two", now.plus(NONCE_LIFETIME)), None);
    }
}
