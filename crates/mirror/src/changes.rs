//! The audit trail: what happened to which object, when, by what, and in which columns.
//!
//! Written by triggers, whoever writes the mirror (migration 10), and read here. It holds names of columns and never a value:
//! it may be shown to people who may not see the people it is about.

use postgres::Pool;
use serde::Serialize;
use tokio_postgres::Row;

use crate::{Mirror, MirrorError};

/// Which changes to list; empty lists all.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// A table of the mirror, such as `users`.
    pub object: Option<String>,
    /// A Clerk id.
    pub object_id: Option<String>,
    /// One of created, updated, deleted.
    pub what: Option<String>,
    /// Only what happened before the change with this id: the last one of the page before.
    pub before: Option<i64>,
}

/// One change of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Objects that one statement changed in the same way share it; a greater one is younger.
    pub id: i64,
    /// The mirror's table.
    pub object: String,
    /// The object.
    pub object_id: String,
    /// created, updated or deleted.
    pub what: String,
    /// Names of the columns that are different; empty for what was created or deleted, or when only `raw` is different.
    pub columns: Vec<String>,
    /// The delivery it is made of.
    pub delivery_id: String,
    /// webhook, backfill, reconcile or token.
    pub source: String,
    /// When, in milliseconds.
    pub at: i64,
}

impl Mirror {
    /// The changes that fit `filter`, newest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn changes(&self, filter: &ChangeFilter, limit: i64) -> Result<Vec<Change>, MirrorError> {
        let connection = self.pool.get().await?;
        let ChangeFilter { object, object_id, what, before } = filter;
        let rows = match object_id {
            // Two statements: a plan that does for both would read the whole trail for one object.
            Some(id) => {
                let list = connection.prepare_cached(include_str!("../../../sql/changes/of_object.sql")).await?;
                connection.query(&list, &[id, object, what, before, &limit]).await?
            }
            None => {
                let list = connection.prepare_cached(include_str!("../../../sql/changes/list.sql")).await?;
                connection.query(&list, &[object, what, before, &limit]).await?
            }
        };
        Ok(rows.iter().map(change).collect())
    }
}

/// Switches the audit trail on or off in the database of `owner`. Where it is so already, nothing is locked.
///
/// # Errors
/// When the database refuses.
pub async fn record_changes(owner: &Pool, wanted: bool) -> Result<(), postgres::Error> {
    let connection = owner.get().await?;
    let recorded = connection.execute(include_str!("../../../sql/changes/record.sql"), &[&wanted]).await;
    recorded.map(drop).map_err(postgres::Error::Statement)
}

fn change(row: &Row) -> Change {
    Change {
        id: row.get("id"),
        object: row.get("object"),
        object_id: row.get("object_id"),
        what: row.get("what"),
        columns: row.get("columns"),
        delivery_id: row.get("delivery_id"),
        source: row.get("source"),
        at: row.get("at"),
    }
}
