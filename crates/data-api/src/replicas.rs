//! Copies of the database that answer what is only read.
//!
//! A replica is asked for reads by `GET` and `HEAD`: rows of relations, and functions that do not write. Whatever may write goes to the
//! primary: every other method, a caller whose rows are made on the way, a function that is volatile; and so does whoever comes
//! with a secret key, whose login replicas do not take from us.
//!
//! A replica is behind by a moment. What it cannot answer the primary is asked: when it is down or being restarted, when its copy is in the
//! way of a replay, when a table is not there yet. A replica that could not be reached is left alone for a while, so that not every
//! request finds out by itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use parking_lot::Mutex;
use postgres::{ClientPool, Error as PostgresError, PoolStatus};

use crate::auth::Caller;
use crate::error::Error;
use crate::plan::{Kind, StatementPlan};
use crate::schema_cache::Volatility;

/// How long a replica that cannot be reached is not asked.
const LEFT_ALONE: Duration = Duration::from_secs(5);

/// SQLSTATEs, or their classes, by which a replica says that it is not the one to ask: it lacks a feature, is in conflict with a
/// replay, is short of something, is in no state for it, was stopped, is broken; or it does not have yet what the statement names.
const NOT_ITS_BUSINESS: [&str; 11] = ["08", "0A", "40", "42P01", "42703", "42704", "42883", "53", "55", "57P", "58"];

/// The replicas, asked in turn.
#[derive(Debug, Default)]
pub(crate) struct Replicas {
    all: Vec<Replica>,
    turn: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) pool: ClientPool,
    left_alone_until: Mutex<Option<Instant>>,
}

/// What there is to count of a replica.
#[derive(Debug, Clone, Copy)]
pub struct ReplicaFigures {
    /// Its connections.
    pub connections: PoolStatus,
    /// Whether it is asked. One that could not be reached is left alone for a while.
    pub is_asked: bool,
}

impl Replicas {
    pub(crate) fn figures(&self) -> Vec<ReplicaFigures> {
        let figures = |replica: &Replica| ReplicaFigures {
            connections: replica.pool.status(),
            is_asked: replica.left_alone_until.lock().is_none(),
        };
        self.all.iter().map(figures).collect()
    }

    pub(crate) fn new(pools: Vec<ClientPool>) -> Self {
        let all = pools.into_iter().map(|pool| Replica { pool, left_alone_until: Mutex::default() }).collect();
        Self { all, turn: AtomicUsize::new(0) }
    }

    pub(crate) fn forget_statements(&self) {
        self.all.iter().for_each(|replica| replica.pool.forget_statements());
    }

    /// Who may answer this beside the primary; nobody if it must.
    pub(crate) fn for_request(&self, method: &Method, caller: &Caller, plan: &StatementPlan) -> Option<&Replica> {
        if self.all.is_empty() || !may_be_read_elsewhere(method, caller, plan) {
            return None;
        }
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..self.all.len()).map(|step| &self.all[first.wrapping_add(step) % self.all.len()]);
        in_turn.into_iter().find(|replica| replica.is_asked())
    }
}

fn may_be_read_elsewhere(method: &Method, caller: &Caller, plan: &StatementPlan) -> bool {
    let writes = match &plan.kind {
        Kind::Read { .. } => false,
        Kind::Mutate { .. } => true,
        Kind::Call { function, .. } => function.volatility == Volatility::Volatile,
    };
    matches!(*method, Method::GET | Method::HEAD) && !writes && !caller.ensures_rows && !caller.is_service
}

impl Replica {
    /// Not while it is left alone. When that is over, one request finds out for all.
    fn is_asked(&self) -> bool {
        let mut until = self.left_alone_until.lock();
        let now = Instant::now();
        match *until {
            None => true,
            Some(over) if over <= now => {
                *until = Some(now + LEFT_ALONE);
                true
            }
            Some(_) => false,
        }
    }

    /// It has answered: whether the primary is to be asked the same.
    pub(crate) fn passes_on<T>(&self, answer: &Result<T, Error>) -> bool {
        let failure = match answer {
            Err(Error::Postgres(failure)) => &failure.error,
            _ => return self.is_back(),
        };
        if failure.is_absence() {
            self.leave_alone(failure);
            return true;
        }
        match failure.sql_state() {
            Some(state) => NOT_ITS_BUSINESS.iter().any(|class| state.code().starts_with(class)),
            // The connection broke: the next one finds out whether it is gone.
            None => true,
        }
    }

    fn leave_alone(&self, error: &PostgresError) {
        let mut until = self.left_alone_until.lock();
        if until.is_none() {
            let (replica, error) = (self.pool.url().to_string(), error.to_string());
            tracing::warn!(replica, error, "a replica cannot be asked, and the primary is");
        }
        *until = Some(Instant::now() + LEFT_ALONE);
    }

    /// Never passes on.
    fn is_back(&self) -> bool {
        if self.left_alone_until.lock().take().is_some() {
            tracing::info!(replica = self.pool.url().to_string(), "a replica answers again");
        }
        false
    }
}
