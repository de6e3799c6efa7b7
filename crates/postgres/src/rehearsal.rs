//! A transaction that never happened: what statements would do, as their owner and as principals, always rolled back.
//!
//! Policies can only be judged by what Postgres does with real rows, so something has to be written; and nobody wants a judge who
//! leaves things behind. A rehearsal is one transaction on the owner's connection. Inside, [`Rehearsal::act_as`] puts the very
//! settings of the principal transaction in force, and each attempt stands behind a savepoint.
//!
//! What no rollback takes back: numbers drawn from sequences, and whatever a trigger does outside of Postgres. Locks are held until
//! the end, so a database that serves people is no stage for one that changes tables.

use std::time::Duration;

use futures_util::join;
use tokens::Principal;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::identifier::quote_identifier;
use crate::{Connection, Error, Parameter, Pool, RequestContext};

const SETTINGS: &str = include_str!("../../../sql/principal/settings.sql");
/// No rehearsed statement may run longer: a policy that takes a minute is wrong in another way.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// Nobody who works on the database waits longer for us, nor we for them.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// What came of an [`attempt`](Rehearsal::attempt).
#[derive(Debug)]
pub struct Attempt {
    /// What Postgres answered the principal.
    pub answer: Result<Vec<Row>, Error>,
    /// What the owner saw afterwards; empty when the statement failed or nothing was asked.
    pub seen: Vec<Row>,
}

/// An open transaction that can only be rolled back.
///
/// Dropped before [`end`](Self::end), the connection is closed instead of returned, and Postgres rolls back.
#[derive(Debug)]
pub struct Rehearsal {
    connection: Option<Connection>,
}

impl Rehearsal {
    /// Begins one; the owner may become `roles` in it.
    ///
    /// # Errors
    /// When the owner may not become one of the roles, and may not grant itself the right to.
    pub async fn begin(owner: &Pool, roles: &[&str]) -> Result<Self, Error> {
        let rehearsal = Self { connection: Some(owner.get().await?) };
        rehearsal
            .run(&format!(
                "begin; set local statement_timeout = {}; set local lock_timeout = {}",
                STATEMENT_TIMEOUT.as_millis(),
                LOCK_TIMEOUT.as_millis()
            ))
            .await?;
        for role in roles {
            let may = rehearsal.query("select pg_has_role(current_user, $1, 'member')", &[(role, Type::TEXT)]).await?;
            if !may[0].get::<_, bool>(0) {
                rehearsal.run(&format!("grant {} to current_user", quote_identifier(role))).await?;
            }
        }
        Ok(rehearsal)
    }

    fn client(&self) -> &Client {
        self.connection.as_ref().expect("the connection leaves only at the end")
    }

    /// Runs statements that answer nothing, as whoever acts at this moment.
    ///
    /// # Errors
    /// What Postgres said; the transaction then needs [`undo`](Self::undo).
    pub async fn run(&self, statements: &str) -> Result<(), Error> {
        self.client().batch_execute(statements).await.map_err(Error::Statement)
    }

    /// Runs one statement, as whoever acts at this moment.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn query(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Error> {
        self.client().query_typed(statement, parameters).await.map_err(Error::Statement)
    }

    /// From here on, statements are the principal's: its role, its claims.
    ///
    /// # Errors
    /// When the role does not exist.
    pub async fn act_as(&self, principal: &Principal, request: &RequestContext) -> Result<(), Error> {
        let settings: [Parameter<'_>; 5] = [
            (&principal.role(), Type::TEXT),
            (&principal.claims_json(), Type::TEXT),
            (&request.method, Type::TEXT),
            (&request.path, Type::TEXT),
            (&request.headers, Type::TEXT),
        ];
        self.query(SETTINGS, &settings).await.map(drop)
    }

    /// From here on, statements are the owner's again, without claims.
    ///
    /// # Errors
    /// When the transaction has failed.
    pub async fn act_as_owner(&self) -> Result<(), Error> {
        self.run("reset role; select set_config('request.jwt.claims', '', true)").await
    }

    /// Marks the place that [`undo`](Self::undo) goes back to. Marks nest.
    ///
    /// # Errors
    /// When the transaction has failed.
    pub async fn mark(&self) -> Result<(), Error> {
        self.run("savepoint rehearsal").await
    }

    /// Goes back to the last mark, and removes it: rows, tables, role and claims are as they were there.
    ///
    /// # Errors
    /// When there is no mark.
    pub async fn undo(&self) -> Result<(), Error> {
        self.run("rollback to savepoint rehearsal; release savepoint rehearsal").await
    }

    /// What a principal's statement does: everything in one flight, and undone before this returns.
    ///
    /// `look` is a statement of the owner's, asked after the principal's and before it is undone.
    ///
    /// # Errors
    /// When the connection broke or the undoing failed; what Postgres said to the statement stands in [`Attempt::answer`].
    pub async fn attempt(
        &self,
        principal: &Principal,
        statement: (&str, &[Parameter<'_>]),
        look: Option<(&str, &[Parameter<'_>])>,
    ) -> Result<Attempt, Error> {
        let request = RequestContext::default();
        let looking = async {
            match look {
                Some((statement, parameters)) => self.query(statement, parameters).await,
                None => Ok(Vec::new()),
            }
        };
        // As in the principal transaction: polled in this order, so sent in this order. After a failure Postgres skips the rest
        // up to the rollback.
        let (marked, acting, answer, owner, seen, undone) = join!(
            self.mark(),
            self.act_as(principal, &request),
            self.query(statement.0, statement.1),
            self.act_as_owner(),
            looking,
            self.undo(),
        );
        marked?;
        undone?;
        let answer = match (acting, answer) {
            (Err(error), _) => Err(error),
            (Ok(()), answer) => answer,
        };
        let seen = if answer.is_ok() { owner.and(seen)? } else { Vec::new() };
        Ok(Attempt { answer, seen })
    }

    /// How many rows a principal's statement writes; undone before this returns.
    ///
    /// # Errors
    /// When the connection broke or the undoing failed; what Postgres said to the statement is the answer inside.
    pub async fn attempt_change(&self, principal: &Principal, statement: &str) -> Result<Result<u64, Error>, Error> {
        self.mark().await?;
        let acting = self.act_as(principal, &RequestContext::default()).await;
        let changed = match acting {
            Ok(()) => self.client().execute_typed(statement, &[]).await.map_err(Error::Statement),
            Err(error) => Err(error),
        };
        self.undo().await?;
        Ok(changed)
    }

    /// Rolls everything back and returns the connection.
    ///
    /// # Errors
    /// When the connection broke; nothing stays then either.
    pub async fn end(mut self) -> Result<(), Error> {
        self.run("rollback").await?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Connection::take(connection));
        }
    }
}
