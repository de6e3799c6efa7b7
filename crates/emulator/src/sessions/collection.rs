//! The sessions of an instance and the index over them.

use std::collections::{BTreeSet, HashMap};

use clerk::{OrganizationId, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize, Serializer};

use super::Session;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Vec<Session>")]
pub(crate) struct Sessions {
    by_id: HashMap<SessionId, Session>,
    of_user: HashMap<UserId, BTreeSet<(Timestamp, SessionId)>>,
}

impl Sessions {
    pub(crate) fn get(&self, id: &str) -> Option<&Session> {
        self.by_id.get(&SessionId::parse(id).ok()?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.by_id.values()
    }

    pub(crate) fn of_user(&self, user: &str) -> impl DoubleEndedIterator<Item = &Session> {
        let sessions = UserId::parse(user).ok().and_then(|user| self.of_user.get(&user));
        sessions.into_iter().flatten().map(|(_, id)| &self.by_id[id])
    }

    pub(crate) fn put(&mut self, session: Session) {
        let key = (session.created_at, session.id.clone());
        self.of_user.entry(session.user_id.clone()).or_default().insert(key);
        self.by_id.insert(session.id.clone(), session);
    }

    pub(crate) fn remove_user(&mut self, user: &UserId) {
        for (_, id) in self.of_user.remove(user).unwrap_or_default() {
            self.by_id.remove(&id);
        }
    }

    /// Takes a deleted organization out of every session in which it was active.
    pub(crate) fn leave_organization(&mut self, organization: &OrganizationId) {
        for session in self.by_id.values_mut() {
            session.last_active_organization_id.take_if(|active| active == organization);
        }
    }

    /// Takes an organization out of the sessions of somebody who is no longer a member.
    pub(crate) fn leave(&mut self, user: &UserId, organization: &OrganizationId) {
        let ids: Vec<SessionId> = self.of_user(user.as_str()).map(|session| session.id.clone()).collect();
        for id in ids {
            if let Some(session) = self.by_id.get_mut(&id) {
                session.last_active_organization_id.take_if(|active| active == organization);
            }
        }
    }
}

impl From<Vec<Session>> for Sessions {
    fn from(sessions: Vec<Session>) -> Self {
        let mut collection = Self::default();
        for session in sessions {
            collection.put(session);
        }
        collection
    }
}

impl Serialize for Sessions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sessions: Vec<&Session> = self.iter().collect();
        sessions.sort_unstable_by(|left, right| (left.created_at, &left.id).cmp(&(right.created_at, &right.id)));
        serializer.collect_seq(sessions)
    }
}
