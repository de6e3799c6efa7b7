//! `rowlock policy add`: a [[table]] more in rowlock.toml.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use policy::model::Model;
use serde_json::json;

use crate::cli::PolicyAddArguments;
use crate::printer::{GOOD, Printer};
use crate::report::Hinted;

pub(super) fn run(arguments: &PolicyAddArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let path = &arguments.file.config;
    let written = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let entry = entry(arguments)?;
    let gap = if written.is_empty() || written.ends_with("\n\n") { "" } else { "\n" };
    let text = format!("{written}{gap}{entry}");
    // Nothing is written that could not be read again.
    Model::parse(&text).context("this table would make no sense")?;
    std::fs::write(path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
    printer.line(format!(
        "{GOOD}✓{GOOD:#} added to {}; next: `rowlock policy diff`, then `rowlock policy generate`\n\n{entry}",
        path.display()
    ));
    printer.value(&json!({ "file": path, "entry": entry }));
    Ok(ExitCode::SUCCESS)
}

/// The block as a person would write it.
fn entry(arguments: &PolicyAddArguments) -> anyhow::Result<String> {
    let access = access(arguments)?;
    let mut text = format!("[[table]]\nname = {}\naccess = {}\n", quoted(&arguments.table), quoted(access));
    let columns = [
        ("organization", &arguments.organization),
        ("owner", &arguments.owner),
        ("membership", &arguments.membership),
        ("visible", &arguments.visible),
        ("parent", &arguments.parent),
        ("foreign_key", &arguments.foreign_key),
    ];
    for (setting, value) in columns {
        if let Some(value) = value {
            let _ = writeln!(text, "{setting} = {}", quoted(value));
        }
    }
    let rules = [
        ("select", &arguments.select),
        ("write", &arguments.write),
        ("insert", &arguments.insert),
        ("update", &arguments.update),
        ("delete", &arguments.delete),
    ];
    for (setting, words) in rules {
        match &words[..] {
            [] => {}
            [word] => {
                let _ = writeln!(text, "{setting} = {}", quoted(word.trim()));
            }
            words => {
                let words: Vec<String> = words.iter().map(|word| quoted(word.trim())).collect();
                let _ = writeln!(text, "{setting} = [{}]", words.join(", "));
            }
        }
    }
    Ok(text)
}

fn access(arguments: &PolicyAddArguments) -> anyhow::Result<&str> {
    Ok(match arguments {
        PolicyAddArguments { access: Some(access), .. } => access,
        PolicyAddArguments { parent: Some(_), .. } => "child",
        PolicyAddArguments { visible: Some(_), .. } => "profile",
        PolicyAddArguments { organization: Some(_), .. } => "organization",
        PolicyAddArguments { owner: Some(_), .. } => "user",
        _ => {
            let message = format!("nothing says whose the rows of `{}` are", arguments.table);
            let hint = "give --owner, --organization or --parent, or say it with --access";
            return Err(Hinted::new(message, hint).into());
        }
    })
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
