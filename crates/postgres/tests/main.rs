//! Against a real Postgres: the promises that only a server can keep.

mod cluster;
mod migrations;
mod principal_transaction;
mod statements;
mod support;
