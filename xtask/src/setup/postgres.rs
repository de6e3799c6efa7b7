//! A Postgres server to run, and an account to run it as.
//!
//! The programs are looked for where `rowlock` itself looks (`crates/postgres/src/binaries`), because a setup that is
//! content where `rowlock` is not helps nobody: `PG_BIN`, `pg_config --bindir`, the packages of Debian and Homebrew, the
//! `PATH`, and what `rowlock postgres install` fetched. A directory with only `psql` is passed over.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{Problem, Remedy, Requirement};
use crate::process;
use crate::setup::apt::{Apt, Guard, Packages};
use crate::version::Version;

/// What Rowlock supports and tests.
const MAJORS: std::ops::RangeInclusive<u32> = 15..=18;
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
/// Where Debian and Homebrew keep one directory for each version.
const PACKAGED: [&str; 3] = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
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

/// What `supabase db lint` looks with. Debian has it for its own Postgres alone; with another one that test is skipped.
pub(super) const PLPGSQL_CHECK: Requirement = Requirement {
    inspect: plpgsql_check,
    remedy: Remedy::Action("apt-get install postgresql-<version>-plpgsql-check", install_plpgsql_check),
};

const NO_ACCOUNT: &str = "we are root, Postgres refuses to run as root, and there is no user `postgres` or `nobody`";

pub(super) const ACCOUNT: Requirement = Requirement {
    inspect: account,
    remedy: Remedy::Person("add one (`useradd --system postgres`) or work as another user than root"),
};

fn server() -> Result<String, Problem> {
    if let Some(chosen) = std::env::var_os("PG_BIN").filter(|value| !value.is_empty()) {
        let directory = PathBuf::from(chosen);
        return match version(&directory) {
            Some(version) if MAJORS.contains(&version.major) => Ok(describe(&version, &directory)),
            Some(version) => Err(Problem::Misconfigured(format!("PG_BIN: {}", unsupported(&version, &directory)))),
            None => Err(Problem::Misconfigured(format!(
                "PG_BIN names {}, which does not hold {}; correct it or unset it",
                directory.display(),
                PROGRAMS.join(", ")
            ))),
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
    Err(Problem::Absent(problem))
}

/// The major version of the Postgres that will be used, when it is Debian's.
fn debians() -> Option<u32> {
    let found = server().ok()?;
    let (_, directory) = found.rsplit_once(" in ")?;
    directory.strip_prefix(PACKAGED[0])?.strip_suffix("/bin")?.trim_matches('/').parse().ok()
}

fn plpgsql_check() -> Result<String, Problem> {
    let Some(major) = debians() else {
        return Ok("plpgsql_check is not looked for: this Postgres is not Debian's".to_owned());
    };
    let control = format!("/usr/share/postgresql/{major}/extension/plpgsql_check.control");
    if Path::new(&control).is_file() {
        return Ok(format!("plpgsql_check for Postgres {major}"));
    }
    Err(Problem::Absent(format!("Postgres {major} has no plpgsql_check, `supabase db lint` is tested with it")))
}

fn install_plpgsql_check() -> Result<()> {
    let names: &[&str] = match debians() {
        Some(15) => &["postgresql-15-plpgsql-check"],
        Some(16) => &["postgresql-16-plpgsql-check"],
        Some(17) => &["postgresql-17-plpgsql-check"],
        Some(18) => &["postgresql-18-plpgsql-check"],
        _ => bail!("this Postgres is not one of Debian's, 15 to 18"),
    };
    let elsewhere = "install plpgsql_check for this Postgres";
    Apt::default().install(&Packages { names, majors: 0..=u32::MAX, elsewhere, guard: None })
}

/// Where to look, best first.
fn directories() -> Vec<PathBuf> {
    let configured = process::look("pg_config", &["--bindir"]).map(PathBuf::from);
    let packaged = PACKAGED.iter().flat_map(|parent| newest_first(Path::new(parent))).map(|home| home.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let fetched = rowlock_cache().map(|cache| newest_first(&cache)).unwrap_or_default();
    let fetched = fetched.into_iter().map(|home| home.join("native/bin"));
    configured.into_iter().chain(packaged).chain(std::env::split_paths(&path)).chain(fetched).collect()
}

/// The directories of single versions below `parent`: `17`, `postgresql@17`, `17.10.0-…`.
fn newest_first(parent: &Path) -> Vec<PathBuf> {
    let mut homes: Vec<(u32, PathBuf)> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = Version::announced(name.strip_prefix("postgresql@").unwrap_or(&name))?;
            Some((version.major, entry.path()))
        })
        .collect();
    homes.sort_by(|left, right| right.cmp(left));
    homes.into_iter().map(|(_major, home)| home).collect()
}

/// Where `rowlock postgres install` unpacks what npm fetched.
fn rowlock_cache() -> Option<PathBuf> {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = match process::we_are_root() {
        true => PathBuf::from("/var/cache"),
        false => named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?,
    };
    Some(cache.join("rowlock/postgres"))
}

fn version(directory: &Path) -> Option<Version> {
    PROGRAMS.iter().all(|program| directory.join(program).is_file()).then_some(())?;
    Version::announced(&process::look(directory.join("postgres"), &["--version"])?)
}

fn describe(version: &Version, directory: &Path) -> String {
    format!("Postgres {version} in {}", directory.display())
}

fn unsupported(version: &Version, directory: &Path) -> String {
    format!("Postgres {version} found in {}, expected 15 to 18", directory.display())
}

/// Postgres refuses to run as root.
fn account() -> Result<String, Problem> {
    if !process::we_are_root() {
        return Ok("Postgres can run as you".to_owned());
    }
    let account = ACCOUNTS.into_iter().find(|name| process::look("id", &["-u", name]).is_some());
    account
        .map(|name| format!("user `{name}` to run Postgres as, since we are root"))
        .ok_or_else(|| Problem::Absent(NO_ACCOUNT.to_owned()))
}
