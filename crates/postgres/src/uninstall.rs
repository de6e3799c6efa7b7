//! Taking Rowlock out of a database again.
//!
//! What the application has built on the mirror (policies that call `clerk.user_id()`, views, foreign keys) would fall with
//! it, and with a policy falls what kept strangers out of a table. So it is looked for first, by following what Postgres
//! itself would follow, and nothing is dropped while there is any, unless somebody who has read the list says so.
//!
//! The roles `anon`, `authenticated` and `service_role` stay: others use them under the same names. The client pool's login
//! belongs to the whole server and goes when no other database of it has Rowlock.

use crate::client_login::CLIENT_LOGIN;
use crate::identifier::quote_identifier;
use crate::migrations::ADVISORY_LOCK;
use crate::{Error, Pool, PoolOptions};

/// What is there to be removed.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// What Rowlock's schemas hold.
    pub contents: Vec<Contents>,
    /// What the application has built on it, as Postgres describes it: it would fall, too.
    pub dependents: Vec<String>,
    /// Functions of the application that name Rowlock's schemas in their text: they would stay and fail.
    pub mentions: Vec<String>,
    /// Connections of running servers.
    pub connected: i64,
}

/// Objects of one kind in one schema.
#[derive(Debug, Clone)]
pub struct Contents {
    /// `clerk` or `rowlock`.
    pub schema: String,
    /// `table`, `view`, `function` …
    pub kind: String,
    /// How many.
    pub count: i64,
    /// Their names, separated by commas.
    pub names: String,
}

/// What became of the client pool's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// It is gone.
    Dropped,
    /// It was not there.
    Absent,
    /// It stays, for this reason.
    Kept(String),
}

/// Why nothing was removed.
#[derive(Debug, thiserror::Error)]
pub enum UninstallError {
    /// Something outside of the schemas would fall with them.
    #[error("{} of the application depend on Rowlock's schemas", .0.len())]
    Depended(Vec<String>),
    /// Postgres could not be asked or refused; nothing was removed.
    #[error(transparent)]
    Postgres(#[from] Error),
}

impl From<tokio_postgres::Error> for UninstallError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(Error::Statement(error))
    }
}

/// What would be removed; none when Rowlock is not in this database.
///
/// # Errors
/// When Postgres cannot be asked.
pub async fn inventory(owner: &Pool) -> Result<Option<Inventory>, UninstallError> {
    let client = owner.get().await?;
    let installed = client.query_one(include_str!("../../../sql/uninstall/installed.sql"), &[]).await?;
    if !installed.get::<_, bool>("installed") {
        return Ok(None);
    }
    let contents = client.query(include_str!("../../../sql/uninstall/contents.sql"), &[]).await?;
    let dependents = client.query(DEPENDENTS, &[]).await?;
    let mentions = client.query(include_str!("../../../sql/uninstall/mentions.sql"), &[]).await?;
    let connected = client.query_one(include_str!("../../../sql/uninstall/connected.sql"), &[]).await?;
    Ok(Some(Inventory {
        contents: contents
            .iter()
            .map(|row| Contents {
                schema: row.get("schema"),
                kind: row.get("kind"),
                count: row.get("count"),
                names: row.get("names"),
            })
            .collect(),
        dependents: objects(&dependents),
        mentions: objects(&mentions),
        connected: connected.get(0),
    }))
}

const DEPENDENTS: &str = include_str!("../../../sql/uninstall/dependents.sql");

fn objects(rows: &[tokio_postgres::Row]) -> Vec<String> {
    rows.iter().map(|row| row.get("object")).collect()
}

/// Drops the schemas, all or nothing; with `cascade` what depends on them, too.
///
/// # Errors
/// [`UninstallError::Depended`] when something does and `cascade` is not set.
pub async fn uninstall(owner: &Pool, cascade: bool) -> Result<(), UninstallError> {
    let mut client = owner.get().await?;
    let transaction = client.transaction().await?;
    // A server that is in the middle of something is waited for, but not for ever: this holds up everybody behind it.
    transaction.batch_execute("set local lock_timeout = '5s'").await?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&ADVISORY_LOCK]).await?;
    let dependents = objects(&transaction.query(DEPENDENTS, &[]).await?);
    if !cascade && !dependents.is_empty() {
        return Err(UninstallError::Depended(dependents));
    }
    transaction.batch_execute(include_str!("../../../sql/uninstall/drop.script.sql")).await?;
    transaction.commit().await?;
    Ok(())
}

/// Drops the client pool's login, unless another database of this server may use it.
///
/// # Errors
/// When Postgres cannot be asked.
pub async fn drop_client_login(owner: &Pool) -> Result<Login, UninstallError> {
    let client = owner.get().await?;
    let elsewhere = include_str!("../../../sql/uninstall/login_elsewhere.sql");
    let row = client.query_one(elsewhere, &[&CLIENT_LOGIN]).await?;
    if !row.get::<_, bool>("present") {
        return Ok(Login::Absent);
    }
    if row.get::<_, i64>("connections") > 0 {
        return Ok(Login::Kept("somebody is logged in with it".to_owned()));
    }
    for database in row.get::<_, Vec<String>>("databases") {
        match has_rowlock(owner, &database).await {
            Ok(false) => {}
            Ok(true) => return Ok(Login::Kept(format!("database `{database}` of this server has Rowlock, too"))),
            Err(error) => {
                let reason =
                    format!("whether database `{database}` of this server has Rowlock cannot be seen: {error}");
                return Ok(Login::Kept(reason));
            }
        }
    }
    match client.batch_execute(&format!("drop role {}", quote_identifier(CLIENT_LOGIN))).await {
        Ok(()) => Ok(Login::Dropped),
        Err(error) => Ok(Login::Kept(Error::Statement(error).to_string())),
    }
}

async fn has_rowlock(owner: &Pool, database: &str) -> Result<bool, Error> {
    let options = PoolOptions { size: 1, ..PoolOptions::default() };
    let there = Pool::new(&owner.url().with_database(database), &options)
        .expect("the trust anchors were read for this address before");
    let client = there.get().await?;
    let installed = client.query_one(include_str!("../../../sql/uninstall/installed.sql"), &[]).await;
    Ok(installed.map_err(Error::Statement)?.get("installed"))
}
