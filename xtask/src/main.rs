//! `cargo x`: what a maintainer repeats, as one program.
//!
//! This is the first thing a newcomer compiles, so it has one dependency, reads its own arguments and starts everything
//! else as a child process. It keeps three promises: every command runs with the repository root as its directory,
//! nothing asks a question, and a failure names the command that failed and its code.
//!
//! What children print goes where they send it. What `cargo x` itself says goes to standard error, except the two things
//! one may want to pipe: the help and the closing count of `cargo x test`.

mod bench;
mod check;
mod demo;
mod fuzz;
mod process;
mod setup;
mod tally;
mod terminal;
mod test;
mod version;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const HELP: &str = "\
cargo x: what a maintainer repeats

Usage: cargo x <command> [arguments]

Commands:
  setup [--check]     Install what this repository needs and say what was found; --check reports only
  check               Formatting, clippy and documentation, warnings are errors
  test [--only rust|clients [-- arguments]]
                      Setup, formatting, clippy, every Rust test, then the real clients of tests/clients;
                      --only runs one half of the tests and nothing else before it but setup,
                      arguments go to `cargo test` or `node --test`
  demo [arguments]    Build rowlock and run `rowlock demo`
  bench [arguments]   Run the benchmarks in release mode
  fuzz [--seconds N] [targets]
                      Fuzz every target, or those named, for N seconds each (60)

Environment:
  PG_BIN              Directory of the Postgres server programs to use, instead of those found
  CHROMIUM            Browser for the tests of real apps, instead of the one found
  CI=true             No colours
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            terminal::say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = arguments.split_first() else {
        terminal::answer(HELP);
        return Ok(ExitCode::from(2));
    };
    let root = repository_root();
    std::env::set_current_dir(&root).with_context(|| format!("cannot enter the repository at {}", root.display()))?;
    match command.as_str() {
        // These two hand every argument on: `cargo x demo --help` is the help of `rowlock demo`.
        "demo" => demo::run(rest),
        "bench" => bench::run(rest),
        "help" | "--help" | "-h" => Ok(help()),
        _ if rest.iter().take_while(|word| *word != "--").any(|word| word == "--help" || word == "-h") => Ok(help()),
        "setup" => setup::run(rest),
        "check" => check::run(rest),
        "test" => test::run(rest),
        "fuzz" => fuzz::run(rest),
        unknown => bail!("`cargo x` has no command `{unknown}`; `cargo x --help` lists them"),
    }
}

fn help() -> ExitCode {
    terminal::answer(HELP);
    ExitCode::SUCCESS
}

/// Cargo says at run time where the manifest is; the path known at compile time serves when the program is run by hand.
fn repository_root() -> PathBuf {
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}
