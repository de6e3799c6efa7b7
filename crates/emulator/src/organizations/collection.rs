//! The organizations of an instance and the indexes over them.

use std::collections::{BTreeSet, HashMap};

use clerk::{OrganizationId, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

use super::Organization;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Vec<Organization>")]
pub(crate) struct Organizations {
    by_id: HashMap<OrganizationId, Organization>,
    by_slug: HashMap<String, OrganizationId>,
    by_creation: BTreeSet<(Timestamp, OrganizationId)>,
}

impl Organizations {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Organization> {
        self.by_id.get(&OrganizationId::parse(id).ok()?)
    }

    /// Clerk takes a slug wherever one organization is read.
    pub(crate) fn by_id_or_slug(&self, id_or_slug: &str) -> Option<&Organization> {
        self.get(id_or_slug).or_else(|| self.by_id.get(self.by_slug.get(id_or_slug)?))
    }

    pub(crate) fn slug_owner(&self, slug: &str) -> Option<&OrganizationId> {
        self.by_slug.get(slug)
    }

    /// Stores an organization, new or changed. The caller has checked that its slug is free.
    pub(crate) fn put(&mut self, organization: Organization) {
        self.remove(&organization.id);
        self.by_slug.insert(organization.slug.clone(), organization.id.clone());
        self.by_creation.insert((organization.created_at, organization.id.clone()));
        self.by_id.insert(organization.id.clone(), organization);
    }

    pub(crate) fn remove(&mut self, id: &OrganizationId) -> Option<Organization> {
        let organization = self.by_id.remove(id)?;
        self.by_slug.remove(&organization.slug);
        self.by_creation.remove(&(organization.created_at, organization.id.clone()));
        Some(organization)
    }

    /// Organizations follow a role set that changes its key or gives way to another.
    pub(crate) fn move_to_role_set(&mut self, old: &str, new: &str) {
        let of_set = self.by_id.values_mut().filter_map(|organization| organization.role_set_key.as_mut());
        of_set.filter(|key| *key == old).for_each(|key| new.clone_into(key));
    }

    pub(crate) fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &Organization> {
        self.by_creation.iter().map(|(_, id)| &self.by_id[id])
    }
}

impl From<Vec<Organization>> for Organizations {
    fn from(organizations: Vec<Organization>) -> Self {
        let mut collection = Self::default();
        for organization in organizations {
            collection.put(organization);
        }
        collection
    }
}

impl Serialize for Organizations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.oldest_first())
    }
}
