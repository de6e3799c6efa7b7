//! `rowlock migrate`: brings a database to this version.

use std::process::ExitCode;

use anyhow::Context as _;
use postgres::migrations::{self, Migration};
use postgres::{CLIENT_LOGIN, Pool, install_client_login};
use serde_json::json;

use crate::cli::MigrateArguments;
use crate::printer::Printer;
use crate::report::Hinted;

pub(super) async fn run(arguments: MigrateArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let owner = super::owner_pool()?;
    let unusable = || format!("{} cannot be migrated", owner.url());
    if arguments.dry_run {
        migrations::refuse_foreign_schema(&owner).await.with_context(unusable)?;
        let pending = migrations::pending(&owner).await.with_context(unusable)?;
        for migration in &pending {
            printer.line(format!("would apply {}", named(migration)));
        }
        if pending.is_empty() {
            printer.line("nothing to apply");
        }
        printer.value(&json!({ "pending": names(&pending) }));
        return Ok(ExitCode::SUCCESS);
    }
    let migrated = migrations::migrate(&owner).await.with_context(unusable)?;
    for migration in &migrated.applied {
        printer.line(format!("applied {}", named(migration)));
    }
    install_client_login(&owner).await?;
    if arguments.supabase {
        platform(&owner).await?;
        printer.line("made what migrations written for Supabase expect: roles, auth.*, storage.*, realtime.*");
    }
    printer.line(format!("{} is at migration {}; clients log in as {CLIENT_LOGIN}", owner.url(), migrated.version));
    printer.value(&json!({
        "applied": names(&migrated.applied), "version": migrated.version, "client_login": CLIENT_LOGIN, "supabase": arguments.supabase,
    }));
    Ok(ExitCode::SUCCESS)
}

/// Tables stay hidden from clients until they are granted, as on Supabase since October 2026.
async fn platform(owner: &Pool) -> anyhow::Result<()> {
    let connection = owner.get().await?;
    let row = connection.query_one("select rolsuper from pg_roles where rolname = current_user", &[]).await?;
    if !row.get::<_, bool>(0) {
        let message = "roles that pass by row-level security can be made by a superuser alone, and this login is none";
        return Err(Hinted::new(message, "on Supabase nothing has to be made: leave --supabase out").into());
    }
    supabase::install_platform(owner, false).await.context("what Supabase has could not be made here")
}

fn named(migration: &Migration) -> String {
    format!("{:04} {}", migration.version, migration.name)
}

fn names(migrations: &[Migration]) -> Vec<String> {
    migrations.iter().map(named).collect()
}
