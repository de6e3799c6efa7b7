//! Reading what was queued, done and left.

use serde::Serialize;
use tokio_postgres::Row;

use super::Deletions;
use super::rule::{CheckedRule, StoredRule, Subject, UnknownRule};
use crate::MirrorError;

/// What is to be done, or was done, to one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Table and column; `rowlock.inbox` for the bodies of deliveries.
    pub rule: String,
    /// cascade, soft, anonymise, keep or bodies.
    pub action: String,
    /// held, failed, dead, done, cancelled or undone.
    pub state: String,
    /// Rows done so far.
    pub rows: i64,
    /// How often it failed in a row.
    pub attempts: i32,
    /// Why it failed or was cancelled.
    pub reason: Option<String>,
    /// When it is to be done or tried again, in milliseconds.
    pub next_attempt_at: Option<i64>,
    /// When it ended, in milliseconds.
    pub finished_at: Option<i64>,
}

/// A user or organization that Clerk deleted, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deletion {
    /// Its number, for `undo` and `retry`.
    pub id: i64,
    /// user or organization.
    pub subject: String,
    /// The Clerk id.
    pub subject_id: String,
    /// When Clerk deleted it, in milliseconds.
    pub deleted_at: i64,
    /// When the mirror heard of it, in milliseconds: holds count from here.
    pub noticed_at: i64,
    /// Until when it can be undone, in milliseconds.
    pub held_until: i64,
    /// When it was undone, in milliseconds.
    pub cancelled_at: Option<i64>,
    /// When the bodies of deliveries were erased, in milliseconds.
    pub bodies_erased_at: Option<i64>,
    /// What follows, in order.
    pub steps: Vec<Step>,
}

/// Which deletions to list; empty lists all.
#[derive(Debug, Clone, Default)]
pub struct DeletionFilter {
    /// Of this user or organization.
    pub subject_id: Option<String>,
    /// With a step in this state.
    pub state: Option<String>,
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRows {
    /// Which table.
    pub table: String,
    /// How many rows; none when it cannot be asked.
    pub rows: Option<i64>,
    /// How many of them hold more than ids, where that can be said.
    pub live: Option<i64>,
    /// What is done to them, or why they cannot be counted.
    pub note: String,
}

/// What there is of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErasureReport {
    /// Whom it is about.
    pub subject_id: String,
    /// What followed from the deletion; none when Clerk has not deleted them since the rules are there.
    pub deletion: Option<Deletion>,
    /// Rows of the application that still carry the id, for each rule.
    pub application: Vec<TableRows>,
    /// Rows of the mirror: tombstones hold ids alone, live rows hold what Clerk sent.
    pub mirror: Vec<TableRows>,
    /// Deliveries that are remembered by their ids.
    pub deliveries: i64,
    /// Deliveries whose body is still there.
    pub bodies: i64,
    /// Entries of the audit trail: ids and names of columns.
    pub changes: i64,
    /// Revocations: ids and times.
    pub revocations: i64,
}

