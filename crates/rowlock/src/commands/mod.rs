//! The commands.

mod backfill;
mod clerk;
mod clerk_emulator;
mod deletion;
mod demo;
mod dev;
mod events;
mod migrate;
mod policy;
mod postgres;
mod reconcile;
mod rest;
mod running_emulator;
mod schema;
mod seed_file;
mod serve;
mod status;
mod token;
mod trigger;
mod uninstall;

use std::process::ExitCode;

use anyhow::Context as _;

use ::postgres::{DatabaseUrl, Pool, PoolOptions, migrations};

use crate::cli::Command;
use crate::printer::Printer;
use crate::report::Hinted;

/// Runs one command; what it returns is the exit code.
pub(crate) async fn run(command: Command, printer: Printer) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(arguments) => demo::run(arguments, printer).await,
        Command::Dev(arguments) => dev::run(arguments, printer).await,
        Command::Clerk(arguments) => clerk_emulator::run(arguments, printer).await,
        Command::Serve(arguments) => serve::run(arguments, printer).await,
        Command::Rest => rest::run(printer).await,
        Command::Migrate(arguments) => migrate::run(arguments, printer).await,
        Command::Backfill(arguments) => backfill::run(arguments, printer).await,
        Command::Reconcile(arguments) => reconcile::run(arguments, printer).await,
        Command::Schema(command) => schema::run(command, printer),
        Command::Uninstall(arguments) => uninstall::run(arguments, printer).await,
        Command::Status(arguments) => status::run(arguments, printer).await,
        Command::Token(command) => token::run(command, printer).await,
        Command::Trigger(arguments) => trigger::run(arguments, printer).await,
        Command::Deletion(command) => deletion::run(command, printer).await,
        Command::Events(command) => events::run(command, printer).await,
        Command::Policy(command) => policy::run(command, printer).await,
        Command::Postgres(command) => postgres::run(command, printer),
        Command::Config => {
            printer.line(server::config::DEFAULTS.trim_end());
            printer.value(&serde_json::json!({ "defaults": server::config::DEFAULTS }));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// An environment variable with something in it.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The owner's pool, for commands that work on the database alone.
fn owner_pool() -> anyhow::Result<Pool> {
    pool_of(2)
}

/// The owner's pool, with so many connections.
fn pool_of(size: usize) -> anyhow::Result<Pool> {
    let text = environment("DATABASE_URL").ok_or_else(|| {
        Hinted::new(
            "DATABASE_URL is not set; expected the address of the database, such as postgres://user:password@host/database",
            "`rowlock dev` prints the address of its own database",
        )
    })?;
    pool_at(&DatabaseUrl::parse(&text).context("DATABASE_URL cannot be used")?, size)
}

fn pool_at(url: &DatabaseUrl, size: usize) -> anyhow::Result<Pool> {
    Ok(Pool::new(url, &PoolOptions { size, application_name: "rowlock command", ..PoolOptions::default() })?)
}

/// The owner's pool of a database that is at this version.
async fn migrated_pool() -> anyhow::Result<Pool> {
    migrated(owner_pool()?).await
}

async fn migrated(pool: Pool) -> anyhow::Result<Pool> {
    let pending = migrations::pending(&pool).await.with_context(|| format!("{} cannot be used", pool.url()))?;
    if pending.is_empty() {
        return Ok(pool);
    }
    let message = format!("{} lacks {} of Rowlock's migrations", pool.url(), pending.len());
    Err(Hinted::new(message, "run `rowlock migrate`").into())
}

/// A command's argument, or standard input for `-`.
fn argument_or_stdin(argument: &str) -> anyhow::Result<String> {
    if argument != "-" {
        return Ok(argument.trim().to_owned());
    }
    let text = std::io::read_to_string(std::io::stdin()).context("standard input cannot be read")?;
    Ok(text.trim().to_owned())
}

/// A file with secrets: for its owner alone.
fn write_private(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let context = || format!("cannot write `{}`", path.display());
    let _ = std::fs::remove_file(path);
    let mut file =
        std::fs::File::options().write(true).create_new(true).mode(0o600).open(path).with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)
}
