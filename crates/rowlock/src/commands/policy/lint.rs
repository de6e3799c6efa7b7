//! `rowlock policy lint`: known mistakes, in files or in the database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use policy::catalogue::Catalogue;
use policy::lint::{Diagnostic, Severity, Source, fix, lint, render, sources_of, to_json, to_sarif};
use policy::model::Model;
use serde_json::json;

use crate::cli::PolicyLintArguments;
use crate::printer::{GOOD, Printer, STRONG};
use crate::report::Hinted;

pub(super) async fn run(arguments: PolicyLintArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let config = &arguments.file.config;
    let model = Model::load(config).with_context(|| format!("`{}` cannot be used", config.display()))?;
    let sources = if arguments.paths.is_empty() { from_database().await? } else { from_files(&arguments.paths)? };
    let sources = if arguments.fix { fixed(sources, printer)? } else { sources };
    let mut found = lint(&sources);
    found.retain(|diagnostic| !model.settings.allow.iter().any(|allowed| is_allowed(allowed, diagnostic)));
    let count = |severity: Severity| found.iter().filter(|diagnostic| diagnostic.severity() == severity).count();
    let (errors, warnings, notes) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
    let code = if errors + warnings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if arguments.sarif {
        let log = serde_json::to_string_pretty(&to_sarif(&found, &sources)).context("SARIF is JSON")?;
        printer.raw(&log);
        return Ok(code);
    }
    printer.value(&json!({
        "errors": errors, "warnings": warnings, "notes": notes,
        "findings": found.iter().map(|diagnostic| to_json(diagnostic, &sources)).collect::<Vec<_>>(),
    }));
    for diagnostic in &found {
        printer.line(format!("{}\n", render(diagnostic, &sources, Printer::colours_output())));
    }
    if found.is_empty() {
        printer.line(format!("{GOOD}✓{GOOD:#} nothing found in {} sources", sources.len()));
    } else {
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let told = [counted(errors, "error"), counted(warnings, "warning"), counted(notes, "note")].join(", ");
        printer.line(format!("{STRONG}{told}{STRONG:#}"));
    }
    Ok(code)
}

/// The sources with every edit that needs no thought, written to their files.
fn fixed(sources: Vec<Source>, printer: Printer) -> anyhow::Result<Vec<Source>> {
    let fixed = fix(&sources);
    for (before, after) in sources.iter().zip(&fixed.sources).filter(|(before, after)| before.text() != after.text()) {
        std::fs::write(after.name(), after.text()).with_context(|| format!("cannot write `{}`", before.name()))?;
        let mut rules: Vec<&str> =
            fixed.done.iter().filter(|(_, name)| *name == after.name()).map(|(rule, _)| *rule).collect();
        rules.sort_unstable();
        rules.dedup();
        printer.line(format!("{GOOD}✓{GOOD:#} fixed in {}: {}", after.name(), rules.join(", ")));
    }
    Ok(fixed.sources)
}

/// `rule` everywhere, or `rule subject`.
fn is_allowed(allowed: &str, diagnostic: &Diagnostic) -> bool {
    let mut words = allowed.split_whitespace();
    words.next() == Some(diagnostic.id())
        && words.next().is_none_or(|subject| diagnostic.subject.as_deref() == Some(subject))
}

async fn from_database() -> anyhow::Result<Vec<Source>> {
    let owner = super::super::owner_pool()?;
    let connection = owner.get().await?;
    Ok(sources_of(&Catalogue::read(&connection).await?))
}

/// Files as given, directories by the names in them: migrations sort by time.
fn from_files(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            let mut inside: Vec<PathBuf> =
                entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
            inside.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
            inside.sort();
            files.extend(inside);
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        let places: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(Hinted::new(
            format!("no .sql file in {}", places.join(", ")),
            "name the directory of your migrations",
        )
        .into());
    }
    files.iter().map(|file| source(file)).collect()
}

fn source(file: &Path) -> anyhow::Result<Source> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    Ok(Source::file(file.display().to_string(), text))
}
