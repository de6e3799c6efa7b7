//! Why a caller sees these rows and not others: claims, role, grants, each policy, row by row.
//!
//! Everything is asked of Postgres in a rehearsal. The statement runs as the caller. Then, for each table it reads, row-level security
//! is opened inside the rehearsal and every policy's condition is selected as a column, as the caller, so that each is true, false or
//! null for each row exactly as it was for the statement; the columns and the caller's values that decided stand beside it.
//!
//! Not handled: statements that write (try those with [the matrix](crate::matrix)), and a policy whose condition reads its own table:
//! with row-level security opened it may see more of it than it did.

mod caller;
mod reason;
mod tables;

pub use caller::{Caller, CallerError};

use postgres::{Error, Pool, Rehearsal, RequestContext};
use serde::Serialize;
use squawk_syntax::{SourceFile, SyntaxKind};

use crate::TableName;
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

/// One policy.
#[derive(Debug, Serialize)]
pub struct PolicyExplanation {
    /// Its name.
    pub name: String,
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
    /// Whether the caller sees it.
    pub seen: bool,
    /// Each policy's answer, in the order of the policies.
    pub answers: Vec<Option<bool>>,
    /// The columns that the policies look at: name → value.
    pub columns: Vec<(String, Option<String>)>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Not one statement that reads.
    #[error("this cannot be explained: {found}; expected one `select`")]
    NotASelect {
        /// What it is.
        found: String,
    },
    /// The database could not be used.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Explains what `select` answers the caller.
///
/// # Errors
/// [`ExplainError`]; what Postgres says to the caller is part of the answer.
pub async fn explain(owner: &Pool, caller: &Caller, select: &str) -> Result<Explanation, ExplainError> {
    let names = tables_read(select)?;
    let rehearsal =
        Rehearsal::begin(owner, &[Role::Anonymous.as_str(), Role::Authenticated.as_str(), caller.principal.role()])
            .await?;
    let catalogue = Catalogue::read_in(&rehearsal).await?;
    let counted = format!("select count(*) from ({}) as answer", select.trim().trim_end_matches(';'));
    let attempt = rehearsal.attempt(&caller.principal, (&counted, &[]), None).await?;
    let answer = match attempt.answer {
        Ok(rows) => Answer::Rows(rows[0].get(0)),
        Err(error) => Answer::Refused(error.to_string()),
    };
    let mut tables = Vec::new();
    for name in names {
        if let Some(relation) = catalogue.relation(&name).filter(|relation| relation.is_table()) {
            tables.push(tables::explain(&rehearsal, &caller.principal, relation).await?);
        }
    }
    let said = caller_values(&rehearsal, caller).await?;
    rehearsal.end().await?;
    let sentence = reason::sentence(caller, &said, &tables, &answer);
    Ok(Explanation { role: caller.principal.role().to_owned(), caller: said, tables, answer, sentence })
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

/// The tables that one select reads.
fn tables_read(select: &str) -> Result<Vec<TableName>, ExplainError> {
    let parse = SourceFile::parse(select);
    if let Some(error) = parse.errors().first() {
        return Err(ExplainError::NotASelect { found: format!("it cannot be read ({})", error.message()) });
    }
    let statements: Vec<_> = parse.syntax_node().children().collect();
    match &statements[..] {
        [one] if matches!(one.kind(), SyntaxKind::SELECT | SyntaxKind::COMPOUND_SELECT | SyntaxKind::PAREN_SELECT) => {}
        [one] => {
            return Err(ExplainError::NotASelect {
                found: format!("found {:?}", one.kind()).to_lowercase().replace('_', " "),
            });
        }
        several => return Err(ExplainError::NotASelect { found: format!("found {} statements", several.len()) }),
    }
    let mut names = Vec::new();
    for node in parse.syntax_node().descendants().filter(|node| node.kind() == SyntaxKind::RELATION_NAME_REF) {
        if let Some(name) = crate::lint::table_name(&node).filter(|name| !names.contains(name)) {
            names.push(name);
        }
    }
    Ok(names)
}
