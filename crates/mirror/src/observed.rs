//! What the Backend API showed: many objects at once, written as if events had brought them.
//!
//! The version of such a state is the object's own clock and, as the event's time, the moment before Clerk was asked: an event
//! of anything that happens later wins, and so does a deletion, whenever it comes.

use clerk::Timestamp;
use serde_json::value::RawValue;

use crate::change::{Change, End, State};
use crate::loan::Loan;
use crate::projection::{self, Source};
use crate::reading::chain;
use crate::table::Row;
use crate::version::{ASKED, Version};
use crate::{Mirror, MirrorError, ObjectKind};

/// An object of a page that could not be read, and why; without anything that it said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Mirror {
    /// Writes objects of one kind as Clerk showed them after `asked_at`; for each, whether the mirror shows this state now
    /// (not, when it has a newer one or a tombstone). One transaction: all that can be read, or none.
    ///
    /// # Errors
    /// When the database does not take them.
    pub async fn write(
        &self,
        kind: ObjectKind,
        objects: &[Box<RawValue>],
        asked_at: Timestamp,
        source: Source,
    ) -> Result<Vec<Result<bool, Unreadable>>, MirrorError> {
        let read: Vec<Result<Change, Unreadable>> = objects
            .iter()
            .map(|object| {
                let row = Row::read(kind, object.get()).map_err(|error| Unreadable(chain(&error)))?;
                let version = Version::new(row.updated_at, asked_at, ASKED);
                Ok(Change::State(State { row, version }))
            })
            .collect();
        let changes: Vec<&Change> = read.iter().filter_map(|change| change.as_ref().ok()).collect();
        let mut shown = self.apply(&changes, source).await?.into_iter();
        Ok(read
            .iter()
            .map(|change| change.as_ref().map(|_| shown.next().unwrap_or_default()).map_err(Clone::clone))
            .collect())
    }

    /// Writes tombstones for objects that Clerk, asked at `asked_at`, has no more; for each, whether that changed its row.
    ///
    /// # Errors
    /// When the database does not take them.
    pub async fn bury(
        &self,
        kind: ObjectKind,
        ids: &[String],
        asked_at: Timestamp,
        source: Source,
    ) -> Result<Vec<bool>, MirrorError> {
        let parents = vec![None; kind.layout().parents.len()];
        let end = |id: &String| {
            let version = Version::new(None, asked_at, ASKED);
            Change::End(End { kind, id: id.clone(), parents: parents.clone(), version })
        };
        let ends: Vec<Change> = ids.iter().map(end).collect();
        self.apply(&ends.iter().collect::<Vec<_>>(), source).await
    }

    async fn apply(&self, changes: &[&Change], source: Source) -> Result<Vec<bool>, MirrorError> {
        let loan = Loan::of(&self.pool).await?;
        let shown = projection::begin_and_apply(&loan, changes, source).await?;
        fail::fail_point!("write-applied", |_| Err(MirrorError::Broken));
        loan.batch_execute("commit").await?;
        loan.give_back();
        Ok(shown)
    }
}
