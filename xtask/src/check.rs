//! `cargo x check`: what a reviewer should never have to say.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

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
    process::run(process::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let with_traces = ["clippy", "-p", "server", "-p", "rowlock", "--features", "rowlock/otel", "--all-targets"];
    process::run(process::cargo().args(with_traces).args(["--", "-D", "warnings"]))?;
    one_cryptography()
}

/// Whatever is switched on, `ring` is not in the tree: one TLS stack, one library of cryptography.
fn one_cryptography() -> Result<()> {
    let tree = process::look("cargo", &["tree", "--workspace", "--all-features", "--prefix", "none"]);
    let tree = tree.context("`cargo tree` failed")?;
    match tree.lines().find(|line| line.starts_with("ring v")) {
        Some(line) => {
            bail!("`{line}` is in the tree, where aws-lc-rs is to be alone; `cargo tree -i ring` says who wants it")
        }
        None => Ok(()),
    }
}

fn documentation() -> Result<()> {
    process::run(process::cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}
