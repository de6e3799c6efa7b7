//! `rowlock status`: how the mirror does, what is wrong with it, and the next command.
//!
//! Asked of the database alone, so that it works from any shell that has DATABASE_URL, whether a server runs or not.

mod findings;
mod show;

use std::process::ExitCode;

use anyhow::Context as _;
use mirror::{Mirror, Status};
use postgres::{Pool, migrations};
use serde::Serialize;
use server::config::Settings;

use crate::cli::StatusArguments;
use crate::printer::Printer;
use findings::{Finding, Level};

/// Everything that is shown.
#[derive(Debug, Serialize)]
struct Report {
    /// `red` when a finding is, otherwise `green`.
    verdict: &'static str,
    /// Without its password.
    database: String,
    migrations: Migrations,
    #[serde(flatten)]
    status: Option<Status>,
    secrets: Secrets,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Migrations {
    known: usize,
    pending: usize,
}

/// What the environment of this command has: how many and whether, never what.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Secrets {
    signing_secrets: usize,
    secret_key: bool,
}

pub(super) async fn run(arguments: StatusArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let patience = Settings::load(arguments.config.as_deref())?.mirror_patience()?;
    let owner = super::owner_pool()?;
    let unusable = || format!("{} cannot be used", owner.url());
    let pending = migrations::pending(&owner).await.with_context(unusable)?.len();
    let status = if pending == 0 { Some(look(&owner).await.with_context(unusable)?) } else { None };
    let findings = match &status {
        Some(status) => findings::of(status, patience, secrets()),
        None => vec![findings::not_migrated(pending)],
    };
    let red = findings.iter().any(|finding| finding.level == Level::Red);
    let report = Report {
        verdict: if red { "red" } else { "green" },
        database: owner.url().to_string(),
        migrations: Migrations { known: migrations::MIGRATIONS.len(), pending },
        status,
        secrets: secrets(),
        findings,
    };
    printer.value(&report);
    show::print(&report, printer);
    Ok(if red { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn look(owner: &Pool) -> anyhow::Result<Status> {
    Ok(Mirror::new(owner.clone(), None).status().await?)
}

fn secrets() -> Secrets {
    let signing_secrets = super::environment("CLERK_WEBHOOK_SIGNING_SECRET").unwrap_or_default();
    let separator = |character: char| character == ',' || character.is_whitespace();
    Secrets {
        signing_secrets: signing_secrets.split(separator).filter(|secret| !secret.is_empty()).count(),
        secret_key: super::environment("CLERK_SECRET_KEY").is_some(),
    }
}
