//! The server over real sockets and a real Postgres: what it answers to Clerk, to people and to strangers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod authorization;
mod bad_input;
mod configuration;
mod connections;
mod cross_origin;
mod data_api;
mod database_away;
mod documents;
mod health;
mod isolation;
mod limits;
mod logs;
mod metrics;
mod revocations;
mod shutdown;
mod start;
mod stress;
mod support;
mod webhooks;
mod whoami;
