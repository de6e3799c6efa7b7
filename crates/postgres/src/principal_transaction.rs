//! The principal transaction: one client statement under one verified identity, in one round trip.
//!
//! ```text
//! begin
//! select set_config('role', …, true), set_config('request.jwt.claims', …, true), …
//! [select clerk.ensure_caller()]
//! <the client's statement>
//! commit
//! <whatever the statement left in the session is removed>
//! ```
//!
//! All of them are one flight: one write, one Sync point, one answer. The server works through them in order, and what happens when
//! one fails is decided by Postgres, not by us:
//!
//! * behind a failure everything up to the Sync point is skipped: under an unknown role the statement never runs as the pool's
//!   login, and what a failing statement has written is never committed. A second flight rolls back and cleans;
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

use tokens::Principal;
use tokio_postgres::types::{ToSql, Type};

use crate::client_transaction::{ClientTransaction, End, Identity, Isolation};
use crate::{ClientPool, Error, Row};

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

/// Somebody about to act, and with a client's transaction in full the only thing that runs a client's statement.
///
/// Running consumes it: one transaction, one statement.
#[derive(Debug)]
pub struct AsPrincipal<'a> {
    pool: &'a ClientPool,
    principal: &'a Principal,
    request: RequestContext,
    ensures_rows: bool,
}

impl ClientPool {
    /// Acts for `principal`. Meant for the pool of the powerless client login.
    pub fn as_principal<'a>(&'a self, principal: &'a Principal) -> AsPrincipal<'a> {
        AsPrincipal { pool: self, principal, request: RequestContext::default(), ensures_rows: false }
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
    /// As [`ClientPool::run_for_client`].
    pub async fn query(self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Error> {
        let RequestContext { method, path, headers } = &self.request;
        let settings = [("request.method", method), ("request.path", path), ("request.headers", headers)];
        let transaction = ClientTransaction {
            identity: Identity::from(self.principal),
            read_only: false,
            isolation: Isolation::ReadCommitted,
            settings_before_role: &[],
            settings: &settings.map(|(name, value)| (name.into(), value.into())),
            ensures_rows: self.ensures_rows,
            before: None,
            statements: &[(statement, parameters)],
            prepares: false,
            end: End::Commit,
        };
        Ok(self.pool.run_for_client(transaction).await?.swap_remove(0))
    }
}
