//! Why a caller sees these rows and not others: claims, role, grants, each policy, row by row.
//!
//! Everything is asked of Postgres in a rehearsal. The statement runs as the caller. Then, for each table it reads, row-level security
//! is opened inside the rehearsal and every policy's condition is selected as a column, as the caller, so that each is true, false or
//! null for each row exactly as it was for the statement; the columns and the caller's values that decided stand beside it.
//!
//! A statement that writes is explained step by step ([`changes`]): which rows it means and which of them it reaches, what becomes of
//! them and whether that may be.
//!
//! A `merge`, and a `with` that writes, are explained part by part ([`parts`]).
//!
//! Not handled: a part of a `with` that reads what another part returns, which is said; a policy whose condition reads its own table:
//! with row-level security opened it may see more of it than it did.

mod caller;
mod changes;
mod judge;
mod parts;
mod reason;
mod reason_of_change;
mod statement;
mod tables;

pub use caller::{Caller, CallerError};

use postgres::{Error, Pool, Rehearsal, RequestContext};
use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::model::Role;

/// The whole answer.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The role that the statement runs as.
    pub role: String,
    /// What the functions of schema clerk answer for the caller: name → value.
    pub caller: Vec<(String, Option<String>)>,
    /// Each table that the statement reads.
    pub tables: Vec<TableExplanation>,
    /// What it writes: once for each part of a `with` or a `merge` that writes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeExplanation>,
    /// Parts that are not explained, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// How many rows the statement answers, or what Postgres says instead.
    pub answer: Answer,
    /// One sentence for a person.
    pub sentence: String,
}

/// What the statement came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// So many rows.
    Rows(i64),
    /// So many rows were written, had they stayed.
    Changed(i64),
    /// An error.
    Refused(String),
}

/// One table.
#[derive(Debug, Serialize)]
pub struct TableExplanation {
    /// Which.
    pub table: String,
    /// Whether row-level security is on.
    pub row_security: bool,
    /// Whether the role may read at all.
    pub granted: bool,
    /// Rows in the table.
    pub total: i64,
    /// Rows that some permissive policy lets through.
    pub let_in: i64,
    /// Of those, rows that every restrictive policy lets through: what the caller sees.
    pub visible: i64,
    /// Each policy for reading.
    pub policies: Vec<PolicyExplanation>,
    /// Some rows, those that are not seen first.
    pub rows: Vec<RowExplanation>,
}

/// The table that a statement writes.
#[derive(Debug, Serialize)]
pub struct ChangeExplanation {
    /// Which.
    pub table: String,
    /// `insert`, `update` or `delete`.
    pub command: &'static str,
    /// Whether row-level security is on.
    pub row_security: bool,
    /// What the role must have been granted.
    pub grants: Vec<GrantExplanation>,
    /// Where the statement reads columns (`where: id`): then the policies for reading are asked, too.
    pub also_reads: Vec<String>,
    /// In the order in which Postgres asks.
    pub steps: Vec<StepExplanation>,
    /// What Postgres says against the statement with the policies aside.
    pub stopped: Option<String>,
    /// Whether it is an action of a `merge`, in which a row that may not be changed is an error.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub of_merge: bool,
}

/// One privilege.
#[derive(Debug, Serialize)]
pub struct GrantExplanation {
    /// `select`, `insert`, …
    pub privilege: &'static str,
    /// What of the statement needs it.
    pub for_what: String,
    /// Whether it is there.
    pub has: bool,
    /// Whether no column at all was granted so.
    pub nothing: bool,
    /// Columns that it is missing for.
    pub missing: Vec<String>,
}

/// Rows, and what policies say of them.
#[derive(Debug, Serialize)]
pub struct StepExplanation {
    /// Which rows.
    pub step: Step,
    /// How many.
    pub total: i64,
    /// Rows that permissive policies let through.
    pub let_in: i64,
    /// Of those, rows that every restrictive policy lets through, too.
    pub passed: i64,
    /// What the functions in the conditions answer for the caller: call → value.
    pub answers: Vec<(String, Option<String>)>,
    /// Each policy that is asked.
    pub policies: Vec<PolicyExplanation>,
    /// Some rows, those that do not pass first.
    pub rows: Vec<RowExplanation>,
}

/// Rows of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Those that the statement's own condition holds for. One that does not pass is left out without a word.
    Meant,
    /// Those that an upsert would insert. One that does not pass is an error, as in all that follows.
    Proposed,
    /// Those that an upsert finds there already.
    Existing,
    /// Those that would come of it.
    Written,
}

/// Rows of one table, judged.
struct Judgement {
    answers: Vec<(String, Option<String>)>,
    total: i64,
    let_in: i64,
    passed: i64,
    policies: Vec<PolicyExplanation>,
    rows: Vec<RowExplanation>,
}