impl Deletions {
    /// The deletions that fit `filter`, newest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn list(&self, filter: &DeletionFilter, limit: i64) -> Result<Vec<Deletion>, MirrorError> {
        let connection = self.pool.get().await?;
        let list = connection.prepare_cached(include_str!("../../../../sql/deletion/list.sql")).await?;
        let rows = connection.query(&list, &[&filter.subject_id, &filter.state, &limit]).await?;
        let mut deletions: Vec<Deletion> = rows.iter().map(deletion).collect();
        let ids: Vec<i64> = deletions.iter().map(|deletion| deletion.id).collect();
        let steps = connection.prepare_cached(include_str!("../../../../sql/deletion/steps.sql")).await?;
        for row in connection.query(&steps, &[&ids]).await? {
            let id: i64 = row.get("deletion_id");
            if let Some(deletion) = deletions.iter_mut().find(|deletion| deletion.id == id) {
                deletion.steps.push(step(&row));
            }
        }
        Ok(deletions)
    }

    /// What was done about a user or an organization, and what is left of them.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn report(&self, subject_id: &str) -> Result<ErasureReport, MirrorError> {
        let filter = DeletionFilter { subject_id: Some(subject_id.to_owned()), state: None };
        let deletion = self.list(&filter, 1).await?.pop();
        let subject = if subject_id.starts_with("org_") { Subject::Organization } else { Subject::User };
        let mut application = Vec::new();
        for rule in self.rules().await?.iter().filter(|rule| rule.rule.subject == subject) {
            application.push(self.rows_of(rule, &rule.count_all(), subject_id).await?);
        }
        let connection = self.pool.get().await?;
        let remains = connection.prepare_cached(include_str!("../../../../sql/deletion/remains.sql")).await?;
        let row = connection.query_one(&remains, &[&subject_id]).await?;
        let mirrored = connection.prepare_cached(include_str!("../../../../sql/deletion/mirror_remains.sql")).await?;
        let mirror = connection.query(&mirrored, &[&subject_id]).await?;
        Ok(ErasureReport {
            subject_id: subject_id.to_owned(),
            deletion,
            application,
            mirror: mirror.iter().map(mirrored_rows).collect(),
            deliveries: row.get("deliveries"),
            bodies: row.get("bodies"),
            changes: row.get("changes"),
            revocations: row.get("revocations"),
        })
    }

    /// The rules as they were applied last.
    pub(crate) async fn rules(&self) -> Result<Vec<CheckedRule>, MirrorError> {
        let connection = self.pool.get().await?;
        let rules = connection.prepare_cached(include_str!("../../../../sql/deletion/rules.sql")).await?;
        let rows = connection.query(&rules, &[]).await?;
        Ok(rows.iter().filter_map(|row| stored_rule(row)?.ok()).collect())
    }

    /// Counts rows of somebody. A table that cannot be asked is said to be one.
    pub(crate) async fn rows_of(
        &self,
        rule: &CheckedRule,
        count: &str,
        subject_id: &str,
    ) -> Result<TableRows, MirrorError> {
        let table = rule.rule.name();
        let mut connection = self.pool.get().await?;
        let transaction = connection.build_transaction().read_only(true).start().await?;
        let settings = include_str!("../../../../sql/deletion/settings.sql");
        transaction.query_one(settings, &[]).await?;
        let counted = match transaction.query_one(count, &[&subject_id]).await {
            Ok(row) => {
                TableRows { table, rows: Some(row.get(0)), live: None, note: rule.rule.action.as_str().to_owned() }
            }
            Err(error) if error.as_db_error().is_some() => {
                TableRows { table, rows: None, live: None, note: super::reason(&error) }
            }
            Err(error) => return Err(error.into()),
        };
        transaction.rollback().await?;
        Ok(counted)
    }
}

/// The rule of a row: none where there is none any more, an error where this release does not understand it.
pub(crate) fn stored_rule(row: &Row) -> Option<Result<CheckedRule, UnknownRule>> {
    let definition: Option<serde_json::Value> = row.get("definition");
    let stored: Result<StoredRule, _> = serde_json::from_value(definition?);
    Some(stored.ok().and_then(StoredRule::checked).ok_or(UnknownRule))
}

fn deletion(row: &Row) -> Deletion {
    Deletion {
        id: row.get("id"),
        subject: row.get("subject"),
        subject_id: row.get("subject_id"),
        deleted_at: row.get("deleted_at"),
        noticed_at: row.get("noticed_at"),
        held_until: row.get("held_until"),
        cancelled_at: row.get("cancelled_at"),
        bodies_erased_at: row.get("bodies_erased_at"),
        steps: Vec::new(),
    }
}

fn step(row: &Row) -> Step {
    Step {
        rule: row.get("rule"),
        action: row.get("action"),
        state: row.get("state"),
        rows: row.get("rows"),
        attempts: row.get("attempts"),
        reason: row.get("reason"),
        next_attempt_at: row.get("next_attempt_at"),
        finished_at: row.get("finished_at"),
    }
}

fn mirrored_rows(row: &Row) -> TableRows {
    let (rows, live): (i64, i64) = (row.get("rows"), row.get("live"));
    let note = if live == 0 { "tombstones: ids alone" } else { "live rows hold what Clerk sent" };
    TableRows {
        table: format!("clerk.{}", row.get::<_, &str>("name")),
        rows: Some(rows),
        live: Some(live),
        note: note.to_owned(),
    }
}
