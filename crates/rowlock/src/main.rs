//! The `rowlock` command.
//!
//! One file for each command below `commands/`; what several of them need stands beside this file. Data goes to standard
//! output, everything else to standard error. Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 `reconcile` has
//! left drift.

mod cli;
mod commands;
mod confirm;
mod huge_pages;
mod local_keys;
mod moment;
mod open_files;
mod printer;
mod report;
mod signals;
mod stack;

use std::process::ExitCode;

use clap::Parser as _;

use cli::Cli;
use printer::Printer;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    huge_pages::decline();
    let cli = Cli::parse();
    let printer = Printer::new(cli.json);
    open_files::take_all();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            report::print(&anyhow::Error::from(error).context("the async runtime cannot start"), printer);
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli.command, printer)) {
        Ok(code) => code,
        Err(error) => {
            report::print(&error, printer);
            ExitCode::FAILURE
        }
    }
}
