//! `cargo x demo`: from a fresh clone to a running demonstration in one command.

use std::process::ExitCode;

use anyhow::Result;

use crate::{process, setup};

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    setup::ensure(&setup::TO_RUN)?;
    process::run(process::cargo().args(["build", "--bin", "rowlock"]))?;
    let rowlock = process::debug_binary("rowlock")?;
    Err(process::become_command(process::command(rowlock).arg("demo").args(arguments)))
}
