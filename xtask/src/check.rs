//! `cargo x check`: what a reviewer should never have to say.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::process;

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if let Some(unexpected) = arguments.first() {
        bail!("`cargo x check` takes no arguments, found `{unexpected}`");
    }
    formatting_and_lints()?;
    documentation()?;
    Ok(ExitCode::SUCCESS)
}

/// The part that also guards `cargo x test`.
pub(crate) fn formatting_and_lints() -> Result<()> {
    process::run(process::cargo().args(["fmt", "--all", "--check"]))?;
    process::run(process::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn documentation() -> Result<()> {
    process::run(process::cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}
