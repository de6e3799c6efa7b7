//! What can be done to an emulator that runs: its time, its keys, its outages, its state.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{ClerkCommand, OutageScope};
use crate::commands::running_emulator::RunningEmulator;
use crate::printer::{GOOD, Printer, WARN};

pub(super) async fn run(command: ClerkCommand, printer: Printer) -> anyhow::Result<ExitCode> {
    match command {
        ClerkCommand::Install => return super::install(printer).await,
        ClerkCommand::Advance { by, emulator } => {
            let clock = advance(&RunningEmulator::find(&emulator)?, by, printer).await?;
            printer.value(&clock);
        }
        ClerkCommand::RotateKeys { retire, emulator } => {
            let emulator = RunningEmulator::find(&emulator)?;
            let keys = emulator.post("signing_keys/rotate", &json!({ "retire": retire })).await?;
            let count = keys["keys"].as_array().map_or(0, Vec::len);
            let kid = keys["keys"][0]["kid"].as_str().unwrap_or_default();
            printer.line(format!("{GOOD}✓{GOOD:#} tokens are signed with {kid} now; {count} in the key set"));
            printer.value(&keys);
        }
        ClerkCommand::Outage { what, emulator } => {
            let (api, jwks) = match what {
                OutageScope::Api => (true, false),
                OutageScope::Jwks => (false, true),
                OutageScope::All => (true, true),
                OutageScope::End => (false, false),
            };
            let body = json!({ "api": api, "jwks": jwks });
            let outage = RunningEmulator::find(&emulator)?.patch("outage", &body).await?;
            printer.line(match (api, jwks) {
                (false, false) => format!("{GOOD}✓{GOOD:#} everything answers"),
                (true, false) => format!("{WARN}the APIs answer 503{WARN:#}; `rowlock clerk outage end` ends it"),
                (false, true) => format!("{WARN}the key set answers 503{WARN:#}; `rowlock clerk outage end` ends it"),
                (true, true) => {
                    format!("{WARN}the APIs and the key set answer 503{WARN:#}; `rowlock clerk outage end` ends it")
                }
            });
            printer.value(&outage);
        }
        ClerkCommand::Snapshot { name, emulator } => {
            let answer = RunningEmulator::find(&emulator)?.post("snapshots", &json!({ "name": name })).await?;
            printer.line(format!("{GOOD}✓{GOOD:#} remembered as {name}"));
            printer.value(&answer);
        }
        ClerkCommand::Restore { name, emulator } => {
            let path = format!("snapshots/{name}/restore");
            let answer = RunningEmulator::find(&emulator)?.post(&path, &json!({})).await?;
            printer.line(format!("{GOOD}✓{GOOD:#} everything is as it was at {name}"));
            printer.value(&answer);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Moves the time of an emulator forward; answers with what its clock says then.
pub(in crate::commands) async fn advance(
    emulator: &RunningEmulator,
    by: Duration,
    printer: Printer,
) -> anyhow::Result<Value> {
    let clock = emulator.post("clock/advance", &json!({ "seconds": by.as_secs_f64() })).await?;
    let ahead = clock["ahead_by_seconds"].as_f64().unwrap_or_default();
    let by = by.as_secs_f64();
    printer.line(format!("{GOOD}✓{GOOD:#} {by} s have passed; the emulator is {ahead} s ahead of the world"));
    Ok(clock)
}
