//! The `supabase/` folder while the stack runs: what is new in it is applied, what fails is said and tried again when it changes.
//!
//! The folder is looked at and not listened to: notifications of files differ between systems, and are lost on many mounts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use postgres::Pool;
use serde_json::{Value, json};
use supabase::{Applied, Difference, Project, ProjectError};
use tokio_util::sync::CancellationToken;

use crate::printer::{BAD, DIM, GOOD, Printer, WARN};

/// Between two looks at the folder. A file that is being written is applied when two looks see the same.
const LOOK: Duration = Duration::from_millis(400);

/// What the files looked like: when they were changed, and how long they are.
type Look = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// What applying the folder came to.
pub(super) type Outcome = Result<Applied, ProjectError>;

/// For programs: what was applied, or why not.
pub(super) fn as_json(outcome: &Outcome) -> Value {
    match outcome {
        Ok(applied) => json!({
            "migrations": applied.migrations, "seeds": applied.seeds, "differences": applied.differences.len(), "failure": null,
        }),
        Err(error) => json!({ "failure": with_causes(error) }),
    }
}

/// Says what happened. A failure is no reason to stop: the person is about to repair it.
pub(super) fn tell(outcome: &Outcome, printer: Printer) {
    match outcome {
        Ok(applied) => show(applied, printer),
        Err(error) => {
            printer.line(format!("{BAD}✗{BAD:#} {}", with_causes(error)));
            printer.line(format!("  {DIM}nothing of that file is applied; it is tried again when it changes{DIM:#}"));
        }
    }
}

/// Watches the folder until `stop`.
pub(super) async fn watch(project: Project, owner: Pool, printer: Printer, stop: CancellationToken) {
    let (mut seen, mut applied) = (look(&project), look(&project));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let now = look(&project);
        if now == seen && now != applied {
            let outcome = project.apply(&owner).await;
            tell(&outcome, printer);
            printer.value(&json!({ "event": "project", "project": as_json(&outcome) }));
            applied = now.clone();
        }
        seen = now;
    }
}

fn look(project: &Project) -> Look {
    let migrations = project.migrations().unwrap_or_default().into_iter().map(|migration| migration.path);
    let seeds = project.seeds().unwrap_or_default().into_iter().map(|(_, path)| path);
    migrations
        .chain(seeds)
        .filter_map(|path| {
            let metadata = std::fs::metadata(&path).ok()?;
            Some((path, (metadata.modified().ok(), metadata.len())))
        })
        .collect()
}

fn show(applied: &Applied, printer: Printer) {
    for file in &applied.migrations {
        printer.line(format!("{GOOD}✓{GOOD:#} supabase/migrations/{file} is applied"));
    }
    for path in &applied.seeds {
        printer.line(format!("{GOOD}✓{GOOD:#} {path} is applied"));
    }
    for difference in &applied.differences {
        let said = match difference {
            Difference::Changed { file } => format!("supabase/migrations/{file} was applied before it was changed"),
            Difference::Gone { version } => format!("migration {version} was applied, and its file is gone"),
            Difference::SeedChanged { path } => format!("{path} ran before it was changed"),
        };
        printer.line(format!("{WARN}!{WARN:#} {said}"));
    }
    if !applied.differences.is_empty() {
        printer.line(format!(
            "  {DIM}write a new migration, or begin anew: stop, and start with `rowlock dev --reset-database`{DIM:#}"
        ));
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
