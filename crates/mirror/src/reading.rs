//! What a body says, before the database is asked anything. Pure.

use std::error::Error;

use clerk::{
    Deleted, Event, EventKind, Membership, MembershipId, Organization, OrganizationId, Timestamp, User, UserId,
};

use crate::Delivery;
use crate::version::Version;

/// A delivery's body, understood as far as it can be.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) event_type: Option<String>,
    pub(crate) object_id: Option<String>,
    pub(crate) event_at: Option<Timestamp>,
    /// What is to be done, or why that cannot be known.
    pub(crate) change: Result<Change, String>,
}

/// What a delivery does to the mirror.
#[derive(Debug)]
pub(crate) enum Change {
    /// An object has this state.
    Upsert(State, Version),
    /// An object is gone.
    Bury(Grave, Version),
    /// Nothing that the mirror has a table for.
    Keep,
}

/// An object as it is, with its text.
#[derive(Debug)]
pub(crate) enum State {
    User(Box<User>, String),
    Organization(Box<Organization>, String),
    Membership(Box<Membership>, String),
}

/// An object that is no more.
#[derive(Debug)]
pub(crate) enum Grave {
    User(UserId),
    Organization(OrganizationId),
    /// Clerk sends the whole membership; of a shortened one only the id is certain.
    Membership {
        id: MembershipId,
        organization: Option<OrganizationId>,
        user: Option<UserId>,
    },
}

impl Reading {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let event = match Event::parse(&delivery.body) {
            Ok(event) => event,
            Err(error) => {
                return Self { event_type: None, object_id: None, event_at: None, change: Err(chain(&error)) };
            }
        };
        let change = change(&event, delivery);
        let object_id = match &change {
            Ok(Change::Upsert(state, _)) => Some(state.id().to_owned()),
            Ok(Change::Bury(grave, _)) => Some(grave.id().to_owned()),
            // Kept and unreadable ones are found again by their object, too, when they name one.
            _ => Deleted::from_json(event.data.get()).ok().map(|object| object.id),
        };
        let event_type = Some(indexable(event.kind.as_str()));
        Self { event_type, object_id: object_id.map(|id| indexable(&id)), event_at: event.occurred_at, change }
    }
}

fn change(event: &Event, delivery: &Delivery) -> Result<Change, String> {
    let data = event.data.get();
    let text = || clerk::jsonb_text(data).into_owned();
    // Without a time of its own the event is placed by the object's, and last by the attempt's.
    let version = |updated_at: Option<Timestamp>| {
        let event_at = event.occurred_at.or(updated_at).unwrap_or(delivery.sent_at);
        Version::new(updated_at, event_at, delivery.id.as_str())
    };
    match event.kind {
        EventKind::UserCreated | EventKind::UserUpdated => {
            let user = User::from_json(data).map_err(|error| chain(&error))?;
            let version = version(user.updated_at);
            Ok(Change::Upsert(State::User(Box::new(user), text()), version))
        }
        EventKind::OrganizationCreated | EventKind::OrganizationUpdated => {
            let organization = Organization::from_json(data).map_err(|error| chain(&error))?;
            let version = version(organization.updated_at);
            Ok(Change::Upsert(State::Organization(Box::new(organization), text()), version))
        }
        EventKind::OrganizationMembershipCreated | EventKind::OrganizationMembershipUpdated => {
            let membership = Membership::from_json(data).map_err(|error| chain(&error))?;
            let version = version(membership.updated_at);
            Ok(Change::Upsert(State::Membership(Box::new(membership), text()), version))
        }
        EventKind::UserDeleted => {
            let id = UserId::parse(&deleted_id(data)?).map_err(|error| chain(&error))?;
            Ok(Change::Bury(Grave::User(id), version(None)))
        }
        EventKind::OrganizationDeleted => {
            let id = OrganizationId::parse(&deleted_id(data)?).map_err(|error| chain(&error))?;
            Ok(Change::Bury(Grave::Organization(id), version(None)))
        }
        EventKind::OrganizationMembershipDeleted => {
            let id = MembershipId::parse(&deleted_id(data)?).map_err(|error| chain(&error))?;
            let (organization, user) = match Membership::from_json(data) {
                Ok(whole) => (Some(whole.organization_id), Some(whole.user_id)),
                Err(_) => (None, None),
            };
            Ok(Change::Bury(Grave::Membership { id, organization, user }, version(None)))
        }
        _ => Ok(Change::Keep),
    }
}

fn deleted_id(data: &str) -> Result<String, String> {
    Deleted::from_json(data).map(|deleted| deleted.id).map_err(|error| chain(&error))
}

impl State {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::User(user, _) => user.id.as_str(),
            Self::Organization(organization, _) => organization.id.as_str(),
            Self::Membership(membership, _) => membership.id.as_str(),
        }
    }
}

impl Grave {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::Organization(id) => id.as_str(),
            Self::Membership { id, .. } => id.as_str(),
        }
    }
}

impl Change {
    /// The ids whose rows are read or written, and which of them are written.
    pub(crate) fn touches(&self) -> (Vec<&str>, Vec<bool>) {
        match self {
            Self::Upsert(State::Membership(membership, _), _) => (
                vec![membership.id.as_str(), membership.organization_id.as_str(), membership.user_id.as_str()],
                vec![true, false, false],
            ),
            Self::Upsert(state, _) => (vec![state.id()], vec![true]),
            Self::Bury(Grave::Membership { id, organization, user }, _) => {
                let parents = organization.iter().map(OrganizationId::as_str).chain(user.iter().map(UserId::as_str));
                let ids: Vec<&str> = std::iter::once(id.as_str()).chain(parents).collect();
                let writes = (0..ids.len()).map(|position| position == 0).collect();
                (ids, writes)
            }
            Self::Bury(grave, _) => (vec![grave.id()], vec![true]),
            Self::Keep => (Vec::new(), Vec::new()),
        }
    }
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
