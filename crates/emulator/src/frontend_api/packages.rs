//! Clerk's scripts, below `/npm`: `clerk-js` and the prebuilt components, from npm packages kept on this machine.
//!
//! The emulator carries no code of Clerk's. `rowlock clerk install` fetches the two packages, pinned below by their hashes,
//! through the user's npm client; without them the scripts' addresses answer with that command. A page asks for a major
//! version or an exact one; whatever the pinned release satisfies is served, anything else is refused by name.

use std::path::PathBuf;

use http::StatusCode;
use npm_package::{InstallError, Package, cache_directory};

use crate::refusal::Refusal;

/// `@clerk/clerk-js`: the Clerk object of a page.
pub(crate) const CLERK_JS_VERSION: &str = "6.40.0";
const CLERK_JS_SHA512: &str =
    "2MnZ/ygvuCmeuqfXQmsxfQaLN/SSJvQbtT2cLXbgr5VKr3KmZFZBVvX977fG3eZ6pprl4J9pO+I2bbe6BvColg==";
/// `@clerk/ui`: the prebuilt components.
const UI_VERSION: &str = "1.36.0";
const UI_SHA512: &str = "uI96zYCh5jISLOt1mdpIPy/Y31P0kwFxjUFOxLUwFfTHFmGUcRjbqN6bbb+75tdI2Bz6ARGws3rhspDer+xIfQ==";
/// What a package without its files answers with.
const COMMAND: &str = "rowlock clerk install";

fn packages() -> [Package; 2] {
    [
        Package { name: "@clerk/clerk-js".to_owned(), version: CLERK_JS_VERSION, sha512: CLERK_JS_SHA512 },
        Package { name: "@clerk/ui".to_owned(), version: UI_VERSION, sha512: UI_SHA512 },
    ]
}

fn home(package: &Package) -> Option<PathBuf> {
    let name = package.name.trim_start_matches('@').replace('/', "-");
    Some(cache_directory()?.join("clerk").join(format!("{name}-{}", package.version)))
}

/// Whether both packages are on this machine.
#[must_use]
pub fn scripts_installed() -> bool {
    packages().iter().all(|package| home(package).is_some_and(|home| home.is_dir()))
}

/// Fetches Clerk's scripts through npm; quick when they are there already. Answers with what is installed, as
/// `@clerk/clerk-js@6.40.0`. Blocks on the network and the disk.
///
/// # Errors
/// [`InstallError`]: npm is missing or failed, the hash is wrong, the cache cannot be written.
pub fn install_scripts() -> Result<Vec<String>, InstallError> {
    packages()
        .iter()
        .map(|package| {
            package.install(&home(package).ok_or(InstallError::NoCache)?, |_| Ok(()))?;
            Ok(format!("{}@{}", package.name, package.version))
        })
        .collect()
}

/// A file of a package.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) path: PathBuf,
    /// Whether the address names the exact version, so that what it answers never changes.
    pub(crate) immutable: bool,
    pub(crate) content_type: &'static str,
}

/// Finds the file of an address below `/npm/`, such as `@clerk/clerk-js@6/dist/clerk.browser.js`.
pub(crate) fn find(address: &str) -> Result<Script, Refusal> {
    let not_found = || Refusal::not_found("script", address);
    let (name, rest) =
        address.match_indices('@').nth(1).map(|(at, _)| (&address[..at], &address[at + 1..])).ok_or_else(not_found)?;
    let (version, file) = rest.split_once('/').ok_or_else(not_found)?;
    let package = packages().into_iter().find(|package| package.name == name).ok_or_else(not_found)?;
    if !satisfies(package.version, version) {
        return Err(Refusal::not_emulated(format_args!(
            "{name} {version} (this emulator serves {}; leave the version of Clerk's scripts to the SDK)",
            package.version
        )));
    }
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    if !file.starts_with("dist/") || !file.split('/').all(plain) {
        return Err(not_found());
    }
    let home = home(&package).filter(|home| home.is_dir()).ok_or_else(|| {
        let message =
            format!("{name} {} is not on this machine; run `{COMMAND}` once, with a network.", package.version);
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "scripts_not_installed", "scripts not installed", message)
    })?;
    let content_type = match file.rsplit('.').next() {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        _ => "application/octet-stream",
    };
    Ok(Script { path: home.join(file), immutable: version == package.version, content_type })
}

/// Whether a release is what `6`, `6.40`, `6.40.0` or `latest` asks for.
fn satisfies(release: &str, asked: &str) -> bool {
    asked == "latest" || release == asked || release.strip_prefix(asked).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_release_is_served() {
        for asked in ["6", "6.40", "6.40.0", "latest"] {
            assert!(satisfies(CLERK_JS_VERSION, asked), "{asked}");
        }
        for asked in ["5", "60", "6.4", "6.40.1", "", "canary"] {
            assert!(!satisfies(CLERK_JS_VERSION, asked), "{asked}");
        }
    }

    #[test]
    fn an_address_never_leaves_the_package() {
        for bad in [
            "@clerk/clerk-js@6/dist/../package.json",
            "@clerk/clerk-js@6/dist//x.js",
            "@clerk/clerk-js@6/package.json",
            "@clerk/clerk-js@6/dist/.hidden",
            "@clerk/other@1/dist/x.js",
            "@clerk/clerk-js",
            "clerk-js/dist/x.js",
        ] {
            assert_eq!(find(bad).unwrap_err().code(), "resource_not_found", "{bad}");
        }
        assert_eq!(find("@clerk/clerk-js@5/dist/clerk.browser.js").unwrap_err().code(), "not_emulated");
    }
}
