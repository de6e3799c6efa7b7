//! Carrying out what is due.
//!
//! One batch of one step is one transaction: what was done and how far it has come are written together, so whoever dies in
//! the middle has done nothing, and whoever comes next goes on from there. Any number of processes may work at once; a step is
//! locked by the one that works on it.

use std::time::Duration;

use tokio_postgres::Row;
use tokio_util::sync::CancellationToken;

use super::ledger::stored_rule;
use super::rule::{Action, CheckedRule, UnknownRule};
use super::{Deletions, Trouble};
use crate::MirrorError;
use crate::backoff::{self, MAX_ATTEMPTS};
use crate::loan::Loan;

/// How often the queue is looked through.
const POLL: Duration = Duration::from_secs(2);
/// Rows in one transaction: few enough not to keep an application waiting for long.
const BATCH: i64 = 2000;
/// How often deliveries about people who are erased already are looked for.
const LATE_EVERY: Duration = Duration::from_secs(60 * 60);

/// What one batch came to.
struct Progress {
    action: &'static str,
    rows: i64,
    is_finished: bool,
}

/// A step that is due and locked.
struct Due {
    deletion_id: i64,
    name: String,
    subject_id: String,
    attempts: i32,
    mark: String,
    task: Task,
}

enum Task {
    Bodies,
    Rule(CheckedRule),
    /// The rule was taken out of the configuration.
    Nothing,
    /// A newer release has applied the rule.
    Unknown,
}

