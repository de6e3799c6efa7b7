//! What a body says, before the database is asked anything. Pure.

use std::error::Error;

use clerk::{Event, EventKind, Object, Timestamp, jsonb_text};

use crate::Delivery;
use crate::object_kind::Occurrence;
use crate::table::{Row, object_id, parents_of_ended};
use crate::version::Version;
use crate::{
    ObjectKind,
    change::{Change, End, State},
};

/// A delivery's body, understood as far as it can be.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) event_type: Option<String>,
    pub(crate) object_id: Option<String>,
    /// The person it speaks of.
    pub(crate) user_id: Option<String>,
    pub(crate) event_at: Option<Timestamp>,
    /// What is to be done, or why that cannot be known.
    pub(crate) change: Result<Change, String>,
    /// The body without its secrets, when it had any.
    pub(crate) redacted: Option<String>,
}

/// Members of `data` that hold codes and links which let their reader in. Messages are not objects of the mirror, so
/// nothing is lost by leaving out what they said.
const SECRETS_OF_MESSAGES: &[&str] = &["body", "body_plain", "subject", "data", "message"];

impl Reading {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let event = match Event::parse(&delivery.body) {
            Ok(event) => event,
            Err(error) => {
                return Self {
                    event_type: None,
                    object_id: None,
                    user_id: None,
                    event_at: None,
                    change: Err(chain(&error)),
                    redacted: None,
                };
            }
        };
        let data = jsonb_text(event.data.get());
        let occurrence = Occurrence::of(&event.kind);
        let object = Object::parse(occurrence.word(), &data);
        let change = match &object {
            Ok(object) => change(&event, occurrence, object, delivery),
            Err(error) if occurrence != Occurrence::Passing => Err(chain(error)),
            Err(_) => Ok(Change::None),
        };
        let object = object.ok();
        let object_id = match &change {
            Ok(Change::State(state)) => Some(state.row.id.clone()),
            Ok(Change::End(end)) => Some(end.id.clone()),
            // Kept and unreadable ones are found again by their object, too, when they name one.
            _ => object.as_ref().and_then(|object| object.text("id")).map(|id| indexable(&id)),
        };
        Self {
            event_type: Some(indexable(event.kind.as_str())),
            object_id,
            user_id: object.as_ref().and_then(|object| person(&event.kind, object)).map(|id| indexable(&id)),
            event_at: event.occurred_at,
            change,
            redacted: object.as_ref().and_then(|object| redacted(&delivery.body, &event.kind, object)),
        }
    }
}

fn change(event: &Event, occurrence: Occurrence, object: &Object<'_>, delivery: &Delivery) -> Result<Change, String> {
    // Without a time of its own the event is placed by the object's, and last by the attempt's.
    let version = |updated_at: Option<Timestamp>| {
        let event_at = event.occurred_at.or(updated_at).unwrap_or(delivery.sent_at);
        Version::new(updated_at, event_at, delivery.id.as_str())
    };
    match occurrence {
        Occurrence::State(kind) => {
            let row = Row::of(kind, object).map_err(|error| chain(&error))?;
            let version = version(row.updated_at);
            Ok(Change::State(State { row, version }))
        }
        Occurrence::End(kind) => {
            let id = object_id(kind, object).map_err(|error| chain(&error))?;
            Ok(Change::End(End { kind, id, parents: parents_of_ended(kind, object), version: version(None) }))
        }
        Occurrence::Passing => Ok(Change::None),
    }
}

/// Whose personal data a delivery holds.
fn person(kind: &EventKind, object: &Object<'_>) -> Option<String> {
    match Occurrence::of(kind) {
        Occurrence::State(ObjectKind::User) | Occurrence::End(ObjectKind::User) => object.text("id"),
        _ => {
            let paths = ["user_id", "public_user_data.user_id", "payer.user_id"];
            paths.iter().find_map(|path| object.text(path).filter(|id| !id.is_empty()))
        }
    }
}

/// The whole event again, its object without secrets.
fn redacted(body: &[u8], kind: &EventKind, object: &Object<'_>) -> Option<String> {
    let secrets = match (kind, Occurrence::of(kind)) {
        (EventKind::EmailCreated | EventKind::SmsCreated, _) => SECRETS_OF_MESSAGES,
        (_, Occurrence::State(kind) | Occurrence::End(kind)) => kind.layout().secrets,
        _ => &[],
    };
    if secrets.is_empty() {
        return None;
    }
    let paths: Vec<String> = secrets.iter().map(|secret| format!("data.{secret}")).collect();
    // Only what the object shows is taken out, so most bodies are not read a second time.
    secrets.iter().any(|secret| object.raw(secret).is_some()).then_some(())?;
    let body = jsonb_text(str::from_utf8(body).ok()?);
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    Object::parse("event", &body).ok()?.without(&paths)
}

/// Text for a column with an index: Postgres text cannot hold NUL, and an index entry no more than 2,704 bytes. Whatever
/// stands there in a delivery, it must be possible to store it.
fn indexable(text: &str) -> String {
    const LONGEST: usize = 256;
    storable(&text[..text.floor_char_boundary(LONGEST)])
}

/// Postgres text cannot hold NUL.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// An error with its causes, on one line, for the inbox and the log: without what the delivery itself said. Errors show
/// foreign text in double quotes ([`clerk::quoted`]), and an odd id may be anything, such as somebody's address.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    without_quoted(&storable(&text))
}

/// `found "ada@example.com", expected …` → `found "…", expected …`
fn without_quoted(text: &str) -> String {
    let (mut kept, mut inside, mut escaped) = (String::with_capacity(text.len()), false, false);
    for character in text.chars() {
        match character {
            '"' if !inside => kept.push_str("\"…"),
            '"' if !escaped => kept.push('"'),
            _ if !inside => kept.push(character),
            _ => {}
        }
        inside ^= character == '"' && !escaped;
        escaped = inside && character == '\\' && !escaped;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::without_quoted;

    #[test]
    fn what_somebody_else_wrote_is_left_out() {
        let text = r#"id: found "ada\"@example.com", expected "user_…" and `no` quotes"#;
        assert_eq!(without_quoted(text), r#"id: found "…", expected "…" and `no` quotes"#);
    }
}
