//! `rowlock backfill`: everything that Clerk has.

use std::process::ExitCode;
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use mirror::{BackfillEvent, BackfillOptions, Backfilled, KindBackfilled, ObjectKind};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::cli::BackfillArguments;
use crate::printer::Printer;
use crate::signals;

pub(super) async fn run(arguments: BackfillArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let mirror = super::clerk::mirror(&arguments.walk, printer).await?;
    let mut options = BackfillOptions { restart: arguments.restart, ..BackfillOptions::default() };
    if !arguments.walk.only.is_empty() {
        options.kinds.clone_from(&arguments.walk.only);
    }
    let stop = signals::stop_token()?;
    let bar = Bar::default();
    let done = mirror.backfill(&options, &stop, |event| bar.show(event)).await;
    bar.clear();
    let done = done?;
    print(&done, &options, printer);
    let refused = done.kinds.iter().any(|kind| kind.refused > 0);
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// One bar at a time, on standard error; nothing where nobody sees it.
#[derive(Default)]
struct Bar(Mutex<Option<ProgressBar>>);

impl Bar {
    fn show(&self, event: BackfillEvent) {
        let mut bar = self.0.lock();
        match event {
            BackfillEvent::KindBegun { kind, seen, total } => {
                // A total that is exceeded already was a guess.
                let total = total.filter(|total| *total >= seen);
                let begun = ProgressBar::new_spinner().with_style(style(total.is_some())).with_prefix(kind.table());
                if let Some(total) = total {
                    begun.set_length(total);
                }
                // What was seen before the interruption says nothing about the pace.
                begun.set_position(seen);
                begun.reset_eta();
                begun.enable_steady_tick(Duration::from_millis(200));
                *bar = Some(begun);
            }
            BackfillEvent::Advanced { seen } => bar.iter().for_each(|bar| bar.inc(seen)),
            BackfillEvent::KindEnded(_) => bar.take().iter().for_each(ProgressBar::finish_and_clear),
        }
    }

    fn clear(&self) {
        self.0.lock().take().iter().for_each(ProgressBar::finish_and_clear);
    }
}

fn style(with_total: bool) -> ProgressStyle {
    let template = if with_total {
        "{prefix} {wide_bar} {human_pos} of {human_len}, {per_sec}, {eta} left"
    } else {
        "{prefix} {spinner} {human_pos}, {per_sec}"
    };
    ProgressStyle::with_template(template).expect("the template is well-formed")
}

fn print(done: &Backfilled, options: &BackfillOptions, printer: Printer) {
    if let Some(began) = done.resumed.and_then(|began| Timestamp::from_millisecond(began.millis()).ok()) {
        let began = began.strftime("%F %T");
        printer.line(format!("went on with the run that began {began} UTC; `--restart` begins anew"));
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["table", "in Clerk", "written", "here already", "refused", "took", ""]);
    for column in table.column_iter_mut().skip(1).take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for kind in &done.kinds {
        let here = kind.seen.saturating_sub(kind.written + kind.refused);
        let numbers = [kind.seen, kind.written, here, kind.refused].map(|number| number.to_string());
        let took = format!("{:.1} s", kind.took.as_secs_f64());
        table.add_row([vec![kind.kind.table().to_owned()], numbers.to_vec(), vec![took, note(kind)]].concat());
    }
    printer.line(table.trim_fmt());
    let sessions = !options.kinds.contains(&ObjectKind::Session);
    if sessions {
        printer.line("not walked: sessions, at a request for each user; `--only sessions` does it");
    }
    let kinds: Vec<Value> = done.kinds.iter().map(as_json).collect();
    printer.value(&json!({ "resumed": done.resumed, "kinds": kinds }));
}

fn note(kind: &KindBackfilled) -> String {
    match (&kind.not_offered, kind.done_before) {
        (Some(reason), _) => format!("not offered: {reason}"),
        (None, true) => "done before the interruption".to_owned(),
        (None, false) if kind.refused > 0 => "what was refused is in the log".to_owned(),
        (None, false) => String::new(),
    }
}

fn as_json(kind: &KindBackfilled) -> Value {
    json!({
        "table": kind.kind.table(), "seen": kind.seen, "written": kind.written, "refused": kind.refused,
        "seconds": kind.took.as_secs_f64(), "done_before": kind.done_before, "not_offered": kind.not_offered,
    })
}
