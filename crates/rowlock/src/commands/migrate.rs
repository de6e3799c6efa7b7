//! `rowlock migrate`: brings a database to this version.

use std::process::ExitCode;

use anyhow::Context as _;
use postgres::migrations::{self, Migration};
use postgres::{CLIENT_LOGIN, install_client_login};
use serde_json::json;

use crate::cli::MigrateArguments;
use crate::printer::Printer;

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
    printer.line(format!("{} is at migration {}; clients log in as {CLIENT_LOGIN}", owner.url(), migrated.version));
    printer.value(&json!({
        "applied": names(&migrated.applied), "version": migrated.version, "client_login": CLIENT_LOGIN,
    }));
    Ok(ExitCode::SUCCESS)
}

fn named(migration: &Migration) -> String {
    format!("{:04} {}", migration.version, migration.name)
}

fn names(migrations: &[Migration]) -> Vec<String> {
    migrations.iter().map(named).collect()
}
