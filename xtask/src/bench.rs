//! `cargo x bench`: every speed claim, measured in release mode on this machine.

use std::process::ExitCode;

use anyhow::Result;

use crate::{process, setup};

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    setup::ensure(&setup::TO_BENCH)?;
    process::run(process::cargo().args(["build", "--release", "--bin", "rowlock"]))?;
    let mut benches = process::cargo();
    benches.args(["run", "--release", "--package", "benches", "--"]).args(arguments);
    Err(process::become_command(&mut benches))
}
