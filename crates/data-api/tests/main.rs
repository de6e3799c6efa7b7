//! The data API against a real Postgres, in our own words.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod callers;
mod calling;
mod describing;
mod embedding;
mod following;
mod injection;
mod login;
mod reading;
mod refusals;
mod replicas;
mod support;
mod writing;
