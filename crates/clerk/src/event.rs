//! The envelope around what happened.
//!
//! `{data, object: "event", type, timestamp, instance_id, event_attributes}`. A delivery whose signature is good must be
//! kept even if nobody understands it yet, so only two things are asked for: a `type` to file it under and some `data`.
//! `data` stays exactly as received; the typed views of [`User`](crate::User) and its siblings are taken from it.

use serde_json::value::RawValue;

use crate::json::{JsonKind, Members, NotJsonObject};
use crate::{EventKind, Timestamp};

/// One thing that happened in Clerk.
#[derive(Clone, Debug)]
pub struct Event {
    /// `type`: what happened.
    pub kind: EventKind,
    /// `timestamp`: when it happened, to break ties and to order deletes.
    pub occurred_at: Option<Timestamp>,
    /// `instance_id`: where.
    pub instance_id: Option<String>,
    /// `data`: the object afterwards, byte for byte as received. Never `null`.
    pub data: Box<RawValue>,
}

impl Event {
    /// Reads the body of a delivery.
    pub fn parse(body: &[u8]) -> Result<Self, EventError> {
        let members = Members::parse_bytes(body)?;
        let kind = members.get("type").ok_or(EventError::NoType)?;
        let kind: String =
            serde_json::from_str(kind.get()).map_err(|_| EventError::TypeNotAString { found: JsonKind::of(kind) })?;
        let data = members.get("data").ok_or_else(|| EventError::NoData { kind: EventKind::parse(&kind) })?;
        Ok(Self {
            kind: EventKind::parse(&kind),
            occurred_at: members.get("timestamp").and_then(occurred_at),
            instance_id: members.get("instance_id").and_then(|value| serde_json::from_str(value.get()).ok()),
            data: data.to_owned(),
        })
    }
}

/// Clerk's documentation shows milliseconds, all examples of its specification show seconds. Below 10¹¹ it must be seconds:
/// as milliseconds that would be before 1973, as seconds it reaches to the year 5138.
fn occurred_at(value: &RawValue) -> Option<Timestamp> {
    const FIRST_MILLISECONDS: f64 = 1e11;
    let number: f64 = serde_json::from_str(value.get()).ok()?;
    let millis = if number.abs() < FIRST_MILLISECONDS { number * 1000.0 } else { number };
    // A float-to-integer cast saturates.
    Some(Timestamp::from_millis(millis.floor() as i64))
}

/// Why a body is no event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Not a JSON object.
    #[error("event body is unreadable")]
    NotJson(#[from] NotJsonObject),
    /// Nothing says what happened.
    #[error("event has no `type`, expected one such as `user.created`; is this a Clerk webhook?")]
    NoType,
    /// `type` of another type.
    #[error("event member `type` is {found}, expected text such as `user.created`")]
    TypeNotAString {
        /// What it is.
        found: JsonKind,
    },
    /// Nothing says to what it happened.
    #[error("event `{}` has no `data`, expected the object it is about", kind.as_str())]
    NoData {
        /// What happened.
        kind: EventKind,
    },
}
