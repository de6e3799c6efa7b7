//! An object as the row that it makes.

use clerk::{InvalidId, MembershipId, Object, ObjectError, OrganizationId, SessionId, Timestamp, UserId, jsonb_text};

use super::Table;
use crate::ObjectKind;

/// What an object makes of its row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) kind: ObjectKind,
    pub(crate) id: String,
    /// Ids of what it belongs to, as the table declares them.
    pub(crate) parents: Vec<Option<String>>,
    /// One value for each column of the table.
    pub(crate) values: Vec<Option<String>>,
    /// The whole object, without secrets.
    pub(crate) raw: String,
    pub(crate) updated_at: Option<Timestamp>,
    /// What it says of the things it belongs to, for the case that nobody has said more of them yet.
    pub(crate) stubs: Vec<Stub>,
}

/// A thing that another object speaks of.
#[derive(Debug, Clone)]
pub(crate) struct Stub {
    pub(crate) kind: ObjectKind,
    pub(crate) id: String,
    /// `first_name`, `last_name` and `image_url` of a user; `name`, `slug` and `image_url` of an organization.
    pub(crate) values: [Option<String>; 3],
}

impl Row {
    /// Reads an object of this kind out of an answer of the Backend API.
    pub(crate) fn read(kind: ObjectKind, json: &str) -> Result<Self, ObjectError> {
        let json = jsonb_text(json);
        Self::of(kind, &Object::parse(kind.word(), &json)?)
    }

    /// The row of an object that was read from a text that [`jsonb_text`] has cleaned.
    pub(crate) fn of(kind: ObjectKind, object: &Object<'_>) -> Result<Self, ObjectError> {
        let layout = kind.layout();
        let id = object_id(kind, object)?;
        let parents = parents(layout, object)?;
        let unwanted: Vec<&str> = layout.secrets.iter().chain(layout.elsewhere).copied().collect();
        Ok(Self {
            kind,
            id,
            parents,
            values: layout.columns.iter().map(|column| column.value(object)).collect(),
            updated_at: object.moment("updated_at"),
            stubs: stubs(kind, object),
            raw: object.for_jsonb(&unwanted),
        })
    }
}

/// The id of an object of this kind. Ids of kinds that nothing depends on are taken as they are: Clerk's own examples
/// write `orgdm_…` and `orgdmn_…` for the same thing.
pub(crate) fn object_id(kind: ObjectKind, object: &Object<'_>) -> Result<String, ObjectError> {
    match kind {
        ObjectKind::User => object.id("id", "a user id (`user_…`)", |text| of(UserId::parse(text))),
        ObjectKind::Organization => {
            object.id("id", "an organization id (`org_…`)", |text| of(OrganizationId::parse(text)))
        }
        ObjectKind::Membership => {
            object.id("id", "a membership id (`orgmem_…`)", |text| of(MembershipId::parse(text)))
        }
        ObjectKind::Session => object.id("id", "a session id (`sess_…`)", |text| of(SessionId::parse(text))),
        _ => object.id("id", "its id", |text| Ok(super::indexable(text.to_owned()))),
    }
}

fn of<T: Into<String>>(id: Result<T, InvalidId>) -> Result<String, InvalidId> {
    id.map(Into::into)
}

/// A membership of nobody or nowhere is none: what an object belongs to must be there.
fn parents(layout: &Table, object: &Object<'_>) -> Result<Vec<Option<String>>, ObjectError> {
    let id = |parent: &super::Parent| match parent.of {
        ObjectKind::User => object.id(parent.path, "a user id (`user_…`)", |text| of(UserId::parse(text))),
        _ => object.id(parent.path, "an organization id (`org_…`)", |text| of(OrganizationId::parse(text))),
    };
    layout.parents.iter().map(|parent| id(parent).map(Some)).collect()
}

/// Ids of what an ended object belonged to, as far as the event says: Clerk sends a membership whole, others by id alone.
pub(crate) fn parents_of_ended(kind: ObjectKind, object: &Object<'_>) -> Vec<Option<String>> {
    match parents(kind.layout(), object) {
        Ok(parents) => parents,
        Err(_) => vec![None; kind.layout().parents.len()],
    }
}

/// A membership names its organization and its user, and says the little that a list of people needs.
fn stubs(kind: ObjectKind, object: &Object<'_>) -> Vec<Stub> {
    if kind != ObjectKind::Membership {
        return Vec::new();
    }
    let stub = |kind: ObjectKind, id: &str, paths: [&str; 3]| {
        Some(Stub { kind, id: object.text(id)?, values: paths.map(|path| object.text(path).map(super::indexable)) })
    };
    let organization = ["organization.name", "organization.slug", "organization.image_url"];
    let user = ["public_user_data.first_name", "public_user_data.last_name", "public_user_data.image_url"];
    let organization = stub(ObjectKind::Organization, "organization.id", organization);
    let user = stub(ObjectKind::User, "public_user_data.user_id", user);
    organization.into_iter().chain(user).collect()
}
