//! `rowlock reconcile`: what differs from Clerk.

use std::process::ExitCode;
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use indicatif::ProgressBar;
use mirror::{KindReconciled, ReconcileOptions, RunError, Tally};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::cli::ReconcileArguments;
use crate::printer::Printer;
use crate::{report, signals};

/// Drift is left: neither done nor failed.
const DRIFT: u8 = 3;

pub(super) async fn run(arguments: ReconcileArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let mirror = super::clerk::mirror(&arguments.walk, printer).await?;
    let mut options =
        ReconcileOptions { repair: arguments.repair, grace: arguments.grace, ..ReconcileOptions::default() };
    if !arguments.walk.only.is_empty() {
        options.kinds.clone_from(&arguments.walk.only);
    }
    let stop = signals::stop_token()?;
    loop {
        let found = once(&mirror, &options, &stop).await;
        let Some(every) = arguments.every else { return Ok(exit_code(&print(found?, &options, printer))) };
        match found {
            Ok(found) => drop(print(found, &options, printer)),
            Err(RunError::Stopped) => return Ok(ExitCode::SUCCESS),
            // Clerk or the database may be there again the next time.
            Err(error) => report::print(&error.into(), printer),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(jittered(every)) => {}
        }
    }
}

async fn once(
    mirror: &mirror::Mirror,
    options: &ReconcileOptions,
    stop: &CancellationToken,
) -> Result<Vec<KindReconciled>, RunError> {
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(Duration::from_millis(200));
    let watch = |kind: mirror::ObjectKind, seen: u64| {
        spinner.inc(seen);
        spinner.set_message(format!("{} ({} objects compared)", kind.table(), spinner.position()));
    };
    let found = mirror.reconcile(options, stop, watch).await;
    spinner.finish_and_clear();
    found
}

/// A tenth more or less, so that many do not come at once.
fn jittered(every: Duration) -> Duration {
    every.mul_f64(rand::random_range(0.9..=1.1))
}

fn exit_code(found: &[KindReconciled]) -> ExitCode {
    let drift = found.iter().any(|kind| kind.remaining() > 0);
    if drift { ExitCode::from(DRIFT) } else { ExitCode::SUCCESS }
}

/// Every kind of drift, by its word.
fn tallies(kind: &KindReconciled) -> [(&'static str, &Tally); 7] {
    [
        ("missing", &kind.missing),
        ("older", &kind.older),
        ("different", &kind.different),
        ("gone", &kind.gone),
        ("buried", &kind.buried),
        ("ahead", &kind.ahead),
        ("unverified", &kind.unverified),
    ]
}

/// What each word means, for those that are in the report.
const fn meaning(word: &str) -> &'static str {
    match word.as_bytes() {
        b"missing" => "Clerk has it, the mirror does not",
        b"older" => "the mirror has an older version",
        b"different" => "the same version with other values",
        b"gone" => "the mirror has it, Clerk says that it does not exist",
        b"buried" => "Clerk has it, the mirror says that it was deleted",
        b"ahead" => "the mirror has a newer version than Clerk; not repaired: was it written by hand?",
        _ => "not in Clerk's list, and Clerk cannot be asked about it, or it is too many to believe; left alone",
    }
}

fn print(found: Vec<KindReconciled>, options: &ReconcileOptions, printer: Printer) -> Vec<KindReconciled> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["table", "in Clerk", "drift", "repaired", "in flight", "refused", ""]);
    for column in table.column_iter_mut().skip(1).take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for kind in &found {
        let numbers = [kind.seen, kind.drift(), kind.repaired, kind.in_flight, kind.refused];
        let cells = numbers.map(|number| number.to_string()).to_vec();
        table
            .add_row([vec![kind.kind.table().to_owned()], cells, vec![kind.note.clone().unwrap_or_default()]].concat());
    }
    printer.line(table.trim_fmt());
    for kind in &found {
        for (word, tally) in tallies(kind).into_iter().filter(|(_, tally)| tally.count > 0) {
            let more = if tally.count > tally.examples.len() as u64 { ", …" } else { "" };
            let ids = tally.examples.join(", ");
            printer.line(format!("{}: {} {word} ({}): {ids}{more}", kind.kind.table(), tally.count, meaning(word)));
        }
    }
    let remaining: u64 = found.iter().map(KindReconciled::remaining).sum();
    printer.line(match (remaining, options.repair) {
        (0, _) => "what was compared is as Clerk has it".to_owned(),
        (left, false) => format!("{left} objects differ; `--repair` writes what Clerk has"),
        (left, true) => format!("{left} objects still differ"),
    });
    let kinds: Vec<Value> = found.iter().map(as_json).collect();
    printer.value(&json!({ "repair": options.repair, "remaining": remaining, "kinds": kinds }));
    found
}

fn as_json(kind: &KindReconciled) -> Value {
    let mut object = Map::new();
    object.insert("table".to_owned(), json!(kind.kind.table()));
    for (name, number) in [
        ("seen", kind.seen),
        ("refused", kind.refused),
        ("in_flight", kind.in_flight),
        ("drift", kind.drift()),
        ("repaired", kind.repaired),
    ] {
        object.insert(name.to_owned(), json!(number));
    }
    for (word, tally) in tallies(kind) {
        object.insert(word.to_owned(), json!({ "count": tally.count, "examples": tally.examples }));
    }
    object.insert("note".to_owned(), json!(kind.note));
    Value::Object(object)
}
