//! What is said of deliveries that were settled: lines for people, counts for machines; never anything of their content.
//!
//! A delivery that was alone in its transaction has a line. Of a crowd one line says how many they were: an import of a
//! hundred thousand users is no reason to write a hundred thousand lines. What was not applied always has its own.

use clerk::{Clock as _, SystemClock};
use tracing::Span;

use crate::Outcome;
use crate::batch::Read;

/// A delivery, what became of it, and the request that brought it.
pub(crate) struct Note<'a> {
    pub(crate) read: &'a Read,
    pub(crate) outcome: &'a Outcome,
    pub(crate) request: &'a Span,
}

/// Takes down what one transaction has settled.
pub(crate) fn note(notes: &[Note<'_>]) {
    count(notes);
    let alone = notes.len() == 1;
    let each_is_told = alone || tracing::enabled!(tracing::Level::DEBUG);
    for note in notes {
        if each_is_told || note.outcome.reason().is_some() {
            note.request.in_scope(|| note.tell(alone));
        }
    }
    if notes.len() > 1 {
        let of = |wanted: Outcome| notes.iter().filter(|note| *note.outcome == wanted).count();
        let (applied, stale) = (of(Outcome::Applied), of(Outcome::Stale));
        let (duplicate, kept) = (of(Outcome::Duplicate), of(Outcome::Kept));
        tracing::info!(applied, stale, duplicate, kept, "deliveries settled");
    }
}

impl Note<'_> {
    fn tell(&self, alone: bool) {
        let delivery_id = self.read.delivery.id.as_str();
        let event_type = self.read.reading.event_type.as_deref().unwrap_or("unreadable");
        let outcome = self.outcome.as_str();
        match self.outcome.reason() {
            Some(reason) => tracing::warn!(delivery_id, event_type, outcome, reason, "delivery was not applied"),
            None if alone => tracing::info!(delivery_id, event_type, outcome, "delivery settled"),
            None => tracing::debug!(delivery_id, event_type, outcome, "delivery settled"),
        }
    }
}

fn count(notes: &[Note<'_>]) {
    let lag = metrics::histogram!("rowlock_delivery_lag_seconds");
    let now = SystemClock.now();
    let mut notes: Vec<&Note<'_>> = notes.iter().collect();
    notes.sort_unstable_by_key(|note| note.outcome.as_str());
    for alike in notes.chunk_by(|one, other| one.outcome.as_str() == other.outcome.as_str()) {
        let outcome = alike[0].outcome;
        metrics::counter!("rowlock_deliveries_total", "outcome" => outcome.as_str()).increment(alike.len() as u64);
        if matches!(outcome, Outcome::Applied | Outcome::Stale) {
            for event_at in alike.iter().filter_map(|note| note.read.reading.event_at) {
                lag.record(now.since(event_at).as_secs_f64());
            }
        }
    }
}
