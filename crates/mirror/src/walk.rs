//! Everything that Clerk has of one kind, page by page.
//!
//! Most kinds have a list of their own. The others are found through what they belong to: sessions through users, a
//! subscription through whoever pays it, payment attempts through statements. Those cost a request for each owner, so some
//! owners are asked about at once, and what is found belongs to one page. Owners are taken from the mirror: whoever wants
//! all of those objects walks the owners first.

use std::future::Future;

use clerk::{Clock as _, SystemClock, Timestamp, UserId};
use clerk_api::{ApiError, BackendApi, Cursor, List, Mark, Walk};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use postgres::Pool;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{MirrorError, ObjectKind};

/// How many owners one page is about.
const OWNERS: i64 = 100;
/// How many of them are asked about at once.
const AT_ONCE: usize = 8;

/// Some objects of a walk.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) objects: Vec<Box<RawValue>>,
    /// A moment before Clerk was asked.
    pub(crate) asked_at: Timestamp,
    /// Where the walk stands once these are dealt with, as JSON.
    pub(crate) cursor: String,
}

/// Why a walk cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WalkError {
    #[error(transparent)]
    Clerk(#[from] ApiError),
    #[error(transparent)]
    Database(#[from] MirrorError),
    #[error("the walk's cursor cannot be read; `--restart` begins anew")]
    Cursor(#[from] serde_json::Error),
}

/// How the objects of a kind are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Clerk lists them for the whole instance.
    Listed,
    /// Through what they belong to, of which there may be many: only when asked for.
    ByOwner,
    /// Through what they belong to, of which there are few.
    ByPayer,
}

impl ObjectKind {
    /// How the objects of this kind are found in Clerk.
    pub const fn reach(self) -> Reach {
        match self {
            Self::Session => Reach::ByOwner,
            Self::Subscription | Self::PaymentAttempt => Reach::ByPayer,
            _ => Reach::Listed,
        }
    }

    /// The instance's list of this kind; none when it has none.
    pub(crate) const fn list(self) -> Option<List> {
        Some(match self {
            Self::User => List::Users,
            Self::Organization => List::Organizations,
            Self::Membership => List::Memberships,
            Self::OrganizationInvitation => List::OrganizationInvitations,
            Self::OrganizationDomain => List::OrganizationDomains,
            Self::Role => List::Roles,
            Self::Permission => List::Permissions,
            Self::Invitation => List::Invitations,
            Self::WaitlistEntry => List::WaitlistEntries,
            Self::SubscriptionItem => List::SubscriptionItems,
            Self::Session | Self::Subscription | Self::PaymentAttempt => return None,
        })
    }
}

/// A walk through one kind.
#[derive(Debug)]
pub(crate) enum KindWalk {
    Listed(Walk),
    OfOwners(Box<OwnersWalk>),
    OfStatements(Walk, BackendApi),
}

/// A walk through the owners of objects, in the order of their ids.
#[derive(Debug)]
pub(crate) struct OwnersWalk {
    pool: Pool,
    api: BackendApi,
    kind: ObjectKind,
    owners: &'static str,
    stands: OwnersCursor,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct OwnersCursor {
    after: String,
    ended: bool,
}

impl KindWalk {
    /// Begins at the beginning, or where `cursor` says.
    pub(crate) fn new(
        kind: ObjectKind,
        pool: &Pool,
        api: &BackendApi,
        cursor: Option<&str>,
    ) -> Result<Self, serde_json::Error> {
        let listed = |list| {
            let cursor: Option<Cursor> = cursor.map(serde_json::from_str).transpose()?;
            Ok::<_, serde_json::Error>(Walk::new(api.clone(), list, cursor))
        };
        let of_owners = |owners| {
            let stands = cursor.map(serde_json::from_str).transpose()?.unwrap_or_default();
            let (pool, api) = (pool.clone(), api.clone());
            Ok(Self::OfOwners(Box::new(OwnersWalk { pool, api, kind, owners, stands })))
        };
        match (kind.list(), kind) {
            (Some(list), _) => listed(list).map(Self::Listed),
            (None, ObjectKind::PaymentAttempt) => Ok(Self::OfStatements(listed(List::Statements)?, api.clone())),
            (None, ObjectKind::Subscription) => of_owners(include_str!("../../../sql/run/payers.sql")),
            (None, _) => of_owners(include_str!("../../../sql/run/session_owners.sql")),
        }
    }

    /// The next objects; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>, WalkError> {
        let (objects, asked_at, cursor) = match self {
            Self::OfOwners(walk) => return walk.next().await,
            Self::Listed(walk) => {
                let Some(page) = walk.next().await? else { return Ok(None) };
                (page.objects, page.asked_at, page.cursor)
            }
            Self::OfStatements(walk, api) => {
                let Some(page) = walk.next().await? else { return Ok(None) };
                let statements: Vec<String> = page.objects.iter().filter_map(|of| Some(Mark::of(of)?.id)).collect();
                let attempts = gather(statements, |id| whole_list(api.clone(), List::PaymentAttemptsOf(id)));
                (attempts.await?, page.asked_at, page.cursor)
            }
        };
        Ok(Some(Batch { objects, asked_at, cursor: serde_json::to_string(&cursor)? }))
    }
}

impl OwnersWalk {
    async fn next(&mut self) -> Result<Option<Batch>, WalkError> {
        if self.stands.ended {
            return Ok(None);
        }
        let asked_at = SystemClock.now();
        let owners = self.owners().await?;
        self.stands.ended = owners.is_empty();
        if let Some(last) = owners.last() {
            self.stands.after.clone_from(last);
        }
        let (kind, api) = (self.kind, &self.api);
        let objects = gather(owners, |owner| of_owner(kind, api.clone(), owner)).await?;
        Ok(Some(Batch { objects, asked_at, cursor: serde_json::to_string(&self.stands)? }))
    }

    async fn owners(&self) -> Result<Vec<String>, MirrorError> {
        let connection = self.pool.get().await?;
        let owners = connection.prepare_cached(self.owners).await?;
        let rows = connection.query(&owners, &[&self.stands.after, &OWNERS]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

/// A user's sessions, or a payer's subscription. Whoever is gone meanwhile has none.
async fn of_owner(kind: ObjectKind, api: BackendApi, owner: String) -> Result<Vec<Box<RawValue>>, ApiError> {
    if kind == ObjectKind::Subscription {
        let payer = if owner.starts_with("org_") { "organizations" } else { "users" };
        return Ok(api.one(&[payer, &owner, "billing", "subscription"]).await?.into_iter().collect());
    }
    // An id that Clerk would not have given to a user has no sessions.
    let Ok(user) = UserId::parse(&owner) else { return Ok(Vec::new()) };
    match whole_list(api, List::SessionsOf(user)).await {
        Err(error) if error.is_not_offered() => Ok(Vec::new()),
        found => found,
    }
}

async fn whole_list(api: BackendApi, list: List) -> Result<Vec<Box<RawValue>>, ApiError> {
    let (mut walk, mut objects) = (Walk::new(api, list, None), Vec::new());
    while let Some(page) = walk.next().await? {
        objects.extend(page.objects);
    }
    Ok(objects)
}

/// What each of these has, some of them asked at once.
async fn gather<F>(
    owners: impl IntoIterator<Item = String>,
    ask: impl Fn(String) -> F,
) -> Result<Vec<Box<RawValue>>, ApiError>
where
    F: Future<Output = Result<Vec<Box<RawValue>>, ApiError>>,
{
    stream::iter(owners).map(ask).buffered(AT_ONCE).try_concat().await
}
