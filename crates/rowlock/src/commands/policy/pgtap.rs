//! `rowlock policy test --pgtap`: the tests that people have already.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use policy::pgtap::{self, PgtapError};
use postgres::Pool;
use serde_json::json;

use crate::printer::{BAD, DIM, GOOD, Printer, STRONG};
use crate::report::Hinted;

pub(super) async fn run(path: &Path, sql: Option<&Path>, printer: Printer) -> anyhow::Result<ExitCode> {
    run_on(&super::super::owner_pool()?, path, sql, printer).await
}

/// The same in the database of `owner`.
pub(in crate::commands) async fn run_on(
    owner: &Pool,
    path: &Path,
    sql: Option<&Path>,
    printer: Printer,
) -> anyhow::Result<ExitCode> {
    let files = files(path)?;
    let read = |file: &Path| std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()));
    let sql = sql.map(read).transpose()?;
    let (mut good, mut told) = (true, Vec::new());
    let (mut passed, mut failed) = (0, 0);
    for file in &files {
        let outcome = match pgtap::run(owner, &read(file)?, sql.as_deref()).await {
            Ok(outcome) => outcome,
            Err(error @ PgtapError::Absent) => {
                let hint = "install it (Debian: `apt-get install postgresql-15-pgtap`), or give its SQL: --pgtap-sql pgtap--1.2.0.sql";
                return Err(Hinted::new(error.to_string(), hint).into());
            }
            Err(error) => return Err(error.into()),
        };
        passed += outcome.passed;
        failed += outcome.failed.len();
        let reason = outcome.reason();
        match &reason {
            None => printer.line(format!("{GOOD}✓{GOOD:#} {}: {} tests", file.display(), outcome.passed)),
            Some(reason) => printer.line(format!("{BAD}✗{BAD:#} {}: {reason}", file.display())),
        }
        for test in &outcome.failed {
            printer.line(format!("  {DIM}not ok{DIM:#} {}", test.replace('\n', "\n  ")));
        }
        good &= reason.is_none();
        told.push(json!({
            "file": file, "planned": outcome.planned, "passed": outcome.passed, "failed": outcome.failed, "reason": reason,
        }));
    }
    printer.line(format!("{STRONG}{} files: {passed} tests passed, {failed} failed{STRONG:#}", files.len()));
    printer.value(&json!({ "passed": passed, "failed": failed, "files": told }));
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A file, or the .sql files of a directory and of those below it, by name.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                walk(&path, found)?;
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                found.push(path);
            }
        }
        Ok(())
    }
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    walk(path, &mut found).with_context(|| format!("cannot read `{}`", path.display()))?;
    found.sort();
    if found.is_empty() {
        let message = format!("no .sql file in `{}`", path.display());
        return Err(Hinted::new(message, "name the directory of your pgTAP tests: --pgtap supabase/tests").into());
    }
    Ok(found)
}
