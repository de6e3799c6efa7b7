//! `cargo x setup`: makes a machine ready, or says in one line each what it lacks.
//!
//! A fresh Debian or Ubuntu with nothing but rustup becomes ready by itself when we are root or `sudo` asks no password.
//! Anywhere else nothing is installed: the line says what was found, what was expected and what to type. When nothing is
//! missing it takes a fraction of a second, so the other commands simply run it first.
//!
//! Nothing is configured beyond the packages: no service is started, and Debian's own Postgres cluster is neither created
//! nor used, because Rowlock runs a private one.

mod apt;
mod clients;
mod postgres;
mod programs;

use std::process::ExitCode;

use anyhow::{Result, bail};

use self::apt::Apt;
use crate::terminal;

/// One thing the repository needs from the machine.
pub(crate) struct Requirement {
    /// Says what is there, or what is found instead and what was expected.
    inspect: fn() -> Result<String, Problem>,
    remedy: Remedy,
}

/// Why a requirement is not met.
enum Problem {
    /// Not there, or not as expected; the remedy may help.
    Absent(String),
    /// A person named something that does not serve. Installing another one would not be used.
    Misconfigured(String),
}

/// What may be done about a requirement that is not met.
enum Remedy {
    /// Packages of Debian and Ubuntu; elsewhere the person is told what to do.
    Packages(apt::Packages),
    /// Something that `cargo x setup` does itself, with the words that say so.
    Action(&'static str, fn() -> Result<()>),
    /// Only a person can decide.
    Person(&'static str),
}

/// What `rowlock dev` and the Rust tests need.
pub(crate) const TO_RUN: [Requirement; 3] = [programs::C_COMPILER, postgres::SERVER, postgres::ACCOUNT];
/// And the tests with real clients.
pub(crate) const TO_TEST: [Requirement; 9] = [
    programs::C_COMPILER,
    postgres::SERVER,
    postgres::ACCOUNT,
    postgres::PLPGSQL_CHECK,
    programs::NODE,
    programs::PYTHON,
    clients::PACKAGES,
    clients::PYTHON,
    programs::CHROMIUM,
];
/// And the benchmarks, whose peer is Clerk's SDK and whose yardstick for signatures is OpenSSL: everything there is.
pub(crate) const TO_BENCH: [Requirement; 10] = [
    programs::C_COMPILER,
    postgres::SERVER,
    postgres::ACCOUNT,
    postgres::PLPGSQL_CHECK,
    programs::NODE,
    programs::PYTHON,
    clients::PACKAGES,
    clients::PYTHON,
    programs::CHROMIUM,
    programs::OPENSSL,
];

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    match arguments {
        [] => ensure(&TO_BENCH)?,
        [option] if option == "--check" => report(&TO_BENCH)?,
        _ => bail!("`cargo x setup` takes nothing or --check, found `{}`", arguments.join(" ")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Meets every requirement that can be met, and fails when one is left.
///
/// All are tried before it fails, so that a person is told everything at once.
pub(crate) fn ensure(requirements: &[Requirement]) -> Result<()> {
    let mut apt = Apt::default();
    conclude(requirements.iter().filter(|requirement| !requirement.ensure(&mut apt)).count())
}

/// Says what is there and what is missing, and changes nothing.
fn report(requirements: &[Requirement]) -> Result<()> {
    let mut missing = 0;
    for requirement in requirements {
        match (requirement.inspect)() {
            Ok(found) => say("ok", &found),
            Err(problem) => {
                requirement.complain(problem);
                missing += 1;
            }
        }
    }
    conclude(missing)
}

fn conclude(missing: usize) -> Result<()> {
    match missing {
        0 => Ok(()),
        1 => bail!("this machine lacks one thing, named above as missing"),
        _ => bail!("this machine lacks {missing} things, named above as missing"),
    }
}

impl Requirement {
    /// Whether the requirement is met in the end.
    fn ensure(&self, apt: &mut Apt) -> bool {
        let problem = match (self.inspect)() {
            Ok(found) => {
                say("ok", &found);
                return true;
            }
            Err(Problem::Absent(problem)) => problem,
            Err(misconfigured) => {
                self.complain(misconfigured);
                return false;
            }
        };
        let remedied = match &self.remedy {
            Remedy::Packages(packages) => apt.install(packages),
            Remedy::Action(_, act) => act(),
            Remedy::Person(advice) => Err(anyhow::anyhow!("{advice}")),
        };
        match remedied.map(|()| (self.inspect)()) {
            Ok(Ok(found)) => {
                say("done", &found);
                true
            }
            Ok(Err(still)) => {
                self.complain(still);
                false
            }
            Err(reason) => {
                say("missing", &format!("{problem}; {reason:#}"));
                false
            }
        }
    }

    fn complain(&self, problem: Problem) {
        match problem {
            Problem::Absent(problem) => say("missing", &format!("{problem}; {}", self.advice())),
            Problem::Misconfigured(problem) => say("missing", &problem),
        }
    }

    fn advice(&self) -> String {
        match &self.remedy {
            Remedy::Packages(packages) => packages.advice(),
            Remedy::Action(advice, _) | Remedy::Person(advice) => (*advice).to_owned(),
        }
    }
}

fn say(verdict: &str, line: &str) {
    terminal::say(format_args!("{verdict:<9}{line}"));
}
