//! The published client packages that the tests drive, exactly as `tests/clients/package-lock.json` and
//! `tests/clients/python/requirements.txt` pin them.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Result, bail};

use super::{Problem, Remedy, Requirement};
use crate::process;

const LOCK: &str = "tests/clients/package-lock.json";
/// npm writes this file last, so it is as old as the last complete installation.
const INSTALLED: &str = "tests/clients/node_modules/.package-lock.json";

const REQUIREMENTS: &str = "tests/clients/python/requirements.txt";
const ENVIRONMENT: &str = "tests/clients/python/.venv";
/// Written when the environment is whole, so it is as old as the last complete installation.
const ENVIRONMENT_READY: &str = "tests/clients/python/.venv/ready";

pub(super) const PYTHON: Requirement = Requirement {
    inspect: python_packages,
    remedy: Remedy::Action("python3 -m venv tests/clients/python/.venv, and pip install", install_python),
};

pub(super) const PACKAGES: Requirement =
    Requirement { inspect: packages, remedy: Remedy::Action("npm ci --prefix tests/clients", install) };

fn packages() -> Result<String, Problem> {
    match (modified(LOCK), modified(INSTALLED)) {
        (None, _) => Err(Problem::Misconfigured(format!("{LOCK} is missing from this checkout"))),
        (_, None) => Err(Problem::Absent("client packages are not installed in tests/clients".to_owned())),
        (Some(pinned), Some(installed)) if installed < pinned => {
            Err(Problem::Absent(format!("client packages in tests/clients are older than {LOCK}")))
        }
        _ => Ok("client packages in tests/clients".to_owned()),
    }
}

fn python_packages() -> Result<String, Problem> {
    match (modified(REQUIREMENTS), modified(ENVIRONMENT_READY)) {
        (None, _) => Err(Problem::Misconfigured(format!("{REQUIREMENTS} is missing from this checkout"))),
        (_, None) => Err(Problem::Absent(format!("Python packages are not installed in {ENVIRONMENT}"))),
        (Some(pinned), Some(installed)) if installed < pinned => {
            Err(Problem::Absent(format!("Python packages in {ENVIRONMENT} are older than {REQUIREMENTS}")))
        }
        _ => Ok(format!("Python packages in {ENVIRONMENT}")),
    }
}

fn install_python() -> Result<()> {
    if process::on_path("python3").is_none() {
        bail!("Python 3 installs them once it is there");
    }
    process::run(process::command("python3").args(["-m", "venv", ENVIRONMENT]))?;
    let pip = format!("{ENVIRONMENT}/bin/python");
    process::run(process::command(&pip).args(["-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS]))?;
    std::fs::write(ENVIRONMENT_READY, "")?;
    Ok(())
}

/// `--loglevel=error`: svix asks for Node 22 and says so at each installation; what we use of it runs on Node 20.
fn install() -> Result<()> {
    if process::on_path("npm").is_none() {
        bail!("npm installs them once it is there");
    }
    process::run(process::command("npm").args(["ci", "--prefix", "tests/clients", "--loglevel=error"]))
}

fn modified(path: &str) -> Option<SystemTime> {
    Path::new(path).metadata().ok()?.modified().ok()
}
