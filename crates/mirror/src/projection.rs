//! From changes to rows: any number of them in one flight.
//!
//! Changes to different objects are written together, one statement for each table and manner; a second change to the same
//! object waits for the next *wave* of the same flight, so that an object goes through its states one by one, as it would
//! alone. Nothing waits for an answer in between.

mod flight;
mod wave;

use std::collections::{BTreeMap, HashMap};

use postgres::Connection;

use crate::ObjectKind;
use crate::change::Change;
use crate::table::Stub;
use flight::Flight;
use wave::waves;

pub(crate) use flight::Start;

const OPEN: &str = include_str!("../../../sql/mirror/open.sql");
const LOCK: &str = include_str!("../../../sql/mirror/lock.sql");
const STUBS: [(ObjectKind, &str); 2] = [
    (ObjectKind::User, include_str!("../../../sql/mirror/stub_users.sql")),
    (ObjectKind::Organization, include_str!("../../../sql/mirror/stub_organizations.sql")),
];

/// Who brought a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A signed delivery.
    Webhook,
    /// A walk through everything that Clerk has.
    Backfill,
    /// A comparison with Clerk, or a question to it about one object.
    Reconcile,
}

impl Source {
    /// As the column `source` says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Backfill => "backfill",
            Self::Reconcile => "reconcile",
        }
    }
}

/// How long a transaction waits for a row that somebody else holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// A crowd does not wait for one: who must wait is tried alone.
    Crowd,
    /// A sender of webhooks gives up after 15 s.
    Alone,
}

impl Patience {
    const fn lock_timeout(self) -> &'static str {
        match self {
            Self::Crowd => "500ms",
            Self::Alone => "5s",
        }
    }
}

/// Prepares a transaction to take changes.
///
/// It will be durable when it says so, even in a database whose `synchronous_commit` is off: the sender forgets a delivery
/// once we have answered. It lets one transaction at a time decide about an object, and several read it: what depends on two
/// objects (a membership and its user) would otherwise miss a change that is being made to the other at the same moment.
pub(crate) async fn begin(
    connection: &Connection,
    changes: &[&Change],
    patience: Patience,
    start: Start,
) -> Result<(), tokio_postgres::Error> {
    let mut flight = Flight::new(Source::Webhook);
    open(changes, patience, &mut flight);
    flight.depart(connection, start).await.map(drop)
}

/// Applies changes in their order, in a transaction that [`begin`] has prepared; for each, whether the mirror shows it now.
pub(crate) async fn apply(
    connection: &Connection,
    changes: &[&Change],
    source: Source,
) -> Result<Vec<bool>, tokio_postgres::Error> {
    fly(connection, changes, source, Flight::new(source), Start::Within).await
}

/// [`begin`] and [`apply`] in one flight: a transaction that is open and has everything in it.
pub(crate) async fn begin_and_apply(
    connection: &Connection,
    changes: &[&Change],
    source: Source,
) -> Result<Vec<bool>, tokio_postgres::Error> {
    let mut flight = Flight::new(source);
    open(changes, Patience::Crowd, &mut flight);
    fly(connection, changes, source, flight, Start::Transaction).await
}

async fn fly<'a>(
    connection: &Connection,
    changes: &[&'a Change],
    source: Source,
    mut flight: Flight<'a>,
    start: Start,
) -> Result<Vec<bool>, tokio_postgres::Error> {
    let waves = waves(changes);
    for wave in &waves {
        wave.board(&mut flight);
    }
    if source == Source::Webhook {
        stub_parents(changes, &mut flight);
    }
    let written = flight.depart(connection, start).await?;
    let mut shown = vec![false; changes.len()];
    for wave in &waves {
        wave.land(&written, &mut shown);
    }
    Ok(shown)
}

fn open<'a>(changes: &[&'a Change], patience: Patience, flight: &mut Flight<'a>) {
    let mut touched: HashMap<&str, bool> = HashMap::new();
    for touch in changes.iter().flat_map(|change| change.touches()) {
        *touched.entry(touch.id).or_default() |= touch.writes;
    }
    flight.add(OPEN).text(patience.lock_timeout());
    let (ids, writes): (Vec<&str>, Vec<bool>) = touched.into_iter().unzip();
    flight.add(LOCK).texts(ids.into_iter().map(Some)).flags(writes);
}

/// Rows for the users and organizations that memberships speak of, where there are none yet. After everything else, in the
/// order of ids: two transactions that make the same stubs meet in the same order.
fn stub_parents<'a>(changes: &[&'a Change], flight: &mut Flight<'a>) {
    let states = changes.iter().filter_map(|change| match change {
        Change::State(state) => Some(&state.row.stubs),
        _ => None,
    });
    let stubs: BTreeMap<&str, &Stub> = states.flatten().map(|stub| (stub.id.as_str(), stub)).collect();
    for (kind, statement) in STUBS {
        let of_kind = || stubs.values().filter(move |stub| stub.kind == kind);
        if of_kind().next().is_some() {
            let value = |which: usize| of_kind().map(move |stub| stub.values[which].as_deref());
            flight
                .add(statement)
                .texts(of_kind().map(|stub| Some(stub.id.as_str())))
                .texts(value(0))
                .texts(value(1))
                .texts(value(2))
                .source();
        }
    }
}