/// One policy.
#[derive(Debug, Serialize)]
pub struct PolicyExplanation {
    /// Its name.
    pub name: String,
    /// The command that it is asked for: a statement that writes may ask the policies for `select`, too.
    pub asked_for: &'static str,
    /// `using` or `with check`.
    pub clause: &'static str,
    /// Its condition, as Postgres has it.
    pub condition: String,
    /// Whether it gives (permissive) or takes away.
    pub permissive: bool,
    /// Whether it is for the caller's role at all.
    pub applies: bool,
    /// For so many rows it is true,
    pub true_for: i64,
    /// false,
    pub false_for: i64,
    /// or null, which counts as false.
    pub null_for: i64,
}

/// One row.
#[derive(Debug, Serialize)]
pub struct RowExplanation {
    /// Its primary key.
    pub key: String,
    /// Whether the caller sees it, or the policies of the step let it pass.
    pub seen: bool,
    /// Each policy's answer, in the order of the policies.
    pub answers: Vec<Option<bool>>,
    /// The columns that the policies look at: name → value.
    pub columns: Vec<(String, Option<String>)>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Not one statement that can be explained.
    #[error("this cannot be explained: {found}; expected one `select`, `insert`, `update`, `delete` or `merge`")]
    NotOneStatement {
        /// What it is.
        found: String,
    },
    /// What is written is no table.
    #[error("this cannot be explained: `{found}` is no table of this database; expected the name of one")]
    NoTable {
        /// What was named.
        found: String,
    },
    /// The database could not be used.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Explains what one statement does for the caller. Nothing of it stays.
///
/// # Errors
/// [`ExplainError`]; what Postgres says to the caller is part of the answer.
pub async fn explain(owner: &Pool, caller: &Caller, text: &str) -> Result<Explanation, ExplainError> {
    let statement = statement::read(text)?;
    let rehearsal =
        Rehearsal::begin(owner, &[Role::Anonymous.as_str(), Role::Authenticated.as_str(), caller.principal.role()])
            .await?;
    let catalogue = Catalogue::read_in(&rehearsal).await?;
    let own = text.trim().trim_end_matches(';');
    let answer = if statement.changes.is_empty() && statement.left_out.is_empty() {
        // A comment at the end would swallow the parenthesis.
        match rehearsal
            .attempt(&caller.principal, (&format!("select count(*) from ({own}\n) as answer"), &[]), None)
            .await?
            .answer
        {
            Ok(rows) => Answer::Rows(rows[0].get(0)),
            Err(error) => Answer::Refused(error.to_string()),
        }
    } else {
        match rehearsal.attempt_change(&caller.principal, own).await? {
            Ok(rows) => {
                let rows = i64::try_from(rows).unwrap_or(i64::MAX);
                if statement.selects { Answer::Rows(rows) } else { Answer::Changed(rows) }
            }
            Err(error) => Answer::Refused(error.to_string()),
        }
    };
    let mut tables = Vec::new();
    for name in &statement.reads {
        if let Some(relation) = catalogue.relation(name).filter(|relation| relation.is_table()) {
            tables.push(tables::explain(&rehearsal, &caller.principal, relation).await?);
        }
    }
    let mut changes = Vec::new();
    for change in &statement.changes {
        let relation = catalogue.relation(&change.table).filter(|relation| relation.is_table());
        let no_table = || ExplainError::NoTable { found: change.table.to_string() };
        changes.push(changes::explain(&rehearsal, &caller.principal, relation.ok_or_else(no_table)?, change).await?);
    }
    let said = caller_values(&rehearsal, caller).await?;
    rehearsal.end().await?;
    let sentence = if changes.is_empty() {
        reason::sentence(caller, &said, &tables, &answer)
    } else {
        reason_of_change::sentence(caller, &changes, &statement.left_out, &answer)
    };
    let role = caller.principal.role().to_owned();
    Ok(Explanation { role, caller: said, tables, changes, left_out: statement.left_out, answer, sentence })
}

/// What the caller is, in the words of policies.
async fn caller_values(rehearsal: &Rehearsal, caller: &Caller) -> Result<Vec<(String, Option<String>)>, Error> {
    const VALUES: [(&str, &str); 8] = [
        ("clerk.user_id()", "clerk.user_id()"),
        ("clerk.org_id()", "clerk.org_id()"),
        ("clerk.org_role()", "clerk.org_role()"),
        ("clerk.permissions()", "clerk.permissions()"),
        ("array(select clerk.my_org_ids())", "array(select clerk.my_org_ids())"),
        ("clerk.is_pending()", "clerk.is_pending()"),
        ("clerk.is_impersonated()", "clerk.is_impersonated()"),
        // Of nobody it is false, too, and nobody wonders.
        ("clerk.session_ok()", "clerk.session_ok() or clerk.user_id() is null"),
    ];
    let columns: Vec<String> = VALUES.iter().map(|(_, expression)| format!("({expression})::text")).collect();
    rehearsal.mark().await?;
    // As the owner: a role that may not call a function is told so by its own statement.
    rehearsal.act_as(&caller.principal, &RequestContext::default()).await?;
    rehearsal.run("reset role").await?;
    let rows = rehearsal.query(&format!("select {}", columns.join(", ")), &[]).await?;
    rehearsal.undo().await?;
    Ok(VALUES.iter().enumerate().map(|(place, (name, _))| ((*name).to_owned(), rows[0].get(place))).collect())
}
