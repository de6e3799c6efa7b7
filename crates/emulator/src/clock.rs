//! The time of an instance: the clock it was given, moved forward as somebody wishes.
//!
//! What is due follows: tokens and invitations expire, and webhooks that wait for their next attempt are sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use clerk::{Clock, Timestamp};

#[derive(Debug)]
pub(crate) struct ShiftedClock {
    inner: Arc<dyn Clock>,
    /// In milliseconds.
    shift: AtomicI64,
}

impl ShiftedClock {
    pub(crate) fn new(inner: Arc<dyn Clock>, shift: Duration) -> Self {
        let clock = Self { inner, shift: AtomicI64::new(0) };
        clock.advance(shift);
        clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.now().plus(self.shift())
    }

    pub(crate) fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.shift.update(Ordering::SeqCst, Ordering::SeqCst, |shift| shift.saturating_add(millis));
    }

    /// How far it is ahead of the clock it was given.
    pub(crate) fn shift(&self) -> Duration {
        Duration::from_millis(self.shift.load(Ordering::SeqCst).unsigned_abs())
    }
}
