//! Key ids that the issuer turned out not to have.
//!
//! Tokens of another instance come in streams: somebody's development build, a neighbour's misconfiguration. Each new id
//! is worth one look at the issuer's keys; the next thousand tokens with it are not.

use std::collections::HashMap;
use std::time::Duration;

use clerk::Timestamp;

use super::lately;

/// How long an id stays unknown before it may cause another fetch. As long as a session token lives: short, because the
/// first token under a new key may overtake the key on its way through the issuer's CDN.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);
/// How many are remembered, of at most 6 KB each for as long as tokens have 8. Beyond that only the interval between
/// fetches protects the source.
const MAX: usize = 1024;

#[derive(Default)]
pub(super) struct UnknownIds(HashMap<String, Timestamp>);

impl UnknownIds {
    pub(super) fn has(&self, key_id: &str, now: Timestamp) -> bool {
        self.0.get(key_id).is_some_and(|since| lately(*since, UNKNOWN_FOR, now))
    }

    pub(super) fn remember(&mut self, key_id: &str, now: Timestamp) {
        if self.0.len() >= MAX {
            self.0.retain(|_, since| lately(*since, UNKNOWN_FOR, now));
        }
        if self.0.len() < MAX {
            self.0.insert(key_id.to_owned(), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_a_thousand_and_the_old_ones_leave() {
        let mut ids = UnknownIds::default();
        let start = Timestamp::from_seconds(1_000);
        for number in 0..2 * MAX {
            ids.remember(&number.to_string(), start);
        }
        assert_eq!(ids.0.len(), MAX);
        assert!(ids.has("0", start), "those that are there stay");
        assert!(!ids.has(&MAX.to_string(), start), "a flood does not push them out");

        let later = start.plus(UNKNOWN_FOR);
        assert!(!ids.has("0", later));
        ids.remember("late", later);
        assert_eq!(ids.0.len(), 1);
        assert!(ids.has("late", later));
    }
}
