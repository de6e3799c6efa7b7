//! Against a real Postgres: what policies say is what Postgres does.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod claims;
mod defects;
mod difference;
mod explain;
mod lint;
mod live;
mod matrix;
mod mutation;
mod pgtap;
mod same_answers;
mod support;
