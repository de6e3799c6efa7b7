//! The steps of the demo as they happen: printed one by one, or collected for `--json`.

use std::time::Instant;

use serde::Serialize;

use crate::printer::{BAD, DIM, GOOD, Printer, STRONG};

/// One thing that was claimed and checked.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    name: &'static str,
    ok: bool,
    detail: String,
}

/// The whole demo.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    ok: bool,
    version: &'static str,
    elapsed_milliseconds: u64,
    steps: Vec<Step>,
    #[serde(skip)]
    printer: Printer,
    #[serde(skip)]
    began: Instant,
}

impl Story {
    pub(super) fn begin(printer: Printer) -> Self {
        printer.line(format!(
            "{STRONG}rowlock demo{STRONG:#}: Clerk held to Postgres, offline, with nothing but this machine\n"
        ));
        Self {
            ok: true,
            version: env!("CARGO_PKG_VERSION"),
            elapsed_milliseconds: 0,
            steps: Vec::new(),
            printer,
            began: Instant::now(),
        }
    }

    /// A heading between steps.
    pub(super) fn chapter(&self, title: &str) {
        self.printer.line(format!("\n{STRONG}{title}{STRONG:#}"));
    }

    /// What was to be shown, whether it holds, and what was seen.
    pub(super) fn step(&mut self, name: &'static str, ok: bool, detail: impl Into<String>) {
        let detail = detail.into();
        let mark = if ok { format!("{GOOD}✓{GOOD:#}") } else { format!("{BAD}✗{BAD:#}") };
        self.printer.line(format!("  {mark} {detail}"));
        self.ok &= ok;
        self.steps.push(Step { name, ok, detail });
    }

    /// The last line; whether everything held.
    pub(super) fn end(mut self) -> bool {
        let elapsed = self.began.elapsed();
        self.elapsed_milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let failed = self.steps.iter().filter(|step| !step.ok).count();
        let seconds = elapsed.as_secs_f64();
        if failed == 0 {
            let count = self.steps.len();
            self.printer.line(format!("\n{GOOD}All {count} steps held{GOOD:#} {DIM}in {seconds:.1} s; nothing is left behind. Next: `rowlock dev`{DIM:#}"));
        } else {
            self.printer.line(format!("\n{BAD}{failed} of {} steps did not hold{BAD:#}", self.steps.len()));
        }
        self.printer.value(&self);
        self.ok
    }
}
