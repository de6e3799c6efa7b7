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
//! The guarantees are the same ones, for the same reasons: each step has its own Sync point, so an unknown role or a refusal
//! aborts what follows; settings end with the transaction; a caller that goes away cancels and discards the connection.
//!
//! Where the end is known beforehand, all of it is one flight. Where it depends on the rows ([`End::Decided`]: "exactly one",
//! "at most five"), nothing is committed before they have been seen, and the end is a second flight.

use std::borrow::Cow;

use futures_util::future::{OptionFuture, join_all};
use futures_util::join;
use tokens::Principal;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement};

use crate::prepared::is_stale;
use crate::principal_transaction::{CLEAN, ENSURE_CALLER, InFlight, commit_and_clean};
use crate::{Connection, Error, Parameter, Pool};

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

impl Pool {
    /// Runs `transaction` and returns the rows of each statement after its end.
    ///
    /// # Errors
    /// The first error that Postgres gave, in the order of the steps. Nothing has been committed then.
    pub async fn run_for_client(&self, transaction: ClientTransaction<'_>) -> Result<Vec<Vec<Row>>, Error> {
        match self.run_once(&transaction).await {
            // Nothing has happened: Postgres refused to use what was prepared.
            Err(Error::Statement(error)) if transaction.prepares && is_stale(&error) => {
                self.run_once(&ClientTransaction { prepares: false, ..transaction }).await
            }
            result => result,
        }
    }

    async fn run_once(&self, transaction: &ClientTransaction<'_>) -> Result<Vec<Vec<Row>>, Error> {
        let flight = InFlight::new(self.get().await?);
        let connection = flight.connection();
        let statements = PreparedFor::look_up(self, connection, transaction);
        let settings = statements.settings(transaction).await.map_err(Error::Statement)?;
        let body = body(connection, transaction, &settings, &statements);
        let (rows, ended, cleaned) = match (transaction.end, statements.need_another_flight()) {
            (End::Commit, false) => {
                let (rows, (ended, cleaned)) = join!(body, commit_and_clean(connection));
                (rows, ended, cleaned)
            }
            (End::RollBack, false) => {
                let (rows, (ended, cleaned)) = join!(body, rolled_back(connection));
                (rows, ended, cleaned)
            }
            (end, _) => {
                let rows = body.await;
                let verdict = match (&rows, end) {
                    (Err(_), _) => Verdict::Discard,
                    (Ok(_), End::Commit) => Verdict::Commit,
                    (Ok(_), End::RollBack) => Verdict::RollBack,
                    (Ok(rows), End::Decided(decide)) => decide(rows),
                };
                let (ended, cleaned) = match verdict {
                    Verdict::Commit => commit_and_clean(connection).await,
                    Verdict::RollBack => rolled_back(connection).await,
                    Verdict::Discard => {
                        let (ended, cleaned) =
                            join!(connection.batch_execute("rollback"), connection.batch_execute(CLEAN));
                        (ended, cleaned.is_ok())
                    }
                };
                (rows, ended, cleaned)
            }
        };
        if rows.as_ref().is_err_and(is_stale) {
            statements.forget();
        }
        if cleaned {
            flight.land();
        }
        let rows = rows.map_err(Error::Statement)?;
        ended.map_err(Error::Statement)?;
        Ok(rows)
    }
}

type Told<T> = Result<T, tokio_postgres::Error>;

/// Everything between the connection and the end. What is written here is sent on the first poll, in this order.
async fn body(
    connection: &Connection,
    transaction: &ClientTransaction<'_>,
    settings: &Settings<'_>,
    statements: &PreparedFor<'_>,
) -> Told<Vec<Vec<Row>>> {
    let ensured = async {
        if transaction.ensures_rows {
            // Whoever only reads may have to be made known first; from then on nothing is written.
            let forbid = if transaction.read_only { FORBID_WRITING } else { "" };
            let (ensured, forbidden) =
                join!(connection.query_typed(ENSURE_CALLER, &[]), connection.batch_execute(forbid));
            ensured?;
            forbidden?;
        }
        Ok(())
    };
    let before: OptionFuture<_> = transaction.before.map(|text| connection.query_typed(text, &[])).into();
    let rows = (0..transaction.statements.len()).map(|index| statements.rows(index));
    let (begun, set, ensured, before, rows) = join!(
        connection.batch_execute(begin(transaction)),
        settings.apply(connection),
        ensured,
        before,
        join_all(rows),
    );
    begun?;
    set?;
    ensured?;
    before.transpose()?;
    rows.into_iter().collect()
}

