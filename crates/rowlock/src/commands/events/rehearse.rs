//! `rowlock events replay --dry-run`: the difference that a replay would make.

use std::process::ExitCode;

use clerk::DeliveryId;
use mirror::{Difference, Mirror, Outcome, Rehearsal};
use serde_json::{Value, json};

use super::style;
use crate::printer::{BAD, DIM, GOOD, Printer, STRONG};

/// A longer value is cut on the terminal; `--json --values` has all of it.
const LONGEST: usize = 100;

pub(super) async fn run(mirror: &Mirror, id: &DeliveryId, values: bool, printer: Printer) -> anyhow::Result<ExitCode> {
    let rehearsal = mirror.rehearse(id).await?;
    printer.value(&as_json(id, &rehearsal, values));
    print(id, &rehearsal, values, printer);
    let settled = !matches!(rehearsal.outcome, Outcome::Failed(_) | Outcome::Dead(_));
    Ok(if settled { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(id: &DeliveryId, rehearsal: &Rehearsal, values: bool) -> Value {
    let difference = |difference: &Difference| {
        if values { json!(difference) } else { json!({ "place": difference.place }) }
    };
    json!({
        "delivery": id.as_str(),
        "event_type": rehearsal.event_type,
        "outcome": rehearsal.outcome.as_str(),
        "reason": rehearsal.outcome.reason(),
        "row": rehearsal.row.as_ref().map(|(table, id)| json!({ "table": format!("clerk.{table}"), "id": id })),
        "exists": rehearsal.exists,
        "differences": rehearsal.differences.iter().map(difference).collect::<Vec<_>>(),
        "buried_with_it": rehearsal.buried_with_it.iter().map(|(table, rows)| json!({ "table": format!("clerk.{table}"), "rows": rows })).collect::<Vec<_>>(),
        "stubs": rehearsal.stubs.iter().map(|(table, id)| json!({ "table": format!("clerk.{table}"), "id": id })).collect::<Vec<_>>(),
    })
}

fn print(id: &DeliveryId, rehearsal: &Rehearsal, values: bool, printer: Printer) {
    let event = rehearsal.event_type.as_deref().unwrap_or("unreadable");
    let style = style(rehearsal.outcome.as_str());
    let reason = rehearsal.outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
    printer.line(format!("{id} ({event}) would be {style}{}{style:#}{reason}", rehearsal.outcome.as_str()));
    if let Some((table, row)) = &rehearsal.row {
        let what = match (rehearsal.exists, rehearsal.differences.is_empty()) {
            (_, true) => "stays as it is",
            (false, false) => "would be made",
            (true, false) => "would change",
        };
        printer.line(format!("  {STRONG}clerk.{table} {row}{STRONG:#} {what}"));
    }
    let width = rehearsal.differences.iter().map(|difference| difference.place.len()).max().unwrap_or_default();
    for Difference { place, before, after } in &rehearsal.differences {
        if values {
            let (before, after) = (short(before), short(after));
            printer.line(format!("    {place:<width$}  {BAD}{before}{BAD:#} → {GOOD}{after}{GOOD:#}"));
        } else {
            printer.line(format!("    {place}"));
        }
    }
    for (table, rows) in &rehearsal.buried_with_it {
        printer.line(format!("  {rows} of clerk.{table} would be buried with it"));
    }
    for (table, row) in &rehearsal.stubs {
        printer.line(format!("  clerk.{table} {row} would be made as a stub"));
    }
    if !values && !rehearsal.differences.is_empty() {
        printer.line(format!("  {DIM}values are personal data: shown on a terminal, or with --values{DIM:#}"));
    }
    printer.line(format!("  {DIM}nothing was written{DIM:#}"));
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}
