//! Questions to Clerk about single objects.
//!
//! A *tie* is two states of one object with the same times and different content: both were signed, neither is older. A
//! *stub* is a row that was made of a token or a membership, before Clerk said more. In either case Clerk is asked what
//! holds now, and its answer is written over what is there: it carries the object's own clock and, as the event's time, the
//! moment of asking, so that anything that happens later still wins.
//!
//! That Clerk has it no more ends the inquiry and nothing else: a deletion is for ever, so it is taken from Clerk's own event
//! (or a reconciliation), never from an answer that a wrong secret key would give as well.

use std::time::Duration;

use clerk::{Clock as _, MembershipId, OrganizationId, SystemClock, Timestamp, UserId};
use clerk_api::{ApiError, BackendApi};
use postgres::Connection;
use serde_json::value::RawValue;

use crate::change::{Change, State};
use crate::inbox::reason;
use crate::loan::Loan;
use crate::projection::{self, Patience, Source, Start};
use crate::reading::chain;
use crate::table::Row;
use crate::version::{ASKED, Version};
use crate::{Mirror, MirrorError, ObjectKind, backoff};

/// An inquiry that this process has taken upon itself for a minute.
struct Claimed {
    object: String,
    id: String,
    attempts: i32,
    /// As Postgres writes it. One that is made again meanwhile is another one, and stays.
    noticed_at: String,
    cause: String,
}

/// Why an inquiry stays for now.
struct Postponed {
    pause: Duration,
    reason: String,
}

impl Postponed {
    fn because(reason: impl Into<String>) -> Self {
        Self { pause: Duration::ZERO, reason: reason.into() }
    }
}

impl From<ApiError> for Postponed {
    fn from(error: ApiError) -> Self {
        let pause = match &error {
            ApiError::RateLimited { retry_after } => backoff::asked_for(*retry_after),
            _ => Duration::ZERO,
        };
        Self { pause, reason: chain(&error) }
    }
}

