//! One change to the state: the rows it touches and the events it announces, as one unit.
//!
//! Operations on [`Change`] are pure: they take the time and the ids from the outside, check before they write, and
//! collect [`Event`]s instead of sending them. Whoever runs the change holds the lock, publishes the events in order
//! and keeps nothing when the operation refused.

use clerk::{EventKind, InstanceId, OrganizationId, Timestamp, UserId};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    memberships::Membership,
    organizations::Organization,
    refusal::Refusal,
    sessions::Session,
    state::State,
    users::User,
    view::{Detail, View},
};

/// Something happened to an object; `data` is the object as webhooks show it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) kind: EventKind,
    pub(crate) data: Box<RawValue>,
    /// When it happened.
    pub(crate) at: Timestamp,
}

impl Event {
    pub(crate) fn new(kind: EventKind, object: &impl Serialize, at: Timestamp) -> Self {
        let data = serde_json::value::to_raw_value(object).expect("an object of the emulator has a JSON form");
        Self { kind, data, at }
    }
}

/// A change in the making.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) instance_id: &'a InstanceId,
    pub(crate) now: Timestamp,
    pub(crate) events: Vec<Event>,
    /// Whether nothing is announced: for data that was there before anybody looked.
    pub(crate) quiet: bool,
}

impl<'a> Change<'a> {
    pub(crate) fn begin(state: &'a mut State, instance_id: &'a InstanceId, now: Timestamp) -> Self {
        Self { state, instance_id, now, events: Vec::new(), quiet: false }
    }

    /// Runs several operations as one: when one of them is refused, none has happened.
    pub(crate) fn all_or_nothing<T>(
        &mut self,
        operations: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let before = self.state.clone();
        operations(self).inspect_err(|_| *self.state = before)
    }

    /// The state as the change has left it so far.
    pub(crate) fn view(&self) -> View<'_> {
        View { state: self.state, instance_id: self.instance_id, now: self.now }
    }

    /// An event whose data is an object as it is shown.
    pub(crate) fn announce(&mut self, kind: EventKind, object: &impl Serialize) {
        if !self.quiet {
            self.events.push(Event::new(kind, object, self.now));
        }
    }

    pub(crate) fn announce_user(&mut self, kind: EventKind, id: &UserId) {
        self.announce_shown(|view| {
            let user = view.state.users.get(id.as_str()).expect("an announced user exists");
            Event::new(kind, &view.user(user), view.now)
        });
    }

    pub(crate) fn announce_deleted_user(&mut self, user: &User) {
        self.announce(EventKind::UserDeleted, &deleted_user(user));
    }

    pub(crate) fn announce_organization(&mut self, kind: EventKind, id: &OrganizationId) {
        self.announce_shown(|view| {
            let organization = view.state.organizations.get(id.as_str()).expect("an announced organization exists");
            Event::new(kind, &view.organization(organization, Detail::Plain), view.now)
        });
    }

    pub(crate) fn announce_deleted_organization(&mut self, organization: &Organization) {
        self.announce(EventKind::OrganizationDeleted, &deleted_organization(organization));
    }

    /// `organizationMembership.deleted` carries the full membership too.
    pub(crate) fn announce_membership(&mut self, kind: EventKind, membership: &Membership) {
        self.announce_shown(|view| Event::new(kind, &view.membership(membership, Detail::Plain), view.now));
    }

    pub(crate) fn announce_session(&mut self, kind: EventKind, session: &Session) {
        self.announce_shown(|view| Event::new(kind, &view.session_with_user(session), view.now));
    }

    /// An event that is made of the state as the change has left it so far, when anybody is to hear of it.
    fn announce_shown(&mut self, event: impl FnOnce(View<'_>) -> Event) {
        if !self.quiet {
            let event = event(self.view());
            self.events.push(event);
        }
    }
}

/// Clerk's deletion notice: the resource's name and what can still be said.
pub(crate) fn deleted_user(user: &User) -> Value {
    let mut notice = json!({ "object": "user", "id": user.id, "deleted": true });
    if let Some(external_id) = &user.external_id {
        notice["external_id"] = json!(external_id);
    }
    notice
}

pub(crate) fn deleted_organization(organization: &Organization) -> Value {
    json!({ "object": "organization", "id": organization.id, "slug": organization.slug, "deleted": true })
}

#[cfg(test)]
mod tests;
