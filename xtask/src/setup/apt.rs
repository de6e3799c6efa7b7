//! Debian's and Ubuntu's packages, when they are new enough and nobody has to be asked.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::version::Version;

/// Packages that meet a requirement together.
pub(crate) struct Packages {
    /// The first one carries the version that matters.
    pub(crate) names: &'static [&'static str],
    /// Major versions of it that will do.
    pub(crate) majors: RangeInclusive<u32>,
    /// What to do where there is no apt, or apt has none that will do.
    pub(crate) elsewhere: &'static str,
    /// What the packages' own scripts must find.
    pub(crate) guard: Option<Guard>,
}

/// A one-line configuration file that is there only while packages are installed, so that nothing we decided for
/// ourselves outlives us on somebody's machine.
pub(crate) struct Guard {
    pub(crate) directory: &'static str,
    pub(crate) name: &'static str,
    pub(crate) line: &'static str,
}

impl Guard {
    fn path(&self) -> PathBuf {
        Path::new(self.directory).join(self.name)
    }

    fn put(&self, privilege: &Privilege) -> Result<()> {
        let write = format!("mkdir -p {} && echo '{}' > {}", self.directory, self.line, self.path().display());
        process::run(privilege.command("sh").args(["-c", &write]))
    }

    fn take_away(&self, privilege: &Privilege) -> Result<()> {
        process::run(privilege.command("rm").arg("-f").arg(self.path()))
    }
}

impl Packages {
    pub(crate) fn advice(&self) -> String {
        if process::on_path("apt-get").is_none() {
            return self.elsewhere.to_owned();
        }
        format!("`cargo x setup` installs it, or: sudo {}", self.command_line())
    }

    fn command_line(&self) -> String {
        format!("apt-get install -y --no-install-recommends {}", self.names.join(" "))
    }

    /// The version of the first package that apt would install, when apt knows the package.
    fn candidate(&self) -> Option<Version> {
        let policy = process::look("apt-cache", &["policy", self.names[0]])?;
        let candidate = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate:"))?;
        Version::of_package(candidate.trim())
    }
}

/// Apt in this run: the lists are brought up to date at most once.
#[derive(Default)]
pub(crate) struct Apt {
    updated: bool,
}

impl Apt {
    pub(crate) fn install(&mut self, packages: &Packages) -> Result<()> {
        if process::on_path("apt-get").is_none() {
            bail!("{}", packages.elsewhere);
        }
        let Some(privilege) = Privilege::available() else {
            bail!("installing it needs root: sudo {}", packages.command_line());
        };
        if !self.updated {
            process::run(privilege.apt_get().arg("update").arg("--quiet"))?;
            self.updated = true;
        }
        match packages.candidate() {
            None => bail!("apt knows no package `{}`: {}", packages.names[0], packages.elsewhere),
            Some(version) if !packages.majors.contains(&version.major) => {
                bail!("apt has only {} {version}: {}", packages.names[0], packages.elsewhere)
            }
            Some(_) => {}
        }
        let mut install = privilege.apt_get();
        install.args(["install", "--quiet", "-y", "--no-install-recommends"]).args(packages.names);
        let Some(guard) = &packages.guard else {
            return process::run(&mut install);
        };
        guard.put(&privilege)?;
        let installed = process::run(&mut install);
        guard.take_away(&privilege)?;
        installed
    }
}

/// How root's work gets done without asking anybody.
enum Privilege {
    Root,
    Sudo,
}

impl Privilege {
    fn available() -> Option<Self> {
        if process::we_are_root() {
            return Some(Self::Root);
        }
        process::look("sudo", &["-n", "true"]).map(|_| Self::Sudo)
    }

    fn command(&self, program: &str) -> Command {
        match self {
            Self::Root => process::command(program),
            Self::Sudo => {
                let mut command = process::command("sudo");
                command.args(["-n", program]);
                command
            }
        }
    }

    /// apt-get which asks nothing and waits its turn behind another one. `env`, because sudo drops the environment.
    fn apt_get(&self) -> Command {
        let mut command = self.command("env");
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"]);
        command
    }
}
