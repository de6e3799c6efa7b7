//! From a change to rows.
//!
//! Every function runs inside the caller's transaction, after [`begin`], and sends all it has in one flight.

mod membership;
mod organization;
mod user;

use clerk::Timestamp;
use futures_util::future::try_join_all;
use postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::reading::{Change, Grave, State};
use crate::version::Version;

const OPEN: &str = include_str!("../../../../sql/mirror/open.sql");
const LOCK: &str = include_str!("../../../../sql/mirror/lock.sql");

/// Who brought a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Webhook,
    Reconcile,
}

impl Source {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Reconcile => "reconcile",
        }
    }
}

/// A statement with its parameters.
type Step<'a> = (&'static str, &'a [&'a (dyn ToSql + Sync)]);

/// Prepares a transaction to take a delivery.
///
/// It will be durable when it says so, even in a database whose `synchronous_commit` is off: the sender forgets a delivery
/// once we have answered. It waits for nobody longer than 5 s: the sender comes back. And it lets one transaction at a time
/// decide about an object, and several read it: what depends on two objects (a membership and its user) would otherwise miss
/// a change that is being made to the other at the same moment.
pub(crate) async fn begin(transaction: &Transaction<'_>, change: Option<&Change>) -> Result<(), tokio_postgres::Error> {
    let (ids, writes) = change.map(Change::touches).unwrap_or_default();
    in_one_flight(transaction, [(OPEN, &[]), (LOCK, &[&ids, &writes])]).await.map(|_| ())
}

/// Applies a change; whether the mirror shows it now.
pub(crate) async fn apply(
    transaction: &Transaction<'_>,
    change: &Change,
    source: Source,
) -> Result<bool, tokio_postgres::Error> {
    match change {
        Change::Upsert(State::User(user, raw), version) => user::upsert(transaction, user, raw, version, source).await,
        Change::Upsert(State::Organization(organization, raw), version) => {
            organization::upsert(transaction, organization, raw, version, source).await
        }
        Change::Upsert(State::Membership(membership, raw), version) => {
            membership::upsert(transaction, membership, raw, version, source).await
        }
        Change::Bury(Grave::User(id), version) => {
            bury_with_memberships(transaction, user::BURY, id.as_str(), version, source).await
        }
        Change::Bury(Grave::Organization(id), version) => {
            bury_with_memberships(transaction, organization::BURY, id.as_str(), version, source).await
        }
        Change::Bury(Grave::Membership { id, organization, user }, version) => {
            membership::bury(transaction, id, organization.as_ref(), user.as_ref(), version, source).await
        }
        Change::Keep => Ok(false),
    }
}

/// A user or organization is gone, and with it its memberships: Clerk does not announce those one by one.
async fn bury_with_memberships(
    transaction: &Transaction<'_>,
    [own_row, memberships]: [&'static str; 2],
    id: &str,
    version: &Version,
    source: Source,
) -> Result<bool, tokio_postgres::Error> {
    let source = source.as_str();
    let parameters: [&(dyn ToSql + Sync); 4] = [&id, &version.event_at, &version.delivery_id, &source];
    let [buried, _] = in_one_flight(transaction, [(own_row, &parameters), (memberships, &parameters)]).await?;
    Ok(buried == 1)
}

/// Sends all steps in their order and waits once; the number of rows that each has written.
///
/// Everything is prepared first: a step whose statement this connection already knows must not overtake one whose
/// statement it does not.
async fn in_one_flight<const STEPS: usize>(
    transaction: &Transaction<'_>,
    steps: [Step<'_>; STEPS],
) -> Result<[u64; STEPS], tokio_postgres::Error> {
    let mut prepared = Vec::with_capacity(STEPS);
    for (statement, _) in &steps {
        prepared.push(transaction.prepare_cached(statement).await?);
    }
    let flight =
        prepared.iter().zip(&steps).map(|(statement, (_, parameters))| transaction.execute(statement, parameters));
    let written = try_join_all(flight).await?;
    Ok(written.try_into().expect("one answer for each step"))
}

/// A time as a column takes it; one outside the years that Postgres can hold and people can mean is left out.
fn time(timestamp: Option<Timestamp>) -> Option<i64> {
    const YEAR_10000: i64 = 253_402_300_800_000;
    timestamp.map(Timestamp::millis).filter(|millis| (0..YEAR_10000).contains(millis))
}
