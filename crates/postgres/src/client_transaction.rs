//! A client's transaction in full: what the [principal transaction](crate::AsPrincipal) is for one statement, with everything a
//! data API needs to say about it.
//!
//! ```text
//! begin <isolation> <read only | read write>
//! select set_config('search_path', …, true), …, set_config('role', …, true), …
//! <a function that may refuse>
//! <the client's statements>
//! commit | rollback
//! <whatever the statements left in the session is removed>
//! ```
//!
//! The guarantees are the same ones, for the same reasons: all steps have one Sync point, so behind an unknown role or a refusal
//! nothing runs, neither the statement nor the commit; settings end with the transaction; a caller that goes away cancels and
//! discards the connection.
//!
//! Where the end is known beforehand, all of it is one flight, also the first time that a statement is prepared. Where it depends on
//! the rows ([`End::Decided`]: "exactly one", "at most five"), nothing is committed before they have been seen, and the end is
//! a second flight; and so it is where something was refused.

use std::borrow::Cow;

use tokens::Principal;
use tokio_postgres::types::Type;

use crate::client_pool::{Boarded, ClientPool};
use crate::wire::{Landed, Row, Step, is_stale};
use crate::{Error, Parameter};

/// For whom a transaction runs.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    role: &'a str,
    claims: &'a str,
}

impl<'a> From<&'a Principal> for Identity<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self { role: principal.role(), claims: principal.claims_json() }
    }
}

impl<'a> Identity<'a> {
    /// A role that no [`Principal`] stands for: only the login's memberships in Postgres limit what it may be.
    ///
    /// For a drop-in replacement of PostgREST, whose `authenticator` login is made for that.
    pub fn limited_by_login_alone(role: &'a str, claims: &'a str) -> Self {
        Self { role, claims }
    }
}

/// A setting for the transaction and its value.
pub type Setting<'a> = (Cow<'a, str>, Cow<'a, str>);

/// How a transaction sees others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// What was committed before each statement.
    #[default]
    ReadCommitted,
    /// What was committed before the first statement.
    RepeatableRead,
    /// As if there were no others.
    Serializable,
}

/// How a transaction ends.
#[derive(Clone, Copy)]
pub enum End<'a> {
    /// Whatever the rows are.
    Commit,
    /// Whatever the rows are; deferred constraints are checked before.
    RollBack,
    /// As is decided on seeing the rows of each statement. Costs a round trip.
    Decided(&'a (dyn Fn(&[Vec<Row>]) -> Verdict + Send + Sync)),
}

/// What is decided on seeing the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Commit,
    /// It was only a try, and would have held: deferred constraints are checked before.
    RollBack,
    /// It should not have happened.
    Discard,
}

/// A statement and its parameters.
pub type ClientStatement<'a> = (&'a str, &'a [Parameter<'a>]);

/// A transaction for one client.
#[derive(Clone)]
pub struct ClientTransaction<'a> {
    /// For whom.
    pub identity: Identity<'a>,
    /// Whether Postgres refuses to write.
    pub read_only: bool,
    /// How it sees others.
    pub isolation: Isolation,
    /// Set before the role is: names are looked up under these, and a login may be allowed settings that the role is not.
    pub settings_before_role: &'a [Setting<'a>],
    /// Set after the role is, with `request.jwt.claims` first.
    pub settings: &'a [Setting<'a>],
    /// Whether the mirror's rows of the caller are made first, as in [`AsPrincipal::ensuring_rows`](crate::AsPrincipal::ensuring_rows).
    pub ensures_rows: bool,
    /// Runs before the statements; an error ends it all. The text must be ours.
    pub before: Option<&'a str>,
    /// The texts must be ours, built of known parts.
    pub statements: &'a [ClientStatement<'a>],
    /// Whether the connection remembers the statements, prepared for this role and search path.
    pub prepares: bool,
    /// How it ends.
    pub end: End<'a>,
}

impl ClientPool {
    /// Runs `transaction` and returns the rows of each statement after its end.
    ///
    /// # Errors
    /// The first error that Postgres gave, in the order of the steps. Nothing has been committed then.
    pub async fn run_for_client(&self, transaction: ClientTransaction<'_>) -> Result<Vec<Vec<Row>>, Error> {
        match self.run_once(&transaction).await {
            // Nothing has happened: Postgres refused to use what was prepared.
            Err(Error::Refused(refusal)) if transaction.prepares && is_stale(&refusal) => {
                Box::pin(self.run_once(&ClientTransaction { prepares: false, ..transaction })).await
            }
            result => result,
        }
    }