/// Checks what was deferred, rolls back and cleans.
async fn rolled_back(connection: &Connection) -> (Told<()>, bool) {
    let (checked, ended, cleaned) =
        join!(connection.batch_execute(CHECK), connection.batch_execute("rollback"), connection.batch_execute(CLEAN));
    (checked.and(ended), cleaned.is_ok())
}

/// The statements of a transaction, and what of them its connection has prepared before.
struct PreparedFor<'a> {
    pool: &'a Pool,
    connection: &'a Connection,
    statements: &'a [ClientStatement<'a>],
    /// The key of each statement, where statements are prepared, and the statement where that was done before.
    known: Vec<Option<(String, Option<Statement>)>>,
}

impl<'a> PreparedFor<'a> {
    fn look_up(pool: &'a Pool, connection: &'a Connection, transaction: &ClientTransaction<'a>) -> Self {
        let scope = || {
            let before = transaction.settings_before_role.iter().map(|(_, value)| value.as_ref());
            before.chain([transaction.identity.role]).collect::<Vec<_>>().join("\0")
        };
        let scope = if transaction.prepares { Some(scope()) } else { None };
        let known = |(text, parameters): &ClientStatement<'_>| {
            let types: Vec<u32> = parameters.iter().map(|(_, declared)| declared.oid()).collect();
            let key = format!("{}\0{types:?}\0{text}", scope.as_ref()?);
            let statement = pool.prepared().get(Connection::id(connection), &key);
            Some((key, statement))
        };
        let known = transaction.statements.iter().map(known).collect();
        Self { pool, connection, statements: transaction.statements, known }
    }

    /// Whether a statement has to be prepared: it can be sent only when that is answered.
    fn need_another_flight(&self) -> bool {
        self.known.iter().any(|known| matches!(known, Some((_, None))))
    }

    /// The settings' statement, which is the same for all roles: it is prepared outside of the transaction, once.
    async fn settings<'b>(&self, transaction: &ClientTransaction<'b>) -> Told<Settings<'b>> {
        let (text, values) = settings(transaction);
        if !transaction.prepares {
            return Ok(Settings { statement: Err(text), values });
        }
        let connection = Connection::id(self.connection);
        let statement = match self.pool.prepared().get(connection, &text) {
            Some(statement) => statement,
            None => {
                let statement = self.connection.prepare_typed(&text, &vec![Type::TEXT; values.len()]).await?;
                self.pool.prepared().insert(connection, text, statement.clone());
                statement
            }
        };
        Ok(Settings { statement: Ok(statement), values })
    }

    async fn rows(&self, index: usize) -> Told<Vec<Row>> {
        let (text, parameters) = self.statements[index];
        let Some((key, known)) = &self.known[index] else { return self.connection.query_typed(text, parameters).await };
        let statement = match known {
            Some(statement) => statement.clone(),
            None => {
                let types: Vec<Type> = parameters.iter().map(|(_, declared)| declared.clone()).collect();
                let statement = self.connection.prepare_typed(text, &types).await?;
                self.pool.prepared().insert(Connection::id(self.connection), key.clone(), statement.clone());
                statement
            }
        };
        let values: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|(value, _)| *value).collect();
        self.connection.query(&statement, &values).await
    }

    fn forget(&self) {
        self.pool.prepared().forget(Connection::id(self.connection));
    }
}

/// The first step: everything that is set for the transaction.
struct Settings<'a> {
    /// Prepared, or its text.
    statement: Result<Statement, String>,
    /// Names and values in turns.
    values: Vec<&'a str>,
}

impl Settings<'_> {
    async fn apply(&self, connection: &Connection) -> Told<()> {
        match &self.statement {
            Ok(statement) => {
                let values: Vec<&(dyn ToSql + Sync)> = self.values.iter().map(|value| value as _).collect();
                connection.query(statement, &values).await?;
            }
            Err(text) => {
                let values: Vec<Parameter<'_>> = self.values.iter().map(|value| (value as _, Type::TEXT)).collect();
                connection.query_typed(text, &values).await?;
            }
        }
        Ok(())
    }
}

const FORBID_WRITING: &str = "set transaction read only";
/// A transaction that is rolled back has not met its deferred constraints yet.
const CHECK: &str = "set constraints all immediate";

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
