//! How fast Rowlock is, measured beside what it competes with and what the machine allows.
//!
//! Seven subjects: verifying a session token, running a client's statement as its principal, row-level security, the data API,
//! taking webhooks, writing everything that Clerk has, and Clerk's emulator.
//! Each is a race of *ours*, a *peer* (what people would use otherwise) and a *limit* (the part that nobody can leave
//! out). They take turns on the same machine in the same minutes, so a noisy neighbour hits all of them; the claim is
//! the ratio, the absolute numbers are context. What each row means stands in `benches/README.md`.
//!
//! Nothing here is a test: no number makes this program fail. A contender that gives a wrong answer does.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod backfill;
mod callers;
mod clerk_emulator;
mod data_api;
mod database;
mod delay_proxy;
mod emulate;

mod ingest;
mod machine;
mod measure;
mod openssl;
mod peer;
mod policies;
mod principal;
mod report;
mod session;
mod tokens;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use postgres::cluster::Durability;
use tokio::runtime::Runtime;

use crate::database::Database;
use crate::report::Report;

/// Measure Rowlock beside its peers and the limits of this machine. Takes two to three minutes.
#[derive(Debug, Parser)]
#[command(name = "cargo x bench")]
struct Arguments {
    /// Print one JSON document at the end instead of tables on the way
    #[arg(long)]
    json: bool,
    /// Measure one subject only
    #[arg(long)]
    only: Option<Subject>,
    /// A PostgREST to measure the data API beside
    #[arg(long, value_name = "PROGRAM")]
    postgrest: Option<PathBuf>,
    /// Be the handler that the data API is measured beside
    #[arg(long, hide = true)]
    data_api_handler: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// Verifying a session token
    Tokens,
    /// A client's statement as its principal
    Principal,
    /// Row-level security on a million rows, and the tools for it
    Policies,
    /// The data API over HTTP
    DataApi,
    /// Taking webhooks over HTTP
    Ingest,
    /// Writing everything that Clerk has
    Backfill,
    /// Clerk's emulator: its start, its pages
    Emulator,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let wanted = |subject| arguments.only.is_none_or(|only| only == subject);
    let runtime = Runtime::new().context("the async runtime cannot start")?;
    if arguments.data_api_handler {
        return runtime.block_on(data_api::handler::run());
    }
    let mut report = Report::begin(arguments.json);
    if wanted(Subject::Tokens) {
        tokens::measure(&runtime, &mut report)?;
    }
    if wanted(Subject::Principal) {
        let database = runtime.block_on(Database::start(Durability::Ephemeral))?;
        principal::measure(&runtime, &database, &mut report)?;
        runtime.block_on(database.stop())?;
    }
    if wanted(Subject::Policies) {
        let database = runtime.block_on(Database::start(Durability::Ephemeral))?;
        policies::measure(&runtime, &database, &mut report)?;
        runtime.block_on(database.stop())?;
    }
    if wanted(Subject::DataApi) {
        let database = runtime.block_on(Database::start(Durability::Ephemeral))?;
        data_api::measure(&runtime, &database, arguments.postgrest.as_deref(), &mut report)?;
        runtime.block_on(database.stop())?;
    }
    if wanted(Subject::Ingest) || wanted(Subject::Backfill) {
        let database = runtime.block_on(Database::start(Durability::Full))?;
        if wanted(Subject::Ingest) {
            ingest::measure(&runtime, &database, &mut report)?;
        }
        if wanted(Subject::Backfill) {
            backfill::measure(&runtime, &database, &mut report)?;
        }
        runtime.block_on(database.stop())?;
    }
    if wanted(Subject::Emulator) {
        clerk_emulator::measure(&runtime, &mut report)?;
    }
    report.end();
    Ok(())
}
