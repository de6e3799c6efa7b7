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
    let millis = if number < FIRST_MILLISECONDS { number * 1000.0 } else { number };
    // The cast drops the fraction and saturates.
    Some(Timestamp::from_millis(millis as i64))
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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::{Event, EventError};
    use crate::told::told;
    use crate::{EventKind, Timestamp};

    fn parse(body: &str) -> Result<Event, EventError> {
        Event::parse(body.as_bytes())
    }

    #[test]
    fn an_event_as_clerk_sends_it() {
        let event = parse(
            r#"{"data":{"id":"user_1","n":1.50},"event_attributes":{"http_request":{"client_ip":"192.0.2.1"}},"instance_id":"ins_1","object":"event","timestamp":1654012591835,"type":"user.created"}"#,
        )
        .unwrap();
        assert_eq!(event.kind, EventKind::UserCreated);
        assert_eq!(event.occurred_at, Some(Timestamp::from_millis(1_654_012_591_835)));
        assert_eq!(event.instance_id.as_deref(), Some("ins_1"));
        assert_eq!(event.data.get(), r#"{"id":"user_1","n":1.50}"#, "byte for byte");
    }

    #[test]
    fn type_and_data_are_enough() {
        let event = parse(r#"{"type":"galaxy.created","data":[]}"#).unwrap();
        assert_eq!(event.kind, EventKind::Unknown("galaxy.created".into()));
        assert_eq!((event.occurred_at, event.instance_id), (None, None));
        assert_eq!(event.data.get(), "[]");
    }

    #[test]
    fn time_comes_in_seconds_or_milliseconds() {
        let occurred_at = |timestamp: &str| {
            let event = parse(&format!(r#"{{"type":"a","data":1,"timestamp":{timestamp}}}"#)).unwrap();
            event.occurred_at.map(Timestamp::millis)
        };
        assert_eq!(occurred_at("1716883200"), Some(1_716_883_200_000));
        assert_eq!(occurred_at("1716883200.5"), Some(1_716_883_200_500));
        assert_eq!(occurred_at("99999999999"), Some(99_999_999_999_000));
        assert_eq!(occurred_at("100000000000"), Some(100_000_000_000));
        assert_eq!(occurred_at("1e300"), Some(i64::MAX));
        assert_eq!(occurred_at("-1e300"), Some(i64::MIN));
        for unreadable in ["null", "\"1716883200\"", "{}", "true"] {
            assert_eq!(occurred_at(unreadable), None, "{unreadable}");
        }
    }

    #[test]
    fn data_may_hold_text_that_is_no_unicode() {
        let event = parse(r#"{"type":"user.created","data":{"first_name":"\ud800\u0000"}}"#).unwrap();
        assert_eq!(event.data.get(), r#"{"first_name":"\ud800\u0000"}"#);
    }

    #[test]
    fn errors_say_what_is_wrong_with_the_body() {
        let refused = |body: &[u8]| told(&Event::parse(body).unwrap_err());
        assert_snapshot!(refused(br#"{"data":{}}"#), @"event has no `type`, expected one such as `user.created`; is this a Clerk webhook?");
        assert_snapshot!(refused(br#"{"type":null,"data":{}}"#), @"event has no `type`, expected one such as `user.created`; is this a Clerk webhook?");
        assert_snapshot!(refused(br#"{"type":7,"data":{}}"#), @"event member `type` is a number, expected text such as `user.created`");
        assert_snapshot!(refused(br#"{"type":"user.created","data":null}"#), @"event `user.created` has no `data`, expected the object it is about");
        assert_snapshot!(refused(b"[]"), @r"
        event body is unreadable
        cause: found an array, expected a JSON object
        ");
        assert_snapshot!(refused(b"{\"type\":\"a\",\"data\":\"\xe4\"}"), @r"
        event body is unreadable
        cause: found bytes that are not UTF-8, expected a JSON object
        cause: invalid utf-8 sequence of 1 bytes from index 20
        ");
    }
}
