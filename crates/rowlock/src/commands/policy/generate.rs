//! `rowlock policy generate` and `diff`: from rowlock.toml to a migration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clerk::{Clock as _, SystemClock};
use policy::difference::{Difference, difference};
use policy::generator::{Existing, migration};
use policy::model::Model;
use serde_json::json;

use crate::cli::{PolicyFileArguments, PolicyGenerateArguments};
use crate::printer::{BAD, DIM, GOOD, Printer, STRONG};

pub(super) async fn run(arguments: PolicyGenerateArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let model = super::model(&arguments.file.config)?;
    let sql = if arguments.offline {
        migration(&model, model.tables.iter().map(|table| (table, Existing::default())))
    } else {
        against_database(&model).await?.migration
    };
    if sql.is_empty() {
        printer.line(format!(
            "{GOOD}✓{GOOD:#} nothing to write: the database has all of {}",
            arguments.file.config.display()
        ));
        printer.value(&json!({ "file": null, "migration": null }));
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.print {
        printer.line(sql.trim_end());
        printer.value(&json!({ "file": null, "migration": sql }));
        return Ok(ExitCode::SUCCESS);
    }
    let file = write(&model, &arguments.file.config, &sql)?;
    printer.line(format!("{GOOD}✓{GOOD:#} wrote {}; read it, apply it, then `rowlock policy test`", file.display()));
    printer.value(&json!({ "file": file, "migration": sql }));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn diff(arguments: PolicyFileArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let model = super::model(&arguments.config)?;
    let found = against_database(&model).await?;
    let tables: Vec<_> = found
        .tables
        .iter()
        .map(|table| json!({ "table": table.table.to_string(), "removed": table.removed, "added": table.added }))
        .collect();
    printer.value(&json!({ "tables": tables }));
    if found.tables.is_empty() {
        printer.line(format!("{GOOD}✓{GOOD:#} the database has all of {}", arguments.config.display()));
        return Ok(ExitCode::SUCCESS);
    }
    for table in &found.tables {
        printer.line(format!("{STRONG}{}{STRONG:#}", table.table));
        for fact in &table.removed {
            printer.line(format!("  {BAD}- {fact}{BAD:#}"));
        }
        for fact in &table.added {
            printer.line(format!("  {GOOD}+ {fact}{GOOD:#}"));
        }
    }
    printer.line(format!("{DIM}`rowlock policy generate` writes the migration{DIM:#}"));
    Ok(ExitCode::FAILURE)
}

async fn against_database(model: &Model) -> anyhow::Result<Difference> {
    let owner = super::super::migrated_pool().await?;
    Ok(difference(model, &owner).await?)
}

/// Beside the configuration, named so that migrations sort by time, as Supabase's command line wants it.
fn write(model: &Model, config: &Path, sql: &str) -> anyhow::Result<PathBuf> {
    let directory = config.parent().unwrap_or_else(|| Path::new("")).join(&model.settings.directory);
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make `{}`", directory.display()))?;
    let now =
        jiff::Timestamp::from_millisecond(SystemClock.now().millis()).context("the clock is beyond all calendars")?;
    let file = directory.join(format!("{}_policies.sql", now.strftime("%Y%m%d%H%M%S")));
    let mut options = std::fs::OpenOptions::new();
    let written = options
        .write(true)
        .create_new(true)
        .open(&file)
        .and_then(|mut out| std::io::Write::write_all(&mut out, sql.as_bytes()));
    written.with_context(|| format!("cannot write `{}`", file.display()))?;
    Ok(file)
}
