//! Ties: two states of one object with the same times and different content.
//!
//! Both were signed, neither is older. Clerk is asked what holds now, and its answer is written over both: it carries the
//! object's own clock and, as the event's time, the moment of asking, so that anything that happens later still wins.
//!
//! That Clerk has it no more ends the tie and nothing else: a deletion is for ever, so it is taken from Clerk's own event
//! (or a reconciliation), never from an answer that a wrong secret key would give as well.

use std::time::Duration;

use clerk::{Clock as _, Membership, MembershipId, Organization, OrganizationId, SystemClock, Timestamp, User, UserId};
use clerk_api::{ApiError, BackendApi};
use postgres::Transaction;

use crate::inbox::reason;
use crate::mirror::Loan;
use crate::projection::{self, Source};
use crate::reading::{Change, State, chain};
use crate::version::Version;
use crate::{Mirror, MirrorError, backoff};

/// Stands where a delivery's id stands: the row came from the Backend API.
const ASKED: &str = "backend-api";

/// A tie that this process has taken upon itself for a minute.
struct Claimed {
    object: String,
    id: String,
    attempts: i32,
    /// As Postgres writes it. A tie that is noticed again meanwhile is another one, and stays.
    noticed_at: String,
}

/// Why a tie stays for now.
struct Postponed {
    pause: Duration,
    reason: String,
}

impl Postponed {
    fn because(reason: impl Into<String>) -> Self {
        Self { pause: Duration::ZERO, reason: reason.into() }
    }
}

impl Mirror {
    /// Settles one tie that is due; whether there was one. Without a Backend API ties stay noted, and the state with the
    /// greater delivery id holds.
    ///
    /// No transaction is open while Clerk is asked: deliveries about the same object do not wait for the network.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn settle_ties(&self) -> Result<bool, MirrorError> {
        let Some(api) = &self.api else { return Ok(false) };
        let Some(tie) = self.claim().await? else { return Ok(false) };
        // Before the question: what happens while Clerk answers must count as later.
        let asked_at = SystemClock.now();
        let settled = match self.ask(api, &tie).await? {
            Ok(found) => self.apply_answer(&tie, found, asked_at).await?,
            Err(postponed) => Err(postponed),
        };
        match settled {
            Ok(()) => tracing::info!(object = tie.object, object_id = tie.id, "a tie was settled by asking Clerk"),
            Err(postponed) => self.postpone(&tie, postponed).await?,
        }
        Ok(true)
    }

    async fn claim(&self) -> Result<Option<Claimed>, MirrorError> {
        let connection = self.pool.get().await?;
        let claim = connection.prepare_cached(include_str!("../../../sql/mirror/claim_due_tie.sql")).await?;
        let row = connection.query_opt(&claim, &[]).await?;
        Ok(row.map(|row| Claimed { object: row.get(0), id: row.get(1), attempts: row.get(2), noticed_at: row.get(3) }))
    }

    /// The object as Clerk has it now; none when it has it no more.
    async fn ask(&self, api: &BackendApi, tie: &Claimed) -> Result<Result<Option<State>, Postponed>, MirrorError> {
        let answer = match tie.object.as_str() {
            "user" => match UserId::parse(&tie.id) {
                Ok(id) => api.user(&id).await,
                Err(error) => return Ok(Err(Postponed::because(chain(&error)))),
            },
            "organization" => match OrganizationId::parse(&tie.id) {
                Ok(id) => api.organization(&id).await,
                Err(error) => return Ok(Err(Postponed::because(chain(&error)))),
            },
            _ => match self.membership_ids(&tie.id).await? {
                Some((id, organization, user)) => api.membership(&id, &organization, &user).await,
                None => return Ok(Err(Postponed::because("the membership's own ids cannot be read"))),
            },
        };
        let raw = match answer {
            Ok(None) => return Ok(Ok(None)),
            Ok(Some(raw)) => clerk::jsonb_text(raw.get()).into_owned(),
            Err(error) => {
                let pause = match &error {
                    ApiError::RateLimited { retry_after } => backoff::asked_for(*retry_after),
                    _ => Duration::ZERO,
                };
                return Ok(Err(Postponed { pause, reason: chain(&error) }));
            }
        };
        let state = match tie.object.as_str() {
            "user" => User::from_json(&raw).map(|user| State::User(Box::new(user), raw)),
            "organization" => {
                Organization::from_json(&raw).map(|organization| State::Organization(Box::new(organization), raw))
            }
            _ => Membership::from_json(&raw).map(|membership| State::Membership(Box::new(membership), raw)),
        };
        Ok(state.map(Some).map_err(|error| Postponed::because(chain(&error))))
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

    /// Writes Clerk's answer over both states. What Postgres does not take stays a tie, with the reason.
    async fn apply_answer(
        &self,
        tie: &Claimed,
        found: Option<State>,
        asked_at: Timestamp,
    ) -> Result<Result<(), Postponed>, MirrorError> {
        let mut loan = Loan::of(&self.pool).await?;
        let mut transaction = loan.transaction().await?;
        if let Some(state) = found {
            let version = version(&transaction, &state, asked_at).await?;
            let change = Change::Upsert(state, version);
            projection::begin(&transaction, Some(&change)).await?;
            let savepoint = transaction.savepoint("answer").await?;
            if let Err(error) = projection::apply(&savepoint, &change, Source::Reconcile).await {
                drop(savepoint);
                drop(transaction);
                loan.give_back();
                return Ok(Err(Postponed::because(reason(&error))));
            }
            savepoint.commit().await?;
        }
        let settle = transaction.prepare_cached(include_str!("../../../sql/mirror/settle_tie.sql")).await?;
        transaction.execute(&settle, &[&tie.object, &tie.id, &tie.noticed_at]).await?;
        transaction.commit().await?;
        loan.give_back();
        Ok(Ok(()))
    }

    async fn postpone(&self, tie: &Claimed, Postponed { pause, reason }: Postponed) -> Result<(), MirrorError> {
        tracing::warn!(object = tie.object, object_id = tie.id, reason, "a tie could not be settled yet");
        let pause = pause.max(backoff::pause(tie.attempts));
        let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let connection = self.pool.get().await?;
        let postpone = connection.prepare_cached(include_str!("../../../sql/mirror/postpone_tie.sql")).await?;
        connection.execute(&postpone, &[&tie.object, &tie.id, &tie.noticed_at, &pause, &reason]).await?;
        Ok(())
    }
}

/// The answer's version. A clock of ours that is behind Clerk's must not make the answer older than what tied.
async fn version(transaction: &Transaction<'_>, state: &State, asked_at: Timestamp) -> Result<Version, MirrorError> {
    let latest = include_str!("../../../sql/mirror/latest_event.sql");
    let tied: Option<i64> = transaction.query_opt(latest, &[&state.id()]).await?.map(|row| row.get(0));
    let event_at = tied.map_or(asked_at, |tied| asked_at.max(Timestamp::from_millis(tied.saturating_add(1))));
    let updated_at = match state {
        State::User(user, _) => user.updated_at,
        State::Organization(organization, _) => organization.updated_at,
        State::Membership(membership, _) => membership.updated_at,
    };
    Ok(Version::new(updated_at, event_at, ASKED))
}
