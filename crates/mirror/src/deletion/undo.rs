//! Taking a deletion back, as far as that is possible.

use serde::Serialize;
use tokio_postgres::Row;

use super::Deletions;
use super::ledger::stored_rule;
use crate::MirrorError;

/// Why nothing was undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// No such deletion.
    #[error("there is no deletion {0}; `rowlock deletion list` shows those there are")]
    Unknown(i64),
    /// Somebody was faster.
    #[error("deletion {0} was undone already")]
    Already(i64),
    /// The hold is over.
    #[error("deletion {0} cannot be undone any more: its hold is over")]
    TooLate(i64),
    /// Everything is done, and nothing of it can be taken back.
    #[error("deletion {0} cannot be undone: everything is done, and nothing of it can be taken back ({1})")]
    Final(i64, String),
    /// The database could not do it; nothing was changed.
    #[error(transparent)]
    Database(#[from] MirrorError),
}

impl From<tokio_postgres::Error> for UndoError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<postgres::Error> for UndoError {
    fn from(error: postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

/// What became of the parts of a deletion that was undone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// Will not be done.
    pub cancelled: Vec<String>,
    /// Soft deletions that were taken back, with the number of rows.
    pub restored: Vec<(String, u64)>,
    /// Done, and not to be taken back.
    pub gone: Vec<String>,
}

impl Deletions {
    /// Cancels what has not been done of deletion `id`, and takes back what was deleted softly. Waits for a batch that is
    /// under way.
    ///
    /// # Errors
    /// [`UndoError`] says why nothing was changed.
    pub async fn undo(&self, id: i64) -> Result<Undone, UndoError> {
        let mut connection = self.pool.get().await?;
        let transaction = connection.transaction().await?;
        transaction.query_one(include_str!("../../../../sql/deletion/settings.sql"), &[]).await?;
        // A batch may take as long as its own limit.
        transaction.batch_execute("set local lock_timeout to '70s'; set local statement_timeout to '90s'").await?;
        let lock = include_str!("../../../../sql/deletion/lock_deletion.sql");
        let deletion = transaction.query_opt(lock, &[&id]).await?.ok_or(UndoError::Unknown(id))?;
        if deletion.get("is_cancelled") {
            return Err(UndoError::Already(id));
        }
        if deletion.get("is_over") {
            return Err(UndoError::TooLate(id));
        }
        let subject_id: String = deletion.get("subject_id");
        let steps = transaction.query(include_str!("../../../../sql/deletion/lock_steps.sql"), &[&id]).await?;
        let mut undone = Undone::default();
        for step in &steps {
            let (name, state): (String, &str) = (step.get("rule"), step.get("state"));
            if let Some((restore, mark)) = restoring(step) {
                let restored = transaction.execute(&restore, &[&subject_id, &mark]).await?;
                transaction.execute(include_str!("../../../../sql/deletion/restored.sql"), &[&id, &name]).await?;
                undone.restored.push((name, restored));
            } else if matches!(state, "held" | "failed" | "dead") {
                let cancel = include_str!("../../../../sql/deletion/cancel_step.sql");
                transaction.execute(cancel, &[&id, &name, &"undone by hand"]).await?;
                let rows: i64 = step.get("rows");
                if rows > 0 {
                    undone.gone.push(format!("{name} ({rows} rows)"));
                }
                undone.cancelled.push(name);
            } else if state == "done" && step.get::<_, &str>("action") != "keep" && step.get::<_, i64>("rows") > 0 {
                undone.gone.push(format!("{name} ({} rows)", step.get::<_, i64>("rows")));
            }
        }
        if undone.cancelled.is_empty() && undone.restored.is_empty() {
            return Err(UndoError::Final(id, undone.gone.join(", ")));
        }
        transaction.execute(include_str!("../../../../sql/deletion/cancelled.sql"), &[&id]).await?;
        fail::fail_point!("deletion-undone", |_| Err(UndoError::Database(MirrorError::Broken)));
        transaction.commit().await?;
        Ok(undone)
    }

    /// Tries the failed and dead steps of deletion `id` again, at once; how many there are.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn retry(&self, id: i64) -> Result<u64, MirrorError> {
        let connection = self.pool.get().await?;
        Ok(connection.execute(include_str!("../../../../sql/deletion/retry.sql"), &[&id]).await?)
    }
}

/// The statement that takes a step back, and what the step wrote, if it is a soft deletion that has begun.
fn restoring(step: &Row) -> Option<(String, String)> {
    if step.get::<_, &str>("action") != "soft" {
        return None;
    }
    let mark: Option<String> = step.get("mark");
    let rule = stored_rule(step)?.ok()?;
    Some((rule.restore()?, mark?))
}
