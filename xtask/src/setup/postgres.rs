//! A Postgres server to run, and an account to run it as.
//!
//! The programs are looked for where `rowlock` itself looks: `PG_BIN`, `pg_config --bindir`, Debian's directories. A
//! directory without `initdb` and `postgres` holds only the client.

use std::path::{Path, PathBuf};

use super::{Remedy, Requirement};
use crate::process;
use crate::setup::apt::{Guard, Packages};
use crate::version::Version;

/// What Rowlock supports and tests.
const MAJORS: std::ops::RangeInclusive<u32> = 15..=18;
const DEBIAN: &str = "/usr/lib/postgresql";
/// Accounts every Debian has, the first since its Postgres packages are installed.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// While this file is there, installing a Postgres server creates no cluster and so starts none: postgresql-common reads
/// it from its `createcluster.conf`.
const NO_CLUSTER: Guard = Guard {
    directory: "/etc/postgresql-common/createcluster.d",
    name: "rowlock-setup.conf",
    line: "create_main_cluster = false",
};

pub(super) const SERVER: Requirement = Requirement {
    inspect: server,
    remedy: Remedy::Packages(Packages {
        names: &["postgresql"],
        majors: MAJORS,
        elsewhere: "install PostgreSQL 15 to 18 and set PG_BIN to the directory of `initdb`",
        guard: Some(NO_CLUSTER),
    }),
};

pub(super) const ACCOUNT: Requirement = Requirement {
    inspect: account,
    remedy: Remedy::Person("add one (`useradd --system postgres`) or work as another user than root"),
};

fn server() -> Result<String, String> {
    if let Some(chosen) = std::env::var_os("PG_BIN") {
        let directory = PathBuf::from(chosen);
        return match version(&directory) {
            Some(version) if MAJORS.contains(&version.major) => Ok(describe(&version, &directory)),
            Some(version) => Err(unsupported(&version, &directory)),
            None => Err(format!("PG_BIN: {} has no `initdb` and `postgres`", directory.display())),
        };
    }
    let mut problem = "no Postgres server found, expected 15 to 18".to_owned();
    for directory in directories() {
        match version(&directory) {
            Some(version) if MAJORS.contains(&version.major) => return Ok(describe(&version, &directory)),
            Some(version) => problem = unsupported(&version, &directory),
            None => {}
        }
    }
    Err(problem)
}

/// Where to look, best first: what the PATH's `pg_config` names, then Debian's, newest first.
fn directories() -> Vec<PathBuf> {
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    debian.sort();
    let configured = process::look("pg_config", &["--bindir"]).map(PathBuf::from);
    configured.into_iter().chain(debian.into_iter().rev().map(|(_major, directory)| directory)).collect()
}

fn version(directory: &Path) -> Option<Version> {
    directory.join("initdb").is_file().then_some(())?;
    Version::announced(&process::look(directory.join("postgres"), &["--version"])?)
}

fn describe(version: &Version, directory: &Path) -> String {
    format!("Postgres {version} in {}", directory.display())
}

fn unsupported(version: &Version, directory: &Path) -> String {
    format!("Postgres {version} found in {}, expected 15 to 18", directory.display())
}

/// Postgres refuses to run as root.
fn account() -> Result<String, String> {
    if !process::we_are_root() {
        return Ok("Postgres can run as you".to_owned());
    }
    let account = ACCOUNTS.into_iter().find(|name| process::look("id", &["-u", name]).is_some());
    account.map(|name| format!("user `{name}` to run Postgres as, since we are root")).ok_or_else(|| {
        "we are root, Postgres refuses to run as root, and there is no user `postgres` or `nobody`".to_owned()
    })
}
