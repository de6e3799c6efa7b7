//! What may befall messages on their way: they come twice, in another order, late, or not at all.
//!
//! A receiver has to bear all four, because Svix promises an order as little as it promises one delivery. A disturbance is
//! asked for with an event; which message meets what is drawn, and with a seeded instance it is drawn alike every time.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::{form::Form, refusal::Refusal};

/// At most this many copies of one message beside it.
const DUPLICATES_LIMIT: i64 = 100;
/// Between two messages of another order: long enough that a receiver sees them one after the other.
const SLOT: Duration = Duration::from_millis(25);

/// What is to happen to the messages of one call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Disturbance {
    duplicates: usize,
    shuffle: bool,
    /// How likely each copy is lost, from 0 to 1.
    loss: f64,
    delay: Duration,
}

/// When each copy of a message goes out, counted from now, the earliest first; a message without one is lost.
pub(crate) type Departures = Vec<Duration>;

impl Disturbance {
    pub(crate) const NONE: Self = Self { duplicates: 0, shuffle: false, loss: 0.0, delay: Duration::ZERO };

    /// `duplicate`, `shuffle`, `drop` and `delay_ms`, all optional.
    pub(crate) fn take(form: &mut Form) -> Result<Self, Refusal> {
        let duplicates = form.bounded("duplicate", 0..=DUPLICATES_LIMIT)?.given().unwrap_or(0);
        let delay = form.bounded("delay_ms", 0..=i64::from(u32::MAX))?.given().unwrap_or(0);
        let loss = form.number("drop")?.given().unwrap_or(0.0);
        if !(0.0..=1.0).contains(&loss) {
            return Err(Refusal::wrong_value("drop", &loss.to_string(), "a probability from 0 to 1"));
        }
        Ok(Self {
            duplicates: usize::try_from(duplicates).expect("a bounded count fits"),
            shuffle: form.boolean("shuffle")?.given().unwrap_or(false),
            loss,
            delay: Duration::from_millis(delay.unsigned_abs()),
        })
    }

    /// The departures of so many messages, by message.
    pub(crate) fn plan(&self, messages: usize, seed: [u8; 32]) -> Vec<Departures> {
        let mut random = StdRng::from_seed(seed);
        let mut copies: Vec<usize> =
            (0..messages).flat_map(|message| std::iter::repeat_n(message, self.duplicates + 1)).collect();
        copies.retain(|_| !random.random_bool(self.loss));
        if self.shuffle {
            copies.shuffle(&mut random);
        }
        let mut departures = vec![Departures::new(); messages];
        let slot = if self.shuffle { SLOT } else { Duration::ZERO };
        for (place, message) in (0_u32..).zip(copies) {
            // Places only grow, so the earliest of a message comes first.
            departures[message].push(self.delay + slot * place);
        }
        departures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u8; 32] = [7; 32];

    #[test]
    fn undisturbed_messages_go_at_once_and_once() {
        assert_eq!(Disturbance::NONE.plan(2, SEED), [[Duration::ZERO], [Duration::ZERO]]);
    }

    #[test]
    fn every_copy_has_a_time_of_its_own_in_another_order() {
        let shuffled = Disturbance { duplicates: 2, shuffle: true, delay: Duration::from_secs(1), ..Disturbance::NONE };
        let plan = shuffled.plan(10, SEED);
        assert_eq!(plan, shuffled.plan(10, SEED), "the same seed draws the same");
        let mut times: Vec<_> = plan.concat();
        assert!(!times.is_sorted(), "{times:?}");
        times.sort();
        let expected: Vec<_> = (0..30).map(|place| Duration::from_secs(1) + SLOT * place).collect();
        assert_eq!(times, expected);
    }

    #[test]
    fn losses_are_as_likely_as_asked() {
        let lossy = |loss| Disturbance { loss, ..Disturbance::NONE }.plan(1000, SEED).concat().len();
        assert_eq!((lossy(0.0), lossy(1.0)), (1000, 0));
        assert!((600..=800).contains(&lossy(0.3)), "{}", lossy(0.3));
    }
}
