//! Ties: two states of one object with the same times and different content.
//!
//! Both were signed, neither is older. Clerk is asked what holds now, and its answer is written over both: it carries the
//! object's own clock and, as the event's time, the moment of asking, so that anything that happens later still wins.

use std::time::Duration;

use clerk::{Clock as _, Membership, MembershipId, Organization, OrganizationId, SystemClock, Timestamp, User, UserId};
use clerk_api::{ApiError, BackendApi};
use postgres::Transaction;

use crate::projection::{self, Source};
use crate::reading::{Change, Grave, State, chain};
use crate::version::Version;
use crate::{Mirror, MirrorError, backoff};

/// Stands where a delivery's id stands: the row came from the Backend API.
const ASKED: &str = "backend-api";

/// Why a tie stays for now.
struct Postponed {
    pause: Duration,
    reason: String,
}

impl Mirror {
    /// Settles one tie that is due; whether there was one. Without a Backend API ties stay noted, and the state with the
    /// greater delivery id holds.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn settle_ties(&self) -> Result<bool, MirrorError> {
        let Some(api) = &self.api else { return Ok(false) };
        let mut connection = self.pool.get().await?;
        let transaction = connection.transaction().await?;
        let due = transaction.prepare_cached(include_str!("../../../sql/mirror/next_due_tie.sql")).await?;
        let Some(row) = transaction.query_opt(&due, &[]).await? else { return Ok(false) };
        let (object, id, attempts): (String, String, i32) = (row.get(0), row.get(1), row.get(2));
        // Asked before the look at the row: what happens while Clerk answers must count as later.
        let asked_at = SystemClock.now();
        match ask(api, &transaction, &object, &id).await? {
            Ok(found) => {
                let version = version(&transaction, &found, &id, asked_at).await?;
                let change = match found {
                    Some(state) => Change::Upsert(state, version),
                    None => Change::Bury(grave(&object, &id)?, version),
                };
                projection::lock(&transaction, &change).await?;
                projection::apply(&transaction, &change, Source::Reconcile).await?;
                let settle = transaction.prepare_cached(include_str!("../../../sql/mirror/settle_tie.sql")).await?;
                transaction.execute(&settle, &[&object, &id]).await?;
                tracing::info!(object, object_id = id, "a tie was settled by asking Clerk");
            }
            Err(Postponed { pause, reason }) => {
                let pause = pause.max(backoff::pause(attempts + 1));
                let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                let statement = include_str!("../../../sql/mirror/postpone_tie.sql");
                let postpone = transaction.prepare_cached(statement).await?;
                transaction.execute(&postpone, &[&object, &id, &pause, &reason]).await?;
                tracing::warn!(object, object_id = id, reason, "a tie could not be settled yet");
            }
        }
        transaction.commit().await?;
        Ok(true)
    }
}

/// The object as Clerk has it now; none when it has it no more.
async fn ask(
    api: &BackendApi,
    transaction: &Transaction<'_>,
    object: &str,
    id: &str,
) -> Result<Result<Option<State>, Postponed>, MirrorError> {
    let unreadable = |error: &dyn std::error::Error| Postponed { pause: Duration::ZERO, reason: chain(error) };
    let answer = match object {
        "user" => match UserId::parse(id) {
            Ok(id) => api.user(&id).await,
            Err(error) => return Ok(Err(unreadable(&error))),
        },
        "organization" => match OrganizationId::parse(id) {
            Ok(id) => api.organization(&id).await,
            Err(error) => return Ok(Err(unreadable(&error))),
        },
        _ => {
            let parents = include_str!("../../../sql/mirror/membership_parents.sql");
            let row = transaction.query_one(parents, &[&id]).await?;
            let ids = (MembershipId::parse(id), OrganizationId::parse(row.get(0)), UserId::parse(row.get(1)));
            let (Ok(id), Ok(organization), Ok(user)) = ids else {
                let reason = "the membership's own ids cannot be read".to_owned();
                return Ok(Err(Postponed { pause: Duration::ZERO, reason }));
            };
            api.membership(&id, &organization, &user).await
        }
    };
    let raw = match answer {
        Ok(None) => return Ok(Ok(None)),
        Ok(Some(raw)) => clerk::jsonb_text(raw.get()).into_owned(),
        Err(error) => {
            let pause = match &error {
                ApiError::RateLimited { retry_after } => *retry_after,
                _ => Duration::ZERO,
            };
            return Ok(Err(Postponed { pause, reason: chain(&error) }));
        }
    };
    let state = match object {
        "user" => User::from_json(&raw).map(|user| State::User(Box::new(user), raw)),
        "organization" => {
            Organization::from_json(&raw).map(|organization| State::Organization(Box::new(organization), raw))
        }
        _ => Membership::from_json(&raw).map(|membership| State::Membership(Box::new(membership), raw)),
    };
    Ok(state.map(Some).map_err(|error| unreadable(&error)))
}

/// The answer's version. A clock of ours that is behind Clerk's must not make the answer older than what tied.
async fn version(
    transaction: &Transaction<'_>,
    found: &Option<State>,
    id: &str,
    asked_at: Timestamp,
) -> Result<Version, MirrorError> {
    let latest = include_str!("../../../sql/mirror/latest_event.sql");
    let tied: Option<i64> = transaction.query_opt(latest, &[&id]).await?.map(|row| row.get(0));
    let event_at = tied.map_or(asked_at, |tied| asked_at.max(Timestamp::from_millis(tied.saturating_add(1))));
    let updated_at = match found {
        Some(State::User(user, _)) => user.updated_at,
        Some(State::Organization(organization, _)) => organization.updated_at,
        Some(State::Membership(membership, _)) => membership.updated_at,
        None => None,
    };
    Ok(Version::new(updated_at, event_at, ASKED))
}

fn grave(object: &str, id: &str) -> Result<Grave, MirrorError> {
    let grave = match object {
        "user" => UserId::parse(id).map(Grave::User),
        "organization" => OrganizationId::parse(id).map(Grave::Organization),
        _ => MembershipId::parse(id).map(|id| Grave::Membership { id, organization: None, user: None }),
    };
    grave.map_err(|_| MirrorError::NotWaiting(id.to_owned()))
}