    async fn run_once(&self, transaction: &ClientTransaction<'_>) -> Result<Vec<Vec<Row>>, Error> {
        let mut connection = self.board().await?;
        let mut steps = Steps::of(transaction);
        let (settings, values) = settings(transaction);
        let settings_values: Vec<Parameter<'_>> = values.iter().map(|value| (value as _, Type::TEXT)).collect();
        let scope = scope(transaction);
        let scope = scope.as_deref();
        steps.push_all([begin(transaction)]);
        steps.push(&settings, &settings_values, steps.any_scope());
        if transaction.ensures_rows {
            // Whoever only reads may have to be made known first; from then on nothing is written.
            steps.push_all([ENSURE_CALLER]);
            steps.push_all(transaction.read_only.then_some(FORBID_WRITING));
        }
        if let Some(before) = transaction.before {
            steps.push(before, &[], scope);
        }
        let first = steps.all.len();
        for (text, parameters) in transaction.statements {
            steps.push(text, parameters, scope);
        }
        let end = match transaction.end {
            End::Commit => Some(Verdict::Commit),
            End::RollBack => Some(Verdict::RollBack),
            End::Decided(_) => None,
        };
        if let Some(end) = end {
            steps.end(end);
        }
        let ended = steps.all.len() - if end.is_some() { steps.cleans.len() } else { 0 };
        let mut landed = match connection.fly(&steps.all).await {
            Ok(landed) => landed,
            Err(error) => {
                if matches!(error, Error::Unsendable(_)) {
                    connection.leave();
                }
                return Err(error);
            }
        };
        let has_ended = end.is_some() && landed.rows.len() >= ended;
        if let Some(error) = landed.broken.take() {
            // Broken under the cleaning: it has ended as it should.
            return if has_ended { Ok(rows_of(landed, first, transaction)) } else { Err(error) };
        }
        let refusal = match landed.refusal.take() {
            None => {
                let rows = rows_of(landed, first, transaction);
                if let End::Decided(decide) = transaction.end {
                    Box::pin(finish(connection, transaction, decide(&rows))).await?;
                } else {
                    connection.leave();
                }
                return Ok(rows);
            }
            // It has ended as it should. What cannot be cleaned is not given back.
            Some(_) if has_ended => return Ok(rows_of(landed, first, transaction)),
            Some(refusal) => refusal,
        };
        if is_stale(&refusal) {
            connection.wire().forget_statements();
        }
        if let Err(error) = Box::pin(finish(connection, transaction, Verdict::Discard)).await {
            tracing::debug!(%error, "a connection that cannot be cleaned is not used again");
        }
        Err(Error::Refused(Box::new(refusal)))
    }
}

fn rows_of(landed: Landed, first: usize, transaction: &ClientTransaction<'_>) -> Vec<Vec<Row>> {
    landed.rows.into_iter().skip(first).take(transaction.statements.len()).collect()
}

/// The second flight: the end alone, and cleaning. The connection goes back only when it is clean.
async fn finish(mut connection: Boarded, transaction: &ClientTransaction<'_>, verdict: Verdict) -> Result<(), Error> {
    let mut steps = Steps::of(transaction).cleaning_all();
    steps.end(verdict);
    let ended = steps.all.len() - steps.cleans.len();
    let landed = connection.fly(&steps.all).await?;
    let has_ended = landed.rows.len() >= ended;
    if let Some(error) = landed.broken {
        return if has_ended { Ok(()) } else { Err(error) };
    }
    match landed.refusal {
        None => connection.leave(),
        Some(_) if has_ended => {}
        // What was deferred did not hold, so nothing is left but to clean.
        Some(refusal) => {
            let mut steps = Steps::of(transaction).cleaning_all();
            steps.end(Verdict::Discard);
            if connection.fly(&steps.all).await?.all_or_refusal().is_ok() {
                connection.leave();
            }
            return Err(Error::Refused(Box::new(refusal)));
        }
    }
    Ok(())
}

