//! A Supabase project's `supabase/` folder, on plain Postgres.
//!
//! Migrations that were written for Supabase expect more than Postgres: roles with certain powers, schemas `auth`, `storage`,
//! `realtime` and `extensions`, functions such as `auth.jwt()`, default privileges, a publication. [`install_platform`] makes all of
//! it, without an extension that is not there. [`Project`] is the folder: its `config.toml`, its migrations in their order, its
//! seeds. [`Project::apply`] brings a database to what the folder says and keeps the record that the official command line keeps, so
//! that `supabase migration list`, `db push` and `db reset` go on where this left off, and the other way round.
//!
//! Not handled: services (Auth, Storage, Studio), branches, declarative schemas (`db.migrations.schema_paths`), and the extensions
//! that are more than SQL. Those that are only SQL, or can be stood in for by SQL, are in [`EXTENSIONS`].

mod apply;
mod config;
mod error;
mod extensions;
mod jobs;
mod platform;
mod project;
mod requests;
mod schedule;
mod statements;

pub use apply::{Applied, Difference};
pub use config::Config;
pub use error::{MigrationFailure, ProjectError};
pub use extensions::{EXTENSIONS, Extension};
pub use jobs::run_jobs;
pub use platform::{install_platform, own_mirror};
pub use project::{Migration, Project};
pub use requests::send_requests;
pub use statements::{Statement, split};
