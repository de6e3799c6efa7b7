//! The principal transaction: one client statement under one verified identity, in one round trip.
//!
//! ```text
//! begin
//! select set_config('role', …, true), set_config('request.jwt.claims', …, true), …
//! [select clerk.ensure_caller()]
//! <the client's statement>
//! commit; <whatever the statement left in the session is removed>
//! ```
//!
//! All of them are sent before the first answer is awaited. Each line has its own Sync point, so the server works through them
//! in order, and what happens when one fails is decided by Postgres, not by us:
//!
//! * an unknown role fails the second step; the statement is then answered `25P02` (transaction aborted) and never runs
//!   as the pool's login;
//! * a failing statement turns `commit` into a rollback;
//! * every setting is local to the transaction, so the next borrower of the connection starts clean;
//! * what a statement can leave behind on purpose (a setting for the session, a temporary table that hides a real one, a
//!   lock, a subscription: any function it calls may do so) is removed after the commit, and a connection that cannot be
//!   cleaned is closed.
//!
//! The statement is sent unnamed: Postgres resolves names and row-level security under the role that is in force, and
//! transaction-mode poolers accept it.
//!
//! A caller that goes away mid-flight leaves a server still working. The connection is then not returned but discarded,
//! and the statement cancelled: otherwise the next borrower would wait behind it.

use std::pin::pin;

use futures_util::{StreamExt as _, join};
use tokens::Principal;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{NoTls, Row, SimpleQueryMessage};

use crate::{Connection, Error, Pool};

/// A statement parameter with its Postgres type: naming the type saves the round trip that would ask for it.
pub type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// What SQL may want to know of the HTTP request, under the names PostgREST uses (`request.method`, …).
#[derive(Debug, Clone, Default)]
pub struct RequestContext {
    /// `request.method`, such as `GET`.
    pub method: String,
    /// `request.path`, such as `/tasks`.
    pub path: String,
    /// `request.headers`: a JSON object with lowercase names.
    pub headers: String,
}

/// A connection that is about to act for one principal, and the only thing that runs a client's statement.
///
/// Running consumes it: one borrowed connection, one transaction, one statement.
#[derive(Debug)]
pub struct AsPrincipal<'a> {
    connection: Connection,
    principal: &'a Principal,
    request: RequestContext,
    ensures_rows: bool,
}

impl Pool {
    /// Borrows a connection to act for `principal`. Meant for the pool of the powerless client login.
    ///
    /// # Errors
    /// As [`Pool::get`].
    pub async fn as_principal<'a>(&self, principal: &'a Principal) -> Result<AsPrincipal<'a>, Error> {
        Ok(AsPrincipal {
            connection: self.get().await?,
            principal,
            request: RequestContext::default(),
            ensures_rows: false,
        })
    }
}

impl AsPrincipal<'_> {
    /// Lets the statement see the request it belongs to.
    #[must_use]
    pub fn with_request(mut self, request: RequestContext) -> Self {
        self.request = request;
        self
    }

    /// Makes the mirror's rows of the caller and of the caller's organization first, in the same transaction, where Clerk's
    /// webhook has not brought them yet.
    #[must_use]
    pub fn ensuring_rows(mut self) -> Self {
        self.ensures_rows = true;
        self
    }

    /// Runs `statement` in its own transaction and returns its rows after the commit.
    ///
    /// The text must be ours, built of known parts; a client's values go into `parameters`. Row-level security limits what a
    /// statement sees, not what it does: with `reset role` it would go on as the login.
    ///
    /// # Errors
    /// The first error that Postgres gave, in the order of the steps. Nothing has been committed then.
    pub async fn query(self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Error> {
        let settings: [Parameter<'_>; 5] = [
            (&self.principal.role(), Type::TEXT),
            (&self.principal.claims_json(), Type::TEXT),
            (&self.request.method, Type::TEXT),
            (&self.request.path, Type::TEXT),
            (&self.request.headers, Type::TEXT),
        ];
        let flight = InFlight::new(self.connection);
        let connection = flight.connection();
        // `join!` polls in the order written, and the driver sends on the first poll: the order here is the order on
        // the wire. `tokio::join!` would rotate it.
        let (begun, set, ensured, rows, (committed, cleaned)) = join!(
            connection.batch_execute("begin"),
            connection.query_typed(SETTINGS, &settings),
            async {
                if self.ensures_rows {
                    connection.query_typed(ENSURE_CALLER, &[]).await?;
                }
                Ok(())
            },
            connection.query_typed(statement, parameters),
            commit_and_clean(connection),
        );
        if cleaned {
            flight.land();
        }
        begun.map_err(Error::Statement)?;
        set.map_err(Error::Statement)?;
        ensured.map_err(Error::Statement)?;
        let rows = rows.map_err(Error::Statement)?;
        committed.map_err(Error::Statement)?;
        Ok(rows)
    }
}

pub(crate) const SETTINGS: &str = include_str!("../../../sql/principal/settings.sql");
pub(crate) const ENSURE_CALLER: &str = include_str!("../../../sql/principal/ensure_caller.sql");
pub(crate) const CLEAN: &str = include_str!("../../../sql/principal/clean.script.sql");
const COMMIT_AND_CLEAN: &str = concat!("commit;\n", include_str!("../../../sql/principal/clean.script.sql"));

/// Commits, and removes what the session has left, in one message; what became of the transaction, and whether the session is clean.
///
/// A message of its own for the second would be one more wake-up on either side. What stands behind a `commit` that failed does
/// not run, and is sent again.
pub(crate) async fn commit_and_clean(connection: &Connection) -> (Result<(), tokio_postgres::Error>, bool) {
    let mut committed = false;
    let outcome = async {
        let mut answers = pin!(connection.simple_query_raw(COMMIT_AND_CLEAN).await?);
        while let Some(answer) = answers.next().await {
            // The first one is of `commit`, or of the `rollback` that Postgres makes of it.
            committed |= matches!(answer?, SimpleQueryMessage::CommandComplete(_));
        }
        Ok(())
    }
    .await;
    match outcome {
        Ok(()) => (Ok(()), true),
        Err(_) if committed => (Ok(()), false),
        Err(error) => (Err(error), connection.batch_execute(CLEAN).await.is_ok()),
    }
}

/// Holds the connection while statements are under way; dropped before [`land`](Self::land), it cancels and discards.
pub(crate) struct InFlight(Option<Connection>);

impl InFlight {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(Some(connection))
    }

    pub(crate) fn connection(&self) -> &Connection {
        self.0.as_ref().expect("the connection leaves only with the guard")
    }

    pub(crate) fn land(mut self) {
        self.0 = None;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Some(connection) = self.0.take() else { return };
        let cancel = connection.cancel_token();
        // Taken out of the pool, the client is dropped here: its socket closes and nobody waits behind it.
        drop(Connection::take(connection));
        // A cancel request carries no secret but the backend key and is answered by closing. Where Postgres accepts
        // only encrypted connections it is refused; the statement then runs on until Postgres notices the closed socket.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = cancel.cancel_query(NoTls).await {
                    tracing::debug!(error = %error, "cancel request was not accepted");
                }
            });
        }
    }
}
