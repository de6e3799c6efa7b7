//! `rowlock schema`: the schema as SQL, for people who apply it themselves.

use std::process::ExitCode;

use postgres::migrations::MIGRATIONS;
use postgres::script;
use serde_json::json;

use crate::cli::SchemaCommand;
use crate::printer::Printer;
use crate::report::Hinted;

pub(super) fn run(command: SchemaCommand, printer: Printer) -> anyhow::Result<ExitCode> {
    let SchemaCommand::Print { from } = command;
    let last = MIGRATIONS.last().map_or(0, |migration| migration.version);
    let Some(script) = script(from) else {
        let message = format!("there is no migration {from}: this Rowlock has 1 to {last}");
        return Err(Hinted::new(message, "a database that has them all needs no SQL").into());
    };
    printer.line(script.trim_end());
    printer.value(&json!({ "from": from.max(1), "to": last, "sql": script }));
    Ok(ExitCode::SUCCESS)
}
