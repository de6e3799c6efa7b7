//! What is to be done to the mirror.

use crate::ObjectKind;
use crate::table::Row;
use crate::version::Version;

/// What a delivery, or an answer of Clerk's, does.
#[derive(Debug)]
pub(crate) enum Change {
    /// An object has this state.
    State(State),
    /// An object is gone.
    End(End),
    /// Nothing that the mirror has a table for.
    None,
}

/// An object as it is.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) row: Row,
    pub(crate) version: Version,
}

/// An object that is no more.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) kind: ObjectKind,
    pub(crate) id: String,
    /// As far as they are known.
    pub(crate) parents: Vec<Option<String>>,
    pub(crate) version: Version,
}

/// An id whose row is written, or only read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch<'a> {
    pub(crate) id: &'a str,
    pub(crate) writes: bool,
}

impl Change {
    /// The kind and id of the object that it changes.
    pub(crate) fn object(&self) -> Option<(ObjectKind, &str)> {
        match self {
            Self::State(State { row, .. }) => Some((row.kind, &row.id)),
            Self::End(End { kind, id, .. }) => Some((*kind, id)),
            Self::None => None,
        }
    }

    /// The ids whose rows are read or written: the object's own, and those of what it belongs to.
    pub(crate) fn touches(&self) -> impl Iterator<Item = Touch<'_>> {
        let parents: &[Option<String>] = match self {
            Self::State(State { row, .. }) => &row.parents,
            Self::End(End { parents, .. }) => parents,
            Self::None => &[],
        };
        let own = self.object().map(|(_, id)| Touch { id, writes: true });
        own.into_iter().chain(parents.iter().flatten().map(|id| Touch { id, writes: false }))
    }
}
