//! The memberships of an instance and the indexes over them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clerk::{MembershipId, OrganizationId, Timestamp, UserId};
use serde::{Deserialize, Serialize, Serializer};

use super::Membership;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Vec<Membership>")]
pub(crate) struct Memberships {
    by_id: HashMap<MembershipId, Membership>,
    in_organization: HashMap<OrganizationId, BTreeMap<UserId, MembershipId>>,
    of_user: HashMap<UserId, BTreeMap<OrganizationId, MembershipId>>,
    by_creation: BTreeSet<(Timestamp, MembershipId)>,
}

impl Memberships {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Membership> {
        self.by_id.get(&MembershipId::parse(id).ok()?)
    }

    pub(crate) fn between(&self, organization: &str, user: &str) -> Option<&Membership> {
        let members = self.in_organization.get(&OrganizationId::parse(organization).ok()?)?;
        self.by_id.get(members.get(&UserId::parse(user).ok()?)?)
    }

    pub(crate) fn count_in(&self, organization: &OrganizationId) -> usize {
        self.in_organization.get(organization).map_or(0, BTreeMap::len)
    }

    pub(crate) fn in_organization(&self, organization: &OrganizationId) -> impl Iterator<Item = &Membership> {
        self.in_organization.get(organization).into_iter().flat_map(BTreeMap::values).map(|id| &self.by_id[id])
    }

    pub(crate) fn of_user(&self, user: &UserId) -> impl Iterator<Item = &Membership> {
        self.of_user.get(user).into_iter().flat_map(BTreeMap::values).map(|id| &self.by_id[id])
    }

    pub(crate) fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &Membership> {
        self.by_creation.iter().map(|(_, id)| &self.by_id[id])
    }

    /// Stores a membership, new or changed. The caller has checked that the pair is free.
    pub(crate) fn put(&mut self, membership: Membership) {
        let Membership { id, organization_id, user_id, created_at, .. } = membership.clone();
        self.remove(&id);
        self.in_organization.entry(organization_id.clone()).or_default().insert(user_id.clone(), id.clone());
        self.of_user.entry(user_id).or_default().insert(organization_id, id.clone());
        self.by_creation.insert((created_at, id.clone()));
        self.by_id.insert(id, membership);
    }

    pub(crate) fn remove(&mut self, id: &MembershipId) -> Option<Membership> {
        let membership = self.by_id.remove(id)?;
        self.by_creation.remove(&(membership.created_at, id.clone()));
        if let Some(members) = self.in_organization.get_mut(&membership.organization_id) {
            members.remove(&membership.user_id);
        }
        if let Some(organizations) = self.of_user.get_mut(&membership.user_id) {
            organizations.remove(&membership.organization_id);
        }
        Some(membership)
    }

    /// Memberships follow a role that changes its key.
    pub(crate) fn rename_role(&mut self, old: &str, new: &str) {
        let having = self.by_id.values_mut().filter(|membership| membership.role == old);
        having.for_each(|membership| new.clone_into(&mut membership.role));
    }

    pub(crate) fn remove_user(&mut self, user: &UserId) {
        for id in self.of_user.remove(user).unwrap_or_default().into_values() {
            self.remove(&id);
        }
    }

    pub(crate) fn remove_organization(&mut self, organization: &OrganizationId) {
        for id in self.in_organization.remove(organization).unwrap_or_default().into_values() {
            self.remove(&id);
        }
    }
}

impl From<Vec<Membership>> for Memberships {
    fn from(memberships: Vec<Membership>) -> Self {
        let mut collection = Self::default();
        for membership in memberships {
            collection.put(membership);
        }
        collection
    }
}

impl Serialize for Memberships {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.oldest_first())
    }
}
