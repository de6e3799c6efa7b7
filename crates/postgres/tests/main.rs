//! Against a real Postgres: the promises that only a server can keep.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client_transaction;
mod cluster;
mod flights;
mod installation;
mod listener;
mod migrations;
mod principal_transaction;
mod rehearsal;
mod statements;
mod support;
