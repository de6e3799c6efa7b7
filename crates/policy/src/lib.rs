//! Row-level security for Clerk tokens that can be trusted.
//!
//! What policies ask about their caller are the functions of schema `clerk` (`sql/migrations/0007_policies.sql`); the tests of
//! this crate hold them against the reading of claims in Rust, token by token. On them stand four tools, and each checks another:
//!
//! - the [`model`] says in a few lines of `rowlock.toml` whose rows a table holds, and the [`generator`] makes policies, grants and
//!   indexes of it, in the forms that were measured to be fast;
//! - the [`matrix`] asks a real Postgres what real personas may do to real rows, and holds the answer against the model and
//!   against the table that somebody reviewed;
//! - the [`lint`] knows the mistakes that people make with Clerk and row-level security, in a live catalogue and in files;
//! - [`pgtap`] runs the tests that people have already, without the tools that need Docker;
//! - [`explain`] says for one caller and one statement which rows went away, and by whose word.
//!
//! Nothing here changes a database: what runs in one runs in a [`postgres::Rehearsal`], which is always rolled back. Migrations are
//! files, and people apply them.

pub mod catalogue;
pub mod difference;
pub mod explain;
pub mod generator;
pub mod issuer;
pub mod lint;
pub mod matrix;
pub mod model;
pub mod pgtap;
mod sql_name;

pub use sql_name::{TableName, quote_name};
