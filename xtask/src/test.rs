//! `cargo x test`: everything that must hold before a change lands, and a count that can be checked.
//!
//! The machine is made ready, formatting and lints are looked at, then two runners run to their end whatever the other
//! one found: `cargo test` over the workspace and `node --test` over the real clients. A runner that executed no test has
//! failed, because a suite that silently runs nothing looks exactly like one that is green.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::tally::Tally;
use crate::{check, process, setup, terminal};

const CLIENTS: &str = "tests/clients";

/// A client test that waits longer than this, in milliseconds, waits for something that will not come: the slowest starts
/// a Postgres cluster in a few seconds.
const CLIENT_TEST_TIMEOUT: u32 = 120_000;

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let request = Request::parse(arguments)?;
    match request.only {
        None => {
            setup::ensure(&setup::TO_TEST)?;
            check::formatting_and_lints()?;
            process::run(process::cargo().args(["build", "--workspace"]))?;
            report(&[rust(&[])?, traces()?, clients(&[])?])
        }
        Some(Runner::Rust) => {
            setup::ensure(&setup::TO_RUN)?;
            report(&[rust(&request.rest)?])
        }
        Some(Runner::Clients) => {
            setup::ensure(&setup::TO_TEST)?;
            process::run(process::cargo().args(["build", "--bin", "rowlock"]))?;
            report(&[clients(&request.rest)?])
        }
    }
}

/// What is to be run, as the command line says it.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    only: Option<Runner>,
    /// Handed to the one runner that was chosen.
    rest: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runner {
    Rust,
    Clients,
}

impl Request {
    fn parse(arguments: &[String]) -> Result<Self> {
        let end = arguments.iter().position(|word| word == "--");
        let (own, rest) = arguments.split_at(end.unwrap_or(arguments.len()));
        let rest = rest.get(1..).unwrap_or_default().to_vec();
        let only = match own {
            [] => None,
            [option, runner] if option == "--only" => Some(match runner.as_str() {
                "rust" => Runner::Rust,
                "clients" => Runner::Clients,
                _ => bail!("--only is `rust` or `clients`, found `{runner}`"),
            }),
            _ => bail!("`cargo x test` cannot read `{}`; `cargo x --help` shows how it is called", own.join(" ")),
        };
        if only.is_none() && !rest.is_empty() {
            bail!("arguments after `--` go to one runner: add --only rust or --only clients");
        }
        Ok(Self { only, rest })
    }
}

/// What came of one runner.
#[derive(Debug)]
struct Outcome {
    tally: Tally,
    /// Why the run as a whole has failed.
    failure: Option<String>,
}

impl Outcome {
    /// `ending` says how the runner ended when it did not end well.
    fn new(name: &str, tally: Tally, ending: Option<String>) -> Self {
        let failure = if tally.failed > 0 {
            Some(format!("{name}: {} of {} failed", tally.failed, tally.executed()))
        } else if let Some(ending) = ending {
            Some(format!("{name} {ending}"))
        } else if tally.executed() == 0 {
            Some(format!("{name} executed no test"))
        } else {
            None
        };
        Self { tally, failure }
    }
}

fn rust(arguments: &[String]) -> Result<Outcome> {
    let mut runner = process::cargo();
    runner.args(["test", "--no-fail-fast"]);
    // Cargo ignores `-p` beside `--workspace`.
    if arguments.is_empty() {
        runner.arg("--workspace");
    }
    runner.args(arguments);
    follow("`cargo test`", runner, Tally::read_libtest)
}

/// What is there with a feature alone. Last of the Rust tests: the binary that is built for it replaces the other one, so that is built
/// once more.
fn traces() -> Result<Outcome> {
    let mut runner = process::cargo();
    runner.args(["test", "-p", "rowlock", "--features", "otel", "--test", "main", "--", "traces::"]);
    let outcome = follow("`cargo test --features otel`", runner, Tally::read_libtest)?;
    process::run(process::cargo().args(["build", "--workspace"]))?;
    Ok(outcome)
}

fn clients(arguments: &[String]) -> Result<Outcome> {
    let rowlock = process::debug_binary("rowlock")?;
    let mut runner = process::command("node");
    runner.args(["--test", "--test-reporter=spec", &format!("--test-timeout={CLIENT_TEST_TIMEOUT}")]);
    runner.args(arguments).args(client_tests(Path::new(CLIENTS))?).env("ROWLOCK_BIN", rowlock);
    follow("`node --test`", runner, Tally::read_node)
}

fn follow(name: &str, mut runner: Command, read: fn(&mut Tally, &str)) -> Result<Outcome> {
    let mut tally = Tally::default();
    let status = process::run_reading(&mut runner, |line| read(&mut tally, line))?;
    let ending = (!status.success()).then(|| process::ending(status));
    Ok(Outcome::new(name, tally, ending))
}

/// Node 20 knows no file patterns on its command line, so the files are listed for it.
fn client_tests(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reasons first, the closing count last.
fn report(outcomes: &[Outcome]) -> Result<ExitCode> {
    let mut total = Tally::default();
    let mut code = ExitCode::SUCCESS;
    for outcome in outcomes {
        total += outcome.tally;
        if let Some(failure) = &outcome.failure {
            terminal::say(format_args!("error: {failure}"));
            code = ExitCode::FAILURE;
        }
    }
    terminal::answer(format_args!("{total}\n"));
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Request, Runner};
    use crate::tally::Tally;

    fn parse(words: &[&str]) -> Result<Request, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Request::parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_reach_the_runner_that_was_chosen() {
        assert_eq!(parse(&[]), Ok(Request { only: None, rest: vec![] }));
        assert_eq!(
            parse(&["--only", "rust", "--", "-p", "clerk"]),
            Ok(Request { only: Some(Runner::Rust), rest: vec!["-p".to_owned(), "clerk".to_owned()] })
        );
        assert_eq!(parse(&["--only", "clients"]), Ok(Request { only: Some(Runner::Clients), rest: vec![] }));
    }

    #[test]
    fn a_request_that_is_not_understood_runs_nothing() {
        assert_eq!(parse(&["--only", "go"]).unwrap_err(), "--only is `rust` or `clients`, found `go`");
        assert!(parse(&["--only"]).is_err());
        assert!(parse(&["clerk"]).is_err());
        assert!(parse(&["--", "-p", "clerk"]).unwrap_err().contains("add --only"));
    }

    #[test]
    fn a_runner_fails_by_its_code_by_its_count_and_by_running_nothing() {
        let failure = |passed, failed, ending: Option<&str>| {
            let tally = Tally { passed, failed, skipped: 9 };
            Outcome::new("`runner`", tally, ending.map(str::to_owned)).failure
        };
        assert_eq!(failure(3, 0, None), None);
        assert_eq!(failure(3, 1, None).as_deref(), Some("`runner`: 1 of 4 failed"));
        assert_eq!(failure(3, 1, Some("failed with code 1")).as_deref(), Some("`runner`: 1 of 4 failed"));
        assert_eq!(failure(3, 0, Some("failed with code 101")).as_deref(), Some("`runner` failed with code 101"));
        assert_eq!(failure(0, 0, None).as_deref(), Some("`runner` executed no test"));
    }
}
