//! `rowlock policy test`: every persona tries everything, and the answer is held against the reviewed table.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use policy::matrix::{self, Finding, Matrix, drift};
use serde_json::json;

use crate::cli::PolicyTestArguments;
use crate::printer::{BAD, DIM, GOOD, Printer, STRONG};

/// How many findings of one kind are shown to people; machines get all.
const SHOWN: usize = 12;

pub(super) async fn run(arguments: PolicyTestArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    if let Some(path) = &arguments.pgtap {
        return super::pgtap::run(path, arguments.pgtap_sql.as_deref(), printer).await;
    }
    let config = &arguments.file.config;
    let model = super::model(config)?;
    let owner = super::super::migrated_pool().await?;
    let started = Instant::now();
    let mut matrix = matrix::run(&model, &owner).await?;
    matrix.findings.extend(matrix::untried(&model, &owner).await?);
    let seconds = started.elapsed().as_secs_f64();
    let now = matrix.to_string();
    let path = config.parent().unwrap_or_else(|| Path::new("")).join(&model.settings.matrix);
    let reviewed = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let difference = match &reviewed {
        Some(reviewed) => drift(reviewed, &now),
        None => Some(now.clone()),
    };
    let updated = arguments.update && difference.is_some();
    if updated {
        std::fs::write(&path, &now).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let good = matrix.findings.is_empty() && (difference.is_none() || updated);
    printer.value(&json!({
        "attempts": matrix.attempts, "seconds": seconds, "matrix": now, "file": path, "updated": updated, "drift": difference,
        "findings": matrix.findings.iter().map(|finding| json!({
            "kind": finding.kind(), "message": finding.to_string(), "hint": finding.hint(),
        })).collect::<Vec<_>>(),
    }));
    show_findings(&matrix, printer);
    let file = path.display();
    match (&difference, reviewed.is_some(), updated) {
        (None, ..) => printer.line(format!("{GOOD}✓{GOOD:#} as reviewed in {file}")),
        (Some(_), _, true) => printer.line(format!("{GOOD}✓{GOOD:#} wrote {file}; review it and commit it")),
        (Some(now), false, false) => {
            printer.line(now.trim_end());
            printer.line(format!("\n{BAD}✗{BAD:#} nothing was reviewed yet: there is no {file}"));
            printer.line(format!(
                "  {DIM}hint:{DIM:#} review the table above, then keep it with `rowlock policy test --update`"
            ));
        }
        (Some(difference), true, false) => {
            printer.line(format!("{BAD}✗{BAD:#} not as reviewed in {file}:\n"));
            printer.line(difference.trim_end());
            printer
                .line(format!("\n  {DIM}hint:{DIM:#} if this is meant, keep it with `rowlock policy test --update`"));
        }
    }
    printer.line(format!("{STRONG}{}{STRONG:#}", summary(&matrix, seconds)));
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The worst first, and no more than anybody reads.
fn show_findings(matrix: &Matrix, printer: Printer) {
    for kind in ["leak", "too-much", "too-little", "dead-policy", "untried", "cannot-tell"] {
        let found: Vec<&Finding> = matrix.findings.iter().filter(|finding| finding.kind() == kind).collect();
        for finding in found.iter().take(SHOWN) {
            printer.line(format!("{BAD}✗ {kind}{BAD:#} {finding}"));
        }
        if found.len() > SHOWN {
            printer.line(format!("  {DIM}and {} more of this kind (--json shows all){DIM:#}", found.len() - SHOWN));
        }
        if let Some(first) = found.first() {
            printer.line(format!("  {DIM}hint:{DIM:#} {}", first.hint()));
        }
    }
}

fn summary(matrix: &Matrix, seconds: f64) -> String {
    let count = |kind: &str| matrix.findings.iter().filter(|finding| finding.kind() == kind).count();
    format!(
        "{} attempts in {seconds:.1} s: {} leaks, {} dead policies, {} cells other than declared",
        matrix.attempts,
        count("leak"),
        count("dead-policy"),
        count("too-much") + count("too-little"),
    )
}
