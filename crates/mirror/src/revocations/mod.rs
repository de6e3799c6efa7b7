//! Revocations: tokens that are void before they expire.
//!
//! `rowlock.revocations` is filled by triggers on the mirror, whoever writes it (migration 8). Here it is asked about a
//! verified token, from memory where that is safe: a [`Listener`](postgres::Listener) hears of every change, and while
//! it does not hear, the table is asked each time. If the table cannot be asked either, nobody knows whether the token
//! holds, and the caller gets an error instead of the benefit of the doubt.
//!
//! Whoever holds something open for a token (a socket) [subscribes](Revocations::notices) and ends it when it is void.

mod memory;
mod reason;
mod standing;
mod watch;

use std::sync::Arc;

use clerk::{Claims, Timestamp};
use postgres::Pool;
use tokio::sync::broadcast;
use tokio_postgres::Row;

use memory::Memory;
use standing::{Bearer, Objection, Standing};

pub use reason::Reason;
pub use standing::Revocation;

/// Notices that a slow subscriber may be behind; one that is further behind is told so by its receiver.
const NOTICES: usize = 1024;

/// What a subscriber hears.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A revocation was made, changed or lifted.
    Changed(Arc<Revocation>),
    /// Something may have been missed: every token has to be checked again.
    Gap,
}

/// Knows which tokens are void. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Revocations {
    pool: Pool,
    memory: Arc<Memory>,
    notices: broadcast::Sender<Notice>,
}

impl Revocations {
    /// Over the database of `pool`, which logs in as the owner. Until [`watch`](Self::watch) runs, nothing is remembered.
    pub fn new(pool: Pool) -> Self {
        Self { pool, memory: Arc::default(), notices: broadcast::Sender::new(NOTICES) }
    }

    /// Why the token with these claims is void; none when it holds. The claims are verified ones, of a user.
    ///
    /// # Errors
    /// Nobody can say: the database cannot be asked.
    pub async fn check(&self, claims: &Claims) -> Result<Option<Reason>, postgres::Error> {
        let bearer = Bearer::of(claims);
        let issued_at = claims.issued_at.map(Timestamp::seconds);
        if let Some(standing) = self.memory.recall(&bearer) {
            metrics::counter!("rowlock_revocation_checks_total", "source" => "memory").increment(1);
            return Ok(standing.verdict(issued_at));
        }
        metrics::counter!("rowlock_revocation_checks_total", "source" => "table").increment(1);
        let generation = self.memory.generation();
        let standing = self.ask(&bearer).await?;
        let verdict = standing.verdict(issued_at);
        self.memory.keep(generation, bearer, standing);
        Ok(verdict)
    }

    async fn ask(&self, bearer: &Bearer) -> Result<Standing, postgres::Error> {
        let connection = self.pool.get().await?;
        let user = bearer.user.as_ref().map(|id| id.as_str());
        let session = bearer.session.as_ref().map(|id| id.as_str());
        let organization = bearer.organization.as_ref().map(|id| id.as_str());
        let asking = async {
            let standing = connection.prepare_cached(include_str!("../../../../sql/revocations/standing.sql")).await?;
            connection.query(&standing, &[&user, &session, &organization]).await
        };
        let rows = asking.await.map_err(postgres::Error::Statement)?;
        Ok(Standing(rows.iter().map(objection).collect()))
    }

    /// Hears of every revocation from now on, while [`watch`](Self::watch) runs. A receiver that lags has missed some, and
    /// has to take that for a [`Notice::Gap`].
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }
}

fn objection(row: &Row) -> Objection {
    Objection { reason: Reason::read(row.get("reason")), issued_until: row.get("issued_until") }
}
