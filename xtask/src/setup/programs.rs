//! Programs that are looked for on the `PATH`.

use super::{Remedy, Requirement};
use crate::process;
use crate::setup::apt::Packages;
use crate::version::Version;

/// The oldest Node that the published clients we test with still run on.
const NODE_MAJOR: u32 = 20;

/// aws-lc-sys compiles C.
pub(super) const C_COMPILER: Requirement = Requirement {
    inspect: c_compiler,
    remedy: Remedy::Packages(Packages {
        names: &["gcc", "libc6-dev"],
        majors: 0..=u32::MAX,
        elsewhere: "install a C compiler and make it known as `cc` or in CC",
        guard: None,
    }),
};

pub(super) const NODE: Requirement = Requirement {
    inspect: node,
    remedy: Remedy::Packages(Packages {
        names: &["nodejs", "npm"],
        majors: NODE_MAJOR..=u32::MAX,
        elsewhere: "install Node 20 or newer with npm (nodejs.org)",
        guard: None,
    }),
};

pub(super) const OPENSSL: Requirement = Requirement {
    inspect: openssl,
    remedy: Remedy::Packages(Packages {
        names: &["openssl"],
        majors: 0..=u32::MAX,
        elsewhere: "install the `openssl` program",
        guard: None,
    }),
};

fn c_compiler() -> Result<String, String> {
    let name = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    process::look(&name, &["--version"])
        .and_then(|answer| answer.lines().next().map(|line| format!("C compiler {line}")))
        .ok_or_else(|| format!("no C compiler: `{name}` does not run"))
}

fn node() -> Result<String, String> {
    let Some(answer) = process::look("node", &["--version"]) else {
        return Err(format!("no Node found, expected {NODE_MAJOR} or newer"));
    };
    let path = process::on_path("node").unwrap_or_default();
    match Version::announced(&answer) {
        Some(version) if version.major < NODE_MAJOR => {
            Err(format!("Node {version} found at {}, expected {NODE_MAJOR} or newer", path.display()))
        }
        None => Err(format!("{} --version answers `{answer}`, expected a version", path.display())),
        Some(version) if process::on_path("npm").is_none() => Err(format!("Node {version} found, but no npm")),
        Some(version) => Ok(format!("Node {version} with npm")),
    }
}

fn openssl() -> Result<String, String> {
    process::look("openssl", &["version"]).ok_or_else(|| "no openssl found, the benchmarks compare with it".to_owned())
}
