//! `rowlock deletion`: what becomes of the application's rows when Clerk deletes somebody.

use std::process::ExitCode;

use anyhow::Context as _;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use jiff::Timestamp;
use mirror::deletion::{
    Checked, Deletion, DeletionFilter, DeletionPolicy, Deletions, ErasureReport, Subject, TableRows, UndoError,
};
use serde_json::json;
use server::config::Settings;

use crate::cli::DeletionCommand;
use crate::printer::{DIM, Printer};
use crate::report::Hinted;

pub(super) async fn run(command: DeletionCommand, printer: Printer) -> anyhow::Result<ExitCode> {
    let deletions = Deletions::new(super::migrated_pool().await?);
    match command {
        DeletionCommand::Apply { config } => apply(&deletions, &declared(config.as_deref())?, printer).await,
        DeletionCommand::Plan { config, user, organization } => {
            let policy = declared(config.as_deref())?;
            let checked = deletions.check(&policy.rules).await?;
            let somebody = match (user, organization) {
                (Some(id), _) => Some((Subject::User, id)),
                (None, Some(id)) => Some((Subject::Organization, id)),
                (None, None) => None,
            };
            match somebody {
                Some((subject, id)) => plan_for(&deletions, &checked, subject, &id, printer).await,
                None => plan(&deletions, &policy, &checked, printer).await,
            }
        }
        DeletionCommand::List { state, of, limit } => {
            let filter = DeletionFilter { subject_id: of, state };
            list(&deletions.list(&filter, limit).await?, printer);
            Ok(ExitCode::SUCCESS)
        }
        DeletionCommand::Undo { deletion } => undo(&deletions, deletion, printer).await,
        DeletionCommand::Retry { deletion } => retry(&deletions, deletion, printer).await,
        DeletionCommand::Report { id } => {
            let report = deletions.report(&id).await?;
            printer.value(&report);
            print_report(&report, printer);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn declared(config: Option<&std::path::Path>) -> anyhow::Result<DeletionPolicy> {
    Ok(Settings::load(config)?.deletion()?)
}

async fn apply(deletions: &Deletions, policy: &DeletionPolicy, printer: Printer) -> anyhow::Result<ExitCode> {
    let checked = deletions.apply(policy).await?;
    warn(&checked);
    for rule in &policy.rules {
        printer.line(format!("{rule}: {}", wait(rule.hold.as_secs())));
    }
    printer.line(format!("{} rules are in force for what is deleted from now on", policy.rules.len()));
    let rules: Vec<String> = policy.rules.iter().map(ToString::to_string).collect();
    printer.value(&json!({ "rules": rules, "warnings": checked.warnings }));
    Ok(ExitCode::SUCCESS)
}

/// What works but not well; to standard error, as it is no data.
fn warn(checked: &Checked) {
    use std::io::Write as _;
    let mut out = anstream::stderr();
    for warning in &checked.warnings {
        let _ = writeln!(out, "{DIM}warning:{DIM:#} {warning}");
    }
}

/// Rows of one user or organization, as the rules would find them now.
async fn plan_for(
    deletions: &Deletions,
    checked: &Checked,
    subject: Subject,
    id: &str,
    printer: Printer,
) -> anyhow::Result<ExitCode> {
    warn(checked);
    let rules: Vec<_> = checked.rules.iter().filter(|rule| rule.rule.subject == subject).cloned().collect();
    let rows = deletions.plan(&rules, id).await?;
    printer.value(&json!({ "subject": subject.as_str(), "id": id, "tables": rows }));
    if rows.is_empty() {
        printer.line(format!("no [[deletion]] section is about a {}: nothing would happen to rows", subject.as_str()));
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = headed(["table and column", "action", "when", "rows"]);
    for (found, rule) in rows.iter().zip(&rules) {
        table.add_row([found.table.clone(), found.note.clone(), wait(rule.rule.hold.as_secs()), number(found.rows)]);
    }
    printer.line(table.trim_fmt());
    Ok(ExitCode::SUCCESS)
}

/// What is about to happen to those who are held, table by table.
async fn plan(
    deletions: &Deletions,
    policy: &DeletionPolicy,
    checked: &Checked,
    printer: Printer,
) -> anyhow::Result<ExitCode> {
    warn(checked);
    let filter = DeletionFilter { state: Some("held".to_owned()), ..DeletionFilter::default() };
    // A person reads this; whoever has more deletions at a time looks at one of them.
    let held = deletions.list(&filter, 1000).await?;
    let mut totals: Vec<(String, &'static str, u64, Option<i64>)> = Vec::new();
    for rule in &checked.rules {
        let mut total = Some(0);
        for deletion in held.iter().filter(|deletion| deletion.subject == rule.rule.subject.as_str()) {
            let rows = deletions.plan(std::slice::from_ref(rule), &deletion.subject_id).await?;
            // A table that cannot be counted has no total.
            total = total.zip(rows.first().and_then(|found| found.rows)).map(|(sum, rows)| sum + rows);
        }
        totals.push((rule.rule.name(), rule.rule.action.as_str(), rule.rule.hold.as_secs(), total));
    }
    let tables: Vec<_> = totals
        .iter()
        .map(|(name, action, hold, rows)| json!({ "rule": name, "action": action, "hold_seconds": hold, "rows": rows }))
        .collect();
    printer.value(&json!({ "held": held.len(), "tables": tables }));
    printer.line(format!("{} deletions are held; {} rules", held.len(), policy.rules.len()));
    let mut table = headed(["table and column", "action", "when", "rows"]);
    for (name, action, hold, rows) in totals {
        table.add_row([name, action.to_owned(), wait(hold), number(rows)]);
    }
    printer.line(table.trim_fmt());
    Ok(ExitCode::SUCCESS)
}

fn list(deletions: &[Deletion], printer: Printer) {
    printer.value(&deletions);
    if deletions.is_empty() {
        printer.line("no such deletions");
        return;
    }
    let mut table =
        headed(["id", "of", "deleted", "undo until", "table and column", "action", "state", "rows", "reason"]);
    for deletion in deletions {
        let until = if deletion.cancelled_at.is_some() { "undone".to_owned() } else { time(deletion.held_until) };
        for step in &deletion.steps {
            table.add_row([
                deletion.id.to_string(),
                deletion.subject_id.clone(),
                time(deletion.deleted_at),
                until.clone(),
                step.rule.clone(),
                step.action.clone(),
                step.state.clone(),
                step.rows.to_string(),
                step.reason.clone().unwrap_or_default(),
            ]);
        }
    }
    printer.line(table.trim_fmt());
}

async fn undo(deletions: &Deletions, id: i64, printer: Printer) -> anyhow::Result<ExitCode> {
    let undone = deletions.undo(id).await.map_err(|error| match error {
        UndoError::Database(error) => anyhow::Error::from(error).context("nothing was undone"),
        other => Hinted::new(other.to_string(), "`rowlock deletion report <id>` says what was done").into(),
    })?;
    printer.value(&undone);
    for rule in &undone.cancelled {
        printer.line(format!("cancelled   {rule}"));
    }
    for (rule, rows) in &undone.restored {
        printer.line(format!("restored    {rule}: {rows} rows"));
    }
    for rule in &undone.gone {
        printer.line(format!("gone        {rule}"));
    }
    Ok(if undone.gone.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn retry(deletions: &Deletions, id: i64, printer: Printer) -> anyhow::Result<ExitCode> {
    let steps = deletions.retry(id).await.context("nothing was changed")?;
    printer.value(&json!({ "deletion": id, "steps": steps }));
    if steps == 0 {
        let hint = "`rowlock deletion list --state dead` and `--state failed` show those that do";
        return Err(Hinted::new(format!("nothing of deletion {id} waits to be tried again"), hint).into());
    }
    printer.line(format!("{steps} steps of deletion {id} are tried again now, by the server that runs"));
    Ok(ExitCode::SUCCESS)
}

fn print_report(report: &ErasureReport, printer: Printer) {
    match &report.deletion {
        None => printer.line(format!("{}: Clerk has not deleted it since there are rules", report.subject_id)),
        Some(deletion) => {
            printer.line(format!("{}: deleted in Clerk at {}", report.subject_id, time(deletion.deleted_at)));
            if let Some(at) = deletion.cancelled_at {
                printer.line(format!("undone at {}", time(at)));
            }
            let mut table = headed(["what was done", "action", "state", "rows", "when", "reason"]);
            for step in &deletion.steps {
                let when = step.finished_at.or(step.next_attempt_at).map(time).unwrap_or_default();
                let reason = step.reason.clone().unwrap_or_default();
                let rows = step.rows.to_string();
                table.add_row([step.rule.clone(), step.action.clone(), step.state.clone(), rows, when, reason]);
            }
            printer.line(table.trim_fmt());
        }
    }
    let mut table = headed(["what is left", "rows", "note"]);
    for TableRows { table: name, rows, note, .. } in report.application.iter().chain(&report.mirror) {
        table.add_row([name.clone(), number(*rows), note.clone()]);
    }
    let rest = [
        ("bodies of deliveries", report.bodies, "what Clerk said in them"),
        ("deliveries", report.deliveries, "ids, types and times"),
        ("audit trail", report.changes, "ids and names of columns"),
        ("revocations", report.revocations, "ids and times"),
    ];
    for (name, rows, note) in rest {
        table.add_row([name.to_owned(), rows.to_string(), note.to_owned()]);
    }
    printer.line(table.trim_fmt());
}

fn headed<const N: usize>(names: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(names);
    table
}

fn number(rows: Option<i64>) -> String {
    rows.map_or("?".to_owned(), |rows| rows.to_string())
}

fn wait(seconds: u64) -> String {
    match seconds {
        0 => "at once".to_owned(),
        _ if seconds.is_multiple_of(3600) => format!("after {} h", seconds / 3600),
        _ => format!("after {seconds} s"),
    }
}

fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map(|time| time.strftime("%F %T").to_string()).unwrap_or_default()
}
