//! Rows of one kind, by id and in the order of their creation.
//!
//! What the lists of the Backend API need of most objects: one by its id, all of them newest or oldest first without
//! sorting, and a total. Users, organizations and memberships have collections of their own with more indexes.

use std::collections::{BTreeSet, HashMap};

use clerk::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

/// Something that a [`Table`] can hold.
pub(crate) trait Row: Serialize + DeserializeOwned {
    fn id(&self) -> &str;
    fn created_at(&self) -> Timestamp;
}

#[derive(Debug, Clone)]
pub(crate) struct Table<R> {
    by_id: HashMap<String, R>,
    by_creation: BTreeSet<(Timestamp, String)>,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), by_creation: BTreeSet::new() }
    }
}

impl<R: Row> Table<R> {
    pub(crate) fn get(&self, id: &str) -> Option<&R> {
        self.by_id.get(id)
    }

    /// The oldest row that `wanted` names.
    pub(crate) fn find(&self, wanted: impl Fn(&R) -> bool) -> Option<&R> {
        self.oldest_first().find(|row| wanted(row))
    }

    /// Stores a row, new or changed.
    pub(crate) fn put(&mut self, row: R) {
        self.remove(row.id());
        self.by_creation.insert((row.created_at(), row.id().to_owned()));
        self.by_id.insert(row.id().to_owned(), row);
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<R> {
        let row = self.by_id.remove(id)?;
        self.by_creation.remove(&(row.created_at(), id.to_owned()));
        Some(row)
    }

    /// Removes every row that `unwanted` names.
    pub(crate) fn remove_where(&mut self, unwanted: impl Fn(&R) -> bool) {
        let ids: Vec<String> = self.oldest_first().filter(|row| unwanted(row)).map(|row| row.id().to_owned()).collect();
        for id in ids {
            self.remove(&id);
        }
    }

    pub(crate) fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.by_creation.iter().map(|(_, id)| &self.by_id[id])
    }

    /// Every row in no order, to change what is neither id nor creation.
    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut R> {
        self.by_id.values_mut()
    }
}

impl<R: Row> Serialize for Table<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.oldest_first())
    }
}

impl<'de, R: Row> Deserialize<'de> for Table<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Self::default();
        for row in Vec::<R>::deserialize(deserializer)? {
            table.put(row);
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Boat {
        id: String,
        launched: Timestamp,
        name: String,
    }

    impl Row for Boat {
        fn id(&self) -> &str {
            &self.id
        }

        fn created_at(&self) -> Timestamp {
            self.launched
        }
    }

    fn boat(id: &str, launched: i64) -> Boat {
        Boat { id: id.to_owned(), launched: Timestamp::from_millis(launched), name: id.to_uppercase() }
    }

    #[test]
    fn rows_keep_the_order_of_creation_whatever_changes() {
        let mut table = Table::default();
        for row in [boat("c", 3), boat("a", 1), boat("b", 2)] {
            table.put(row);
        }
        table.put(Boat { name: "Swift".to_owned(), ..boat("b", 2) });
        let ids = |table: &Table<Boat>| table.oldest_first().map(|boat| boat.id.clone()).collect::<Vec<_>>().join("");
        assert_eq!(ids(&table), "abc");
        assert_eq!(table.get("b").unwrap().name, "Swift");
        let again: Table<Boat> = serde_json::from_str(&serde_json::to_string(&table).unwrap()).unwrap();
        assert_eq!(ids(&again), "abc");
        table.remove_where(|boat| boat.id != "b");
        assert_eq!(ids(&table), "b");
        assert_eq!((table.remove("b").map(|boat| boat.name), table.remove("b")), (Some("Swift".to_owned()), None));
    }
}