impl Mirror {
    /// Answers one inquiry that is due; whether there was one. Without a Backend API they stay: of a tie the state with the
    /// greater delivery id holds, and a stub stays a stub until a webhook comes.
    ///
    /// No transaction is open while Clerk is asked: deliveries about the same object do not wait for the network.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn inquire(&self) -> Result<bool, MirrorError> {
        let Some(api) = &self.api else { return Ok(false) };
        let Some(inquiry) = self.claim().await? else { return Ok(false) };
        if inquiry.cause == "stub" && !self.is_stub(&inquiry.id).await? {
            self.settle(&inquiry).await?;
            return Ok(true);
        }
        // Before the question: what happens while Clerk answers must count as later.
        let asked_at = SystemClock.now();
        let settled = match self.ask(api, &inquiry).await? {
            Ok(found) => self.apply_answer(&inquiry, found, asked_at).await?,
            Err(postponed) => Err(postponed),
        };
        match settled {
            Ok(()) => tracing::info!(
                object = inquiry.object,
                object_id = inquiry.id,
                cause = inquiry.cause,
                "Clerk was asked and has answered"
            ),
            Err(postponed) => self.postpone(&inquiry, postponed).await?,
        }
        Ok(true)
    }

    async fn claim(&self) -> Result<Option<Claimed>, MirrorError> {
        let connection = self.pool.get().await?;
        let claim = connection.prepare_cached(include_str!("../../../sql/mirror/claim_due_inquiry.sql")).await?;
        let row = connection.query_opt(&claim, &[]).await?;
        Ok(row.map(|row| Claimed {
            object: row.get(0),
            id: row.get(1),
            attempts: row.get(2),
            noticed_at: row.get(3),
            cause: row.get(4),
        }))
    }

    async fn is_stub(&self, id: &str) -> Result<bool, MirrorError> {
        let connection = self.pool.get().await?;
        let is_stub = connection.prepare_cached(include_str!("../../../sql/mirror/is_stub.sql")).await?;
        Ok(connection.query_one(&is_stub, &[&id]).await?.get(0))
    }

    /// The object as Clerk has it now; none when it has it no more.
    async fn ask(&self, api: &BackendApi, inquiry: &Claimed) -> Result<Result<Option<Row>, Postponed>, MirrorError> {
        let id = inquiry.id.as_str();
        let Some(kind) = ObjectKind::of_word(&inquiry.object) else {
            return Ok(Err(Postponed::because("nobody knows what kind of object this is")));
        };
        let answer = match kind {
            ObjectKind::Membership => match self.membership_ids(id).await? {
                Some((id, organization, user)) => api.membership(&id, &organization, &user).await,
                None => return Ok(Err(Postponed::because("the membership's own ids cannot be read"))),
            },
            ObjectKind::OrganizationInvitation => match self.organization_of_invitation(id).await? {
                Some(organization) => api.one(&["organizations", &organization, "invitations", id]).await,
                None => return Ok(Err(Postponed::because("the invitation's organization is not known"))),
            },
            ObjectKind::User => api.one(&["users", id]).await,
            ObjectKind::Organization => api.one(&["organizations", id]).await,
            ObjectKind::Session => api.one(&["sessions", id]).await,
            ObjectKind::Role => api.one(&["organization_roles", id]).await,
            ObjectKind::Permission => api.one(&["organization_permissions", id]).await,
            // Clerk only lists them: the next reconciliation finds out.
            _ => return Ok(Ok(None)),
        };
        Ok(match answer {
            Ok(None) => Ok(None),
            Ok(Some(raw)) => read(kind, &raw).map(Some),
            Err(error) => Err(error.into()),
        })
    }

    async fn membership_ids(&self, id: &str) -> Result<Option<(MembershipId, OrganizationId, UserId)>, MirrorError> {
        let connection = self.pool.get().await?;
        let parents = connection.prepare_cached(include_str!("../../../sql/mirror/membership_parents.sql")).await?;
        let Some(row) = connection.query_opt(&parents, &[&id]).await? else { return Ok(None) };
        let (organization, user): (Option<&str>, Option<&str>) = (row.get(0), row.get(1));
        let ids = (
            MembershipId::parse(id).ok(),
            organization.and_then(|id| OrganizationId::parse(id).ok()),
            user.and_then(|id| UserId::parse(id).ok()),
        );
        Ok(match ids {
            (Some(id), Some(organization), Some(user)) => Some((id, organization, user)),
            _ => None,
        })
    }

    async fn organization_of_invitation(&self, id: &str) -> Result<Option<String>, MirrorError> {
        let connection = self.pool.get().await?;
        let parent = connection.prepare_cached(include_str!("../../../sql/mirror/parent_of_invitation.sql")).await?;
        Ok(connection.query_opt(&parent, &[&id]).await?.and_then(|row| row.get(0)))
    }

    /// Writes Clerk's answer over what is there. What Postgres does not take stays an inquiry, with the reason.
    async fn apply_answer(
        &self,
        inquiry: &Claimed,
        found: Option<Row>,
        asked_at: Timestamp,
    ) -> Result<Result<(), Postponed>, MirrorError> {
        let loan = Loan::of(&self.pool).await?;
        if let Some(row) = found {
            let version = version(&loan, &row, asked_at).await?;
            let change = Change::State(State { row, version });
            projection::begin(&loan, &[&change], Patience::Alone, Start::Transaction).await?;
            if let Err(error) = projection::apply(&loan, &[&change], Source::Reconcile).await {
                return Ok(Err(Postponed::because(reason(&error))));
            }
        } else {
            loan.batch_execute("begin").await?;
        }
        let settle = loan.prepare_cached(include_str!("../../../sql/mirror/settle_inquiry.sql")).await?;
        loan.execute(&settle, &[&inquiry.object, &inquiry.id, &inquiry.noticed_at]).await?;
        loan.batch_execute("commit").await?;
        loan.give_back();
        Ok(Ok(()))
    }

    async fn settle(&self, inquiry: &Claimed) -> Result<(), MirrorError> {
        let connection = self.pool.get().await?;
        let settle = connection.prepare_cached(include_str!("../../../sql/mirror/settle_inquiry.sql")).await?;
        connection.execute(&settle, &[&inquiry.object, &inquiry.id, &inquiry.noticed_at]).await?;
        Ok(())
    }

    async fn postpone(&self, inquiry: &Claimed, Postponed { pause, reason }: Postponed) -> Result<(), MirrorError> {
        tracing::warn!(
            object = inquiry.object,
            object_id = inquiry.id,
            reason,
            "Clerk has not answered an inquiry yet"
        );
        let pause = pause.max(backoff::pause(inquiry.attempts));
        let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let connection = self.pool.get().await?;
        let postpone = connection.prepare_cached(include_str!("../../../sql/mirror/postpone_inquiry.sql")).await?;
        connection.execute(&postpone, &[&inquiry.object, &inquiry.id, &inquiry.noticed_at, &pause, &reason]).await?;
        Ok(())
    }
}

fn read(kind: ObjectKind, raw: &RawValue) -> Result<Row, Postponed> {
    Row::read(kind, raw.get()).map_err(|error| Postponed::because(chain(&error)))
}

/// The answer's version. A clock of ours that is behind Clerk's must not make the answer older than what tied.
async fn version(connection: &Connection, row: &Row, asked_at: Timestamp) -> Result<Version, MirrorError> {
    let latest = format!("select event_at from clerk.{} where id = $1", row.kind.table());
    let latest = connection.prepare_cached(&latest).await?;
    let tied: Option<i64> = connection.query_opt(&latest, &[&row.id]).await?.map(|row| row.get(0));
    let event_at = tied.map_or(asked_at, |tied| asked_at.max(Timestamp::from_millis(tied.saturating_add(1))));
    Ok(Version::new(row.updated_at, event_at, ASKED))
}
