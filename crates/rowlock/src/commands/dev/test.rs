//! `rowlock dev --test`: what `supabase test db` does, without Docker.
//!
//! The tests run against the stack that is running, as it is; where none is, one is started for them, with migrations and seeds applied,
//! and stopped again. Each file is a transaction that is rolled back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use postgres::{DatabaseUrl, Pool, PoolOptions};
use supabase::Project;

use super::{Ready, project};
use crate::commands::policy::pgtap;
use crate::printer::Printer;
use crate::report::Hinted;
use crate::stack::{Stack, StackOptions};

/// Where the tests of a project are.
pub(super) fn folder(project: &Project) -> PathBuf {
    project.folder().join("tests")
}

/// Runs the project's tests.
pub(super) async fn run(
    project: Option<&Project>,
    data_dir: &Path,
    options: StackOptions,
    sql: Option<&Path>,
    printer: Printer,
) -> anyhow::Result<ExitCode> {
    let Some(project) = project else {
        let hint = "run it where the folder is, or name that directory: --project <directory>";
        return Err(Hinted::new("there is no `supabase/` folder, and so there are no tests", hint).into());
    };
    let tests = folder(project);
    if let Some(running) = running(data_dir).await {
        return pgtap::run_on(&running, &tests, sql, printer).await;
    }
    let stack = Stack::start(options).await?;
    let outcome = match &stack.applied {
        Some(Err(_)) => None,
        _ => Some(pgtap::run_on(&stack.owner, &tests, sql, printer).await),
    };
    if let Some(applied @ Err(_)) = &stack.applied {
        project::tell(applied, printer);
    }
    stack.stop().await?;
    match outcome {
        Some(outcome) => outcome,
        None => bail!("the project's migrations and seeds cannot be applied, so its tests were not run"),
    }
}

/// The database of a `rowlock dev` that runs with these data.
async fn running(data_dir: &Path) -> Option<Pool> {
    let text = std::fs::read_to_string(Ready::file(data_dir)).ok()?;
    let ready: Ready = serde_json::from_str(&text).ok()?;
    let url = DatabaseUrl::parse(&ready.database_url).ok()?;
    let pool = Pool::new(&url, &PoolOptions { size: 1, ..PoolOptions::default() }).ok()?;
    // What a run that was killed left behind says where nobody is any more.
    drop(pool.get().await.ok()?);
    Some(pool)
}
