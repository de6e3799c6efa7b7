//! The report as a person reads it: tables, then a line for each question, then what to do.

use mirror::Status;

use super::Report;
use super::findings::Level;
use crate::moment;
use crate::printer::{BAD, DIM, GOOD, Printer, STRONG, WARN};

pub(super) fn print(report: &Report, printer: Printer) {
    let at = match report.migrations.pending {
        0 => format!("migration {}", report.migrations.known),
        pending => format!("{pending} migrations behind"),
    };
    printer.line(format!("{STRONG}{}{STRONG:#} {DIM}at {at}{DIM:#}", report.database));
    if let Some(status) = &report.status {
        tables(status, printer);
        lines(status, report, printer);
    }
    printer.line("");
    for finding in &report.findings {
        let (style, mark) = if finding.level == Level::Red { (BAD, "✗") } else { (WARN, "!") };
        printer.line(format!("{style}{mark}{style:#} {}", finding.what));
        printer.line(format!("    {}", finding.next));
    }
    if report.verdict == "green" {
        printer.line(format!("{GOOD}✓ nothing is wrong{GOOD:#}"));
    }
}

/// Tables with rows; the names of the others on one line.
fn tables(status: &Status, printer: Printer) {
    let (filled, empty): (Vec<_>, Vec<_>) =
        status.tables.iter().partition(|table| table.live > 0 || table.tombstones > 0);
    if !filled.is_empty() {
        printer.line("");
        printer.line(format!("  {DIM}{:<26} {:>13} {:>13}{DIM:#}", "clerk.", "live", "tombstones"));
    }
    for table in filled {
        let about = if table.estimated { "≈" } else { "" };
        let (live, tombstones) =
            (format!("{about}{}", grouped(table.live)), format!("{about}{}", grouped(table.tombstones)));
        printer.line(format!("  {:<26} {live:>13} {tombstones:>13}", table.table));
    }
    if !empty.is_empty() {
        let names: Vec<&str> = empty.iter().map(|table| table.table).collect();
        printer.line(format!("  {DIM}empty: {}{DIM:#}", names.join(", ")));
    }
}

fn lines(status: &Status, report: &Report, printer: Printer) {
    printer.line("");
    let line = |name: &str, value: String| printer.line(format!("  {DIM}{name:<14}{DIM:#} {value}"));
    let hour = &status.last_hour;
    let counts = [
        ("applied", hour.applied),
        ("stale", hour.stale),
        ("kept", hour.kept),
        ("failed", hour.failed),
        ("dead", hour.dead),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{} {name}", grouped(*count)))
        .collect();
    line("last hour", if counts.is_empty() { "no deliveries".to_owned() } else { counts.join(" · ") });
    if let (Some(p50), Some(p99)) = (hour.lag_p50, hour.lag_p99) {
        line(
            "lag",
            format!("p50 {} · p99 {} {DIM}from the event to its row{DIM:#}", moment::span(p50), moment::span(p99)),
        );
    }
    let ago = |at: Option<i64>| at.map_or_else(|| "–".to_owned(), moment::from_now);
    let last = &status.last_success;
    let sources =
        [("webhook", last.webhook), ("backfill", last.backfill), ("reconcile", last.reconcile), ("token", last.token)];
    let sources: Vec<String> = sources.iter().map(|(name, at)| format!("{name} {}", ago(*at))).collect();
    line("last success", sources.join(" · "));
    line("waiting", format!("{} failed · {} dead", status.inbox.failed, status.inbox.dead));
    let inquiries: Vec<String> =
        status.inquiries.iter().map(|inquiries| format!("{} {}", inquiries.count, inquiries.cause)).collect();
    line("inquiries", if inquiries.is_empty() { "none".to_owned() } else { inquiries.join(" · ") });
    for run in &status.runs {
        let what = match (run.finished_at, &run.reason) {
            (Some(at), None) if run.work == "reconcile" => {
                format!("{}, drift {}, repaired {}", moment::from_now(at), run.drift, run.repaired)
            }
            (Some(at), None) => moment::from_now(at),
            (_, Some(_)) => "broke off".to_owned(),
            (None, None) => format!("at work, or interrupted; began {}", moment::from_now(run.started_at)),
        };
        line(&run.work, what);
    }
    line("revocations", format!("{} in force", grouped(status.revocations)));
    let secrets = report.secrets;
    let plural = if secrets.signing_secrets == 1 { "" } else { "s" };
    let key = if secrets.secret_key { "a secret key" } else { "no secret key" };
    line("this shell has", format!("{} signing secret{plural}, {key}", secrets.signing_secrets));
}

/// `1204000` → `1 204 000`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_read_in_threes() {
        assert_eq!([0, 999, 1_204, 1_204_000, -123_456].map(grouped), ["0", "999", "1 204", "1 204 000", "-123 456"]);
    }
}