/// The steps of a flight, in order.
struct Steps<'a> {
    all: Vec<Step<'a>>,
    prepares: bool,
    /// What stands behind the end.
    cleans: &'static [&'static str],
}

impl<'a> Steps<'a> {
    fn of(transaction: &ClientTransaction<'_>) -> Self {
        // Where rows are ensured it begins with writing.
        let only_reads = transaction.read_only && !transaction.ensures_rows;
        let cleans = if only_reads { CLEAN_AFTER_READING } else { &CLEAN };
        Self { all: Vec::with_capacity(16), prepares: transaction.prepares, cleans }
    }

    fn cleaning_all(self) -> Self {
        Self { cleans: &CLEAN, ..self }
    }

    /// For what means the same whoever asks.
    fn any_scope(&self) -> Option<&'static str> {
        self.prepares.then_some("")
    }

    fn push(&mut self, text: &'a str, parameters: &'a [Parameter<'a>], scope: Option<&'a str>) {
        self.all.push(Step { text, parameters, scope });
    }

    fn push_all(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        let scope = self.any_scope();
        self.all.extend(texts.into_iter().map(|text| Step { text, parameters: &[], scope }));
    }

    fn end(&mut self, verdict: Verdict) {
        self.push_all(
            match verdict {
                Verdict::Commit => [None, Some("commit")],
                // A transaction that is rolled back has not met its deferred constraints yet.
                Verdict::RollBack => [Some("set constraints all immediate"), Some("rollback")],
                Verdict::Discard => [None, Some("rollback")],
            }
            .into_iter()
            .flatten(),
        );
        self.push_all(self.cleans.iter().copied());
    }
}

/// Role and search path, on which a plan depends.
fn scope(transaction: &ClientTransaction<'_>) -> Option<String> {
    if !transaction.prepares {
        return None;
    }
    let mut scope = String::from(transaction.identity.role);
    for (_, value) in transaction.settings_before_role {
        scope.push('\0');
        scope.push_str(value);
    }
    Some(scope)
}

const ENSURE_CALLER: &str = include_str!("../../../sql/principal/ensure_caller.sql");
const FORBID_WRITING: &str = "set transaction read only";

/// Whatever a statement can leave behind on purpose; any function it calls may do so.
const CLEAN: [&str; 6] = [
    "close all",
    // The role, too.
    "reset session authorization",
    "reset all",
    "select pg_catalog.pg_advisory_unlock_all()",
    "discard temp",
    "unlisten *",
];
/// What of it a transaction that cannot write may have left for others to meet: cursors with rows that it was allowed to see, a role,
/// settings, locks. It makes no temporary tables, and notifications have no reader here.
const CLEAN_AFTER_READING: &[&str] = CLEAN.split_at(4).0;

fn begin(transaction: &ClientTransaction<'_>) -> &'static str {
    match (transaction.isolation, transaction.read_only && !transaction.ensures_rows) {
        (Isolation::ReadCommitted, true) => "begin isolation level read committed read only",
        (Isolation::ReadCommitted, false) => "begin isolation level read committed read write",
        (Isolation::RepeatableRead, true) => "begin isolation level repeatable read read only",
        (Isolation::RepeatableRead, false) => "begin isolation level repeatable read read write",
        (Isolation::Serializable, true) => "begin isolation level serializable read only",
        (Isolation::Serializable, false) => "begin isolation level serializable read write",
    }
}

/// One statement for all settings, names and values as parameters.
fn settings<'a>(transaction: &ClientTransaction<'a>) -> (String, Vec<&'a str>) {
    fn borrowed<'a>(setting: &'a Setting<'_>) -> [&'a str; 2] {
        [setting.0.as_ref(), setting.1.as_ref()]
    }
    let Identity { role, claims } = transaction.identity;
    let values: Vec<&str> = transaction
        .settings_before_role
        .iter()
        .map(borrowed)
        .chain([["role", role], ["request.jwt.claims", claims]])
        .chain(transaction.settings.iter().map(borrowed))
        .flatten()
        .collect();
    let mut text = String::from("select ");
    for number in (1..values.len()).step_by(2) {
        if number > 1 {
            text.push_str(", ");
        }
        text.push_str(&format!("set_config(${number}, ${}, true)", number + 1));
    }
    (text, values)
}