impl Deletions {
    /// Does what is due, until cancelled.
    pub async fn work(&self, cancelled: CancellationToken) {
        let mut looked_for_late: Option<tokio::time::Instant> = None;
        while !cancelled.is_cancelled() {
            let done = tokio::select! {
                () = cancelled.cancelled() => return,
                done = self.work_once() => done,
            };
            let pause = match done {
                Ok(true) => Duration::ZERO,
                Ok(false) => POLL,
                Err(error) => {
                    tracing::warn!(error = error.without_data(), "deletions could not be worked on");
                    POLL
                }
            };
            if looked_for_late.is_none_or(|at| at.elapsed() > LATE_EVERY) {
                looked_for_late = Some(tokio::time::Instant::now());
                if let Err(error) = self.erase_late_bodies().await {
                    tracing::warn!(
                        error = error.without_data(),
                        "late deliveries about erased people could not be emptied"
                    );
                }
            }
            tokio::select! {
                () = cancelled.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Does one batch of one step that is due; whether there was one.
    ///
    /// # Errors
    /// When the database cannot be asked. What a table refuses is no error here: it is written down at the step.
    pub async fn work_once(&self) -> Result<bool, MirrorError> {
        let loan = Loan::of(&self.pool).await?;
        loan.batch_execute("begin isolation level read committed").await?;
        loan.query_one(include_str!("../../../../sql/deletion/settings.sql"), &[]).await?;
        let claim = loan.prepare_cached(include_str!("../../../../sql/deletion/claim.sql")).await?;
        let Some(row) = loan.query_opt(&claim, &[]).await? else {
            loan.batch_execute("rollback").await?;
            loan.give_back();
            self.count_waiting().await?;
            return Ok(false);
        };
        let due = due(&row);
        fail::fail_point!("deletion-claimed", |_| Err(MirrorError::Broken));
        loan.batch_execute("savepoint step").await?;
        match step(&loan, &due).await {
            Ok(progress) => {
                fail::fail_point!("deletion-batch-done", |_| Err(MirrorError::Broken));
                note_progress(&loan, &due, &progress).await?;
                fail::fail_point!("deletion-batch-noted", |_| Err(MirrorError::Broken));
                loan.batch_execute("commit").await?;
                loan.give_back();
                announce(&due, &progress);
            }
            Err(Trouble::Lost(error)) => return Err(error),
            Err(trouble) => {
                loan.batch_execute("rollback to savepoint step").await?;
                let reason = trouble.reason();
                let is_dead = note_trouble(&loan, &due, &reason).await?;
                loan.batch_execute("commit").await?;
                loan.give_back();
                let (deletion, rule) = (due.deletion_id, due.name.as_str());
                if is_dead {
                    tracing::error!(deletion, rule, reason, "a deletion was given up");
                } else {
                    tracing::warn!(deletion, rule, reason, "a deletion could not be done yet");
                }
            }
        }
        self.count_waiting().await?;
        Ok(true)
    }

    async fn count_waiting(&self) -> Result<(), MirrorError> {
        let connection = self.pool.get().await?;
        let waiting = connection.prepare_cached(include_str!("../../../../sql/deletion/waiting.sql")).await?;
        let row = connection.query_one(&waiting, &[]).await?;
        for state in ["held", "failed", "dead"] {
            let steps: i64 = row.get(state);
            metrics::gauge!("rowlock_deletion_steps", "state" => state).set(steps as f64);
        }
        Ok(())
    }

    /// Empties the bodies of deliveries that came after the person they are about was erased; how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn erase_late_bodies(&self) -> Result<i64, MirrorError> {
        let connection = self.pool.get().await?;
        let row = connection.query_one(include_str!("../../../../sql/deletion/erase_late_bodies.sql"), &[]).await?;
        Ok(row.get(0))
    }
}

fn due(row: &Row) -> Due {
    let action: &str = row.get("action");
    let task = if action == "bodies" {
        Task::Bodies
    } else {
        match stored_rule(row) {
            Some(Ok(rule)) => Task::Rule(rule),
            Some(Err(UnknownRule)) => Task::Unknown,
            None => Task::Nothing,
        }
    };
    Due {
        deletion_id: row.get("deletion_id"),
        name: row.get("rule"),
        subject_id: row.get("subject_id"),
        attempts: row.get("attempts"),
        mark: row.get("mark"),
        task,
    }
}

async fn step(loan: &Loan, due: &Due) -> Result<Progress, Trouble> {
    match &due.task {
        Task::Nothing => Ok(Progress { action: "none", rows: 0, is_finished: true }),
        Task::Unknown => Err(Trouble::Unknown),
        Task::Bodies => {
            let erase = include_str!("../../../../sql/deletion/erase_bodies.sql");
            let most = i32::try_from(BATCH).unwrap_or(i32::MAX);
            let rows: i64 = loan.query_one(erase, &[&due.subject_id, &most]).await?.get(0);
            Ok(Progress { action: "bodies", rows, is_finished: rows < BATCH })
        }
        Task::Rule(rule) => by_rule(loan, due, rule).await,
    }
}

async fn by_rule(loan: &Loan, due: &Due, rule: &CheckedRule) -> Result<Progress, Trouble> {
    let (action, id) = (rule.rule.action.as_str(), &due.subject_id);
    let Some(batch) = rule.batch() else {
        let rows: i64 = loan.query_one(&rule.count(), &[id]).await?.get(0);
        return Ok(Progress { action, rows, is_finished: true });
    };
    let rows = match rule.rule.action {
        Action::Soft { .. } => loan.execute(&batch, &[id, &BATCH, &due.mark]).await?,
        _ => loan.execute(&batch, &[id, &BATCH]).await?,
    };
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let is_left: bool = loan.query_one(&rule.any_left(), &[id]).await?.get(0);
    // A trigger or rule of the table swallows what we do: going on would do nothing for ever, or the same again and again.
    if is_left && rows < BATCH {
        return Err(Trouble::Remains);
    }
    Ok(Progress { action, rows, is_finished: !is_left })
}

async fn note_progress(loan: &Loan, due: &Due, progress: &Progress) -> Result<(), MirrorError> {
    let (id, name) = (&due.deletion_id, &due.name);
    if let Task::Nothing = due.task {
        let cancel = include_str!("../../../../sql/deletion/cancel_step.sql");
        loan.execute(cancel, &[id, name, &"there is no rule for this table any more"]).await?;
        return Ok(());
    }
    let note = include_str!("../../../../sql/deletion/progress.sql");
    let Progress { action, rows, is_finished } = progress;
    loan.execute(note, &[id, name, action, rows, &due.mark, is_finished]).await?;
    if let (Task::Bodies, true) = (&due.task, is_finished) {
        loan.execute(include_str!("../../../../sql/deletion/bodies_erased.sql"), &[id]).await?;
    }
    Ok(())
}

/// Whether that was the last attempt.
async fn note_trouble(loan: &Loan, due: &Due, reason: &str) -> Result<bool, MirrorError> {
    let attempts = due.attempts + 1;
    let is_dead = attempts >= MAX_ATTEMPTS;
    let pause = (!is_dead).then(|| i64::try_from(backoff::pause(attempts).as_millis()).unwrap_or(i64::MAX));
    let fail = include_str!("../../../../sql/deletion/fail.sql");
    loan.execute(fail, &[&due.deletion_id, &due.name, &attempts, &reason, &pause]).await?;
    Ok(is_dead)
}

fn announce(due: &Due, progress: &Progress) {
    let rows = u64::try_from(progress.rows).unwrap_or(0);
    metrics::counter!("rowlock_deletion_rows_total", "action" => progress.action).increment(rows);
    if progress.is_finished {
        let (deletion, rule) = (due.deletion_id, due.name.as_str());
        tracing::info!(deletion, rule, action = progress.action, "a deletion was carried out");
    }
}
