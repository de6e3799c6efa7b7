//! The users of an instance and the indexes over them.

use std::collections::{BTreeSet, HashMap};

use clerk::{Timestamp, UserId};
use serde::{Deserialize, Serialize, Serializer};

use super::User;

/// All users. Reading by id, by identifier and in order of creation costs no scan.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Vec<User>")]
pub(crate) struct Users {
    by_id: HashMap<UserId, User>,
    by_creation: BTreeSet<(Timestamp, UserId)>,
    by_identifier: HashMap<Identifier, UserId>,
}

/// What belongs to one user at most. E-mail addresses and usernames are compared without case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Identifier {
    EmailAddress(String),
    PhoneNumber(String),
    Username(String),
    ExternalId(String),
    /// The id of an e-mail address or phone number.
    Identification(String),
}

impl Identifier {
    pub(crate) fn email_address(text: &str) -> Self {
        Self::EmailAddress(text.to_lowercase())
    }

    pub(crate) fn username(text: &str) -> Self {
        Self::Username(text.to_lowercase())
    }
}

impl Users {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&User> {
        self.by_id.get(&UserId::parse(id).ok()?)
    }

    pub(crate) fn owner(&self, identifier: &Identifier) -> Option<&User> {
        self.by_id.get(self.by_identifier.get(identifier)?)
    }

    /// Whether someone other than `user` holds the identifier.
    pub(crate) fn taken(&self, identifier: &Identifier, user: &UserId) -> bool {
        self.by_identifier.get(identifier).is_some_and(|owner| owner != user)
    }

    /// Stores a user, new or changed. The caller has checked that its identifiers are free.
    pub(crate) fn put(&mut self, user: User) {
        self.remove(&user.id);
        for identifier in identifiers(&user) {
            self.by_identifier.insert(identifier, user.id.clone());
        }
        self.by_creation.insert((user.created_at, user.id.clone()));
        self.by_id.insert(user.id.clone(), user);
    }

    pub(crate) fn remove(&mut self, id: &UserId) -> Option<User> {
        let user = self.by_id.remove(id)?;
        for identifier in identifiers(&user) {
            self.by_identifier.remove(&identifier);
        }
        self.by_creation.remove(&(user.created_at, user.id.clone()));
        Some(user)
    }

    pub(crate) fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &User> {
        self.by_creation.iter().map(|(_, id)| &self.by_id[id])
    }

    /// Users created before `user`, newest first.
    pub(crate) fn before(&self, user: &User) -> impl Iterator<Item = &User> {
        self.by_creation.range(..(user.created_at, user.id.clone())).rev().map(|(_, id)| &self.by_id[id])
    }

    /// Users created after `user`, oldest first.
    pub(crate) fn after(&self, user: &User) -> impl Iterator<Item = &User> {
        self.by_creation.range((user.created_at, user.id.clone())..).skip(1).map(|(_, id)| &self.by_id[id])
    }
}

fn identifiers(user: &User) -> impl Iterator<Item = Identifier> {
    let emails = user.email_addresses.iter().flat_map(|email| {
        [Identifier::email_address(&email.email_address), Identifier::Identification(email.id.clone())]
    });
    let phones = user.phone_numbers.iter().flat_map(|phone| {
        [Identifier::PhoneNumber(phone.phone_number.clone()), Identifier::Identification(phone.id.clone())]
    });
    let username = user.username.as_deref().map(Identifier::username);
    let external_id = user.external_id.clone().map(Identifier::ExternalId);
    emails.chain(phones).chain(username).chain(external_id)
}

impl From<Vec<User>> for Users {
    fn from(users: Vec<User>) -> Self {
        let mut collection = Self::default();
        for user in users {
            collection.put(user);
        }
        collection
    }
}

impl Serialize for Users {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.oldest_first())
    }
}
