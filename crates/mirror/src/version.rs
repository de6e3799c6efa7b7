//! Which of two states of one object is the newer one.

use clerk::Timestamp;

/// Stands where a delivery's id stands: the row came from the Backend API.
pub(crate) const ASKED: &str = "backend-api";

/// The version of an object's state: its own clock, then the event's, then the delivery's id.
///
/// Compared in this order. Clerk gives no sequence number and Svix no order of delivery, but `updated_at` moves with every
/// change and is compared first; the event's time decides between changes that do not move it; the id only makes the
/// result the same everywhere (see the crate's documentation on ties).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// `data.updated_at` in milliseconds; 0 when the object had none.
    pub clerk_updated_at: i64,
    /// `timestamp` of the event in milliseconds.
    pub event_at: i64,
    /// The `svix-id`, compared byte by byte.
    pub delivery_id: String,
}

impl Version {
    pub(crate) fn new(updated_at: Option<Timestamp>, event_at: Timestamp, delivery_id: &str) -> Self {
        Self {
            clerk_updated_at: updated_at.map_or(0, Timestamp::millis),
            event_at: event_at.millis(),
            delivery_id: delivery_id.to_owned(),
        }
    }
}
