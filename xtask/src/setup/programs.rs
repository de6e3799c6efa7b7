//! Programs that are looked for on the `PATH`.

use super::{Problem, Remedy, Requirement};
use crate::process;
use crate::setup::apt::Packages;
use crate::version::Version;

/// The oldest Node that the published clients we test with still run on.
const NODE_MAJOR: u32 = 20;

/// What Clerk's scripts and the Playwright that drives it are content with.
const OLDEST_CHROMIUM: u32 = 120;
/// By these names it is known to Debian, to others, and as Chrome.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

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

/// What the Python packages of the client tests are installed with.
pub(super) const PYTHON: Requirement = Requirement {
    inspect: python,
    remedy: Remedy::Packages(Packages {
        names: &["python3-venv"],
        majors: 3..=3,
        elsewhere: "install Python 3 with its modules `venv` and `ensurepip`",
        guard: None,
    }),
};

/// The browser that the real apps of the client tests run in.
pub(super) const CHROMIUM: Requirement = Requirement {
    inspect: chromium,
    remedy: Remedy::Packages(Packages {
        names: &["chromium", "fonts-liberation"],
        majors: OLDEST_CHROMIUM..=u32::MAX,
        elsewhere: "install Chromium or Chrome, or name one in CHROMIUM",
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

fn c_compiler() -> Result<String, Problem> {
    let chosen = std::env::var("CC").ok();
    // CC may hold a wrapper and its compiler: `ccache gcc`.
    let mut words: Vec<&str> = chosen.as_deref().unwrap_or("cc").split_whitespace().collect();
    words.push("--version");
    if let Some(line) = process::look(words[0], &words[1..]).as_deref().and_then(|answer| answer.lines().next()) {
        return Ok(format!("C compiler {line}"));
    }
    Err(match chosen {
        Some(name) => Problem::Misconfigured(format!("CC names `{name}`, which does not run; correct it or unset it")),
        None => Problem::Absent("no C compiler found, expected `cc`".to_owned()),
    })
}

fn node() -> Result<String, Problem> {
    let absent = |problem: String| Err(Problem::Absent(problem));
    let Some(answer) = process::look("node", &["--version"]) else {
        return absent(format!("no Node found, expected {NODE_MAJOR} or newer"));
    };
    let path = process::on_path("node").unwrap_or_default();
    match Version::announced(&answer) {
        Some(version) if version.major < NODE_MAJOR => {
            absent(format!("Node {version} found at {}, expected {NODE_MAJOR} or newer", path.display()))
        }
        None => absent(format!("{} --version answers `{answer}`, expected a version", path.display())),
        Some(version) if process::on_path("npm").is_none() => absent(format!("Node {version} found, but no npm")),
        Some(version) => Ok(format!("Node {version} with npm")),
    }
}

/// Debian leaves `ensurepip` out of Python; `venv` alone makes environments without pip.
fn python() -> Result<String, Problem> {
    process::look("python3", &["-c", "import ensurepip, sys, venv; print(sys.version.split()[0])"])
        .map(|version| format!("Python {} with venv", version.trim()))
        .ok_or_else(|| Problem::Absent("no Python 3 with `venv` and `ensurepip` found".to_owned()))
}

fn chromium() -> Result<String, Problem> {
    if let Some(named) = std::env::var_os("CHROMIUM").filter(|name| !name.is_empty()) {
        let path = std::path::PathBuf::from(named);
        return match path.is_file() {
            true => Ok(format!("Chromium at {}, named in CHROMIUM", path.display())),
            false => Err(Problem::Misconfigured(format!(
                "CHROMIUM names {}, which is no file; correct it or unset it",
                path.display()
            ))),
        };
    }
    let found = BROWSERS.iter().find_map(|name| process::look(name, &["--version"]));
    let Some(answer) = found else {
        return Err(Problem::Absent("no Chromium found, the tests of real apps run in it".to_owned()));
    };
    match Version::announced(&answer) {
        Some(version) if version.major < OLDEST_CHROMIUM => {
            Err(Problem::Absent(format!("Chromium {version} found, expected {OLDEST_CHROMIUM} or newer")))
        }
        Some(version) => Ok(format!("Chromium {version}")),
        None => Err(Problem::Absent(format!("Chromium answers `{answer}` to --version, expected a version"))),
    }
}

fn openssl() -> Result<String, Problem> {
    process::look("openssl", &["version"])
        .ok_or_else(|| Problem::Absent("no openssl found, the benchmarks compare with it".to_owned()))
}
