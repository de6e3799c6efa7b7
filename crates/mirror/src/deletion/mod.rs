//! Deletion as policy: what becomes of an application's rows when Clerk deletes a user or an organization.
//!
//! [Rules](Rule) are declared in `rowlock.toml`, [checked](Deletions::check) against the catalogue and
//! [applied](Deletions::apply) to a table. A tombstone queues a step for each of them (migration 11), in the transaction of the
//! delivery and without touching the application's tables: a foreign key of theirs must not refuse a delivery. Each step waits
//! for its hold, in which everything can be [undone](Deletions::undo), and is then [carried out](Deletions::work) in
//! batches. What a table refuses is a state with a reason, tried again with growing pauses and given up after hours.
//!
//! Rules hold for what is deleted from then on. What follows of a deletion is decided when it is queued; how a step is done is
//! decided by the rule as it is when it is done, so that a table that was renamed is repaired in one place.

mod catalogue;
mod ledger;
mod rule;
mod statement;
mod undo;
mod work;

use std::time::Duration;

use postgres::Pool;

use crate::MirrorError;

pub use catalogue::{Checked, RuleError};
pub use ledger::{Deletion, DeletionFilter, ErasureReport, Step, TableRows};
pub use rule::{Action, CheckedRule, Rule, Subject};
pub use undo::{UndoError, Undone};

/// Everything that is declared about deletion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletionPolicy {
    /// In the order in which rows go.
    pub rules: Vec<Rule>,
    /// How long the bodies of deliveries are kept, and how long undoing is possible at least.
    pub hold: Duration,
}

/// Deletions in the database of a pool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Deletions {
    pool: Pool,
}

impl Deletions {
    /// In the database of `pool`, which logs in as the owner.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Holds rules against the catalogue, and changes nothing.
    ///
    /// # Errors
    /// [`RuleError::Unfit`] says everything that is wrong at once.
    pub async fn check(&self, rules: &[Rule]) -> Result<Checked, RuleError> {
        let connection = self.pool.get().await?;
        catalogue::check(&connection, rules).await
    }

    /// Makes these the rules, in place of all that were there; what works but not well.
    ///
    /// # Errors
    /// As [`check`](Self::check); then the rules are as they were.
    pub async fn apply(&self, policy: &DeletionPolicy) -> Result<Checked, RuleError> {
        let checked = self.check(&policy.rules).await?;
        let mut connection = self.pool.get().await?;
        let transaction = connection.transaction().await?;
        transaction.batch_execute(include_str!("../../../../sql/deletion/lock_rules.script.sql")).await?;
        let names: Vec<String> = policy.rules.iter().map(Rule::name).collect();
        transaction.execute(include_str!("../../../../sql/deletion/remove_rules.sql"), &[&names]).await?;
        for (position, CheckedRule { rule, key_columns }) in checked.rules.iter().enumerate() {
            let (soft_column, constants) = match &rule.action {
                Action::Soft { column } => (Some(column), serde_json::json!({})),
                Action::Anonymise { constants } => (None, serde_json::json!(constants)),
                Action::Cascade | Action::Keep => (None, serde_json::json!({})),
            };
            transaction
                .execute(
                    include_str!("../../../../sql/deletion/put_rule.sql"),
                    &[
                        &rule.name(),
                        &i32::try_from(position).unwrap_or(i32::MAX),
                        &rule.schema,
                        &rule.table,
                        &rule.column,
                        key_columns,
                        &rule.subject.as_str(),
                        &rule.action.as_str(),
                        &soft_column,
                        &constants,
                        &seconds(rule.hold),
                    ],
                )
                .await?;
        }
        transaction.execute(include_str!("../../../../sql/deletion/set_hold.sql"), &[&seconds(policy.hold)]).await?;
        transaction.commit().await?;
        Ok(checked)
    }

    /// How many rows each rule would work on, were this user or organization deleted.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn plan(&self, rules: &[CheckedRule], subject_id: &str) -> Result<Vec<TableRows>, MirrorError> {
        let mut plan = Vec::new();
        for rule in rules {
            plan.push(self.rows_of(rule, &rule.count(), subject_id).await?);
        }
        Ok(plan)
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// What kept a step from being done.
enum Trouble {
    /// Postgres refused.
    Refused(tokio_postgres::Error),
    /// It was done, and rows are left.
    Remains,
    /// The rule is of a newer release.
    Unknown,
    /// The connection is gone: nothing can be written down.
    Lost(MirrorError),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        if error.as_db_error().is_some() && !error.is_closed() {
            Self::Refused(error)
        } else {
            Self::Lost(error.into())
        }
    }
}

impl Trouble {
    fn reason(&self) -> String {
        match self {
            Self::Refused(error) => reason(error),
            Self::Remains => "rows remain: a trigger or rule of the table keeps them from being changed".to_owned(),
            Self::Unknown => "the rule was applied by a newer Rowlock and is not understood by this one".to_owned(),
            Self::Lost(error) => error.to_string(),
        }
    }
}

/// What Postgres did not like. Only classes whose messages are made of names are quoted: what an application's triggers raise
/// may say anything.
fn reason(error: &tokio_postgres::Error) -> String {
    const NAMES_ONLY: [&str; 6] = ["23", "25", "40", "42", "55", "57"];
    match error.as_db_error() {
        Some(answer) if NAMES_ONLY.iter().any(|class| answer.code().code().starts_with(class)) => {
            format!("{} ({})", answer.message(), answer.code().code())
        }
        Some(answer) => format!("SQLSTATE {}; the database's log has the message", answer.code().code()),
        None => "the connection broke".to_owned(),
    }
}
