//! A webhook delivery whose signature was good, and what became of it.

use bytes::Bytes;
use clerk::{DeliveryId, SignedDelivery, Timestamp};

/// A verified delivery. There is no way to make one without a [`SignedDelivery`], which only verification gives.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) sent_at: Timestamp,
    pub(crate) body: Bytes,
}

impl Delivery {
    /// The delivery that was `signed`, with the very bytes the signature covers.
    pub fn new(signed: SignedDelivery, body: impl Into<Bytes>) -> Self {
        Self { id: signed.id, sent_at: signed.sent_at, body: body.into() }
    }

    /// The `svix-id`.
    pub fn id(&self) -> &DeliveryId {
        &self.id
    }
}

/// What became of a delivery. In every case it is stored; none is a reason for the sender to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The mirror shows it.
    Applied,
    /// Something newer, or a tombstone, was there already.
    Stale,
    /// Seen before: nothing changed.
    Duplicate,
    /// There is no table for this type of event.
    Kept,
    /// It will be tried again.
    Failed(String),
    /// It waits for somebody to look at it and replay it.
    Dead(String),
}

impl Outcome {
    /// The word for it in the inbox, the answer to the sender, logs and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Stale => "stale",
            Self::Duplicate => "duplicate",
            Self::Kept => "kept",
            Self::Failed(_) => "failed",
            Self::Dead(_) => "dead",
        }
    }

    /// Why it was not applied, when that is a failure.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Failed(reason) | Self::Dead(reason) => Some(reason),
            _ => None,
        }
    }
}
