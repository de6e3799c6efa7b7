//! Extensions that this Postgres has not, made of SQL.
//!
//! Postgres looks for extensions in one directory, which belongs to the system. But it finds that directory from where its own
//! program lies. So the program is copied into a directory of ours (9 MB, once), beside links to everything that it looks for, and
//! beside an `extension/` that holds links to the system's extensions and files for those that stand in.
//!
//! ```text
//! /usr/lib/postgresql/15/bin/postgres              <ours>/lib/postgresql/15/bin/postgres             copied
//! /usr/lib/postgresql/15/lib                       <ours>/lib/postgresql/15/lib                      → link
//! /usr/share/postgresql/15/extension/hstore.control  <ours>/share/postgresql/15/extension/hstore.control  → link
//!                                                  <ours>/share/postgresql/15/extension/pg_net.control    written
//! ```

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::runner::Runner;
use super::{ClusterError, ClusterOptions};

/// The version that all of them have.
const VERSION: &str = "1.0";

/// An extension that is made of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandIn {
    /// What `create extension` calls it.
    pub name: &'static str,
    /// What it does, in a few words.
    pub comment: &'static str,
    /// Extensions that it needs, between commas.
    pub requires: &'static str,
    /// Its script.
    pub sql: &'static str,
}

/// The server program that finds the system's extensions and those that stand in.
pub(super) fn server(options: &ClusterOptions, runner: &Runner) -> Result<PathBuf, ClusterError> {
    let own = options.binaries.program("postgres");
    if options.stand_ins.is_empty() {
        return Ok(own);
    }
    let own = std::fs::canonicalize(&own).map_err(|source| ClusterError::Directory { path: own, source })?;
    let share = share_directory(options, runner)?;
    let ours = options.directory.join("server");
    let layout = Layout::new(&own, &share, &ours).ok_or_else(|| ClusterError::Program {
        program: "postgres",
        reason: format!("its files are at `{}` and `{}`, which have nothing in common", own.display(), share.display()),
    })?;
    layout.build(options.stand_ins).map_err(|source| ClusterError::Directory { path: ours, source })?;
    Ok(layout.server)
}

/// Where Postgres keeps what is the same on every machine: `initdb` knows.
fn share_directory(options: &ClusterOptions, runner: &Runner) -> Result<PathBuf, ClusterError> {
    let refuse = |reason| ClusterError::Program { program: "initdb", reason };
    let mut asked = Command::new(options.binaries.program("initdb"));
    asked.args(["--show", "-D"]).arg(options.directory.join("nowhere"));
    let answer = runner.apply(&mut asked).current_dir(&options.directory).output();
    let answer = answer.map_err(|error| refuse(error.to_string()))?;
    // Some versions say it on standard error.
    let text = [answer.stdout, answer.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let share = text.lines().find_map(|line| line.strip_prefix("share_path="));
    let share = share.ok_or_else(|| refuse("it does not say where Postgres keeps its extensions".to_owned()))?;
    std::fs::canonicalize(share).map_err(|source| ClusterError::Directory { path: share.into(), source })
}

/// What lies where.
struct Layout {
    system_server: PathBuf,
    system_share: PathBuf,
    server: PathBuf,
    share: PathBuf,
}

impl Layout {
    /// None when program and files share no directory but the root: then Postgres would not find the one from the other.
    fn new(server: &Path, share: &Path, ours: &Path) -> Option<Self> {
        let common: PathBuf = server
            .components()
            .zip(share.components())
            .take_while(|(one, other)| one == other)
            .map(|(one, _)| one)
            .collect();
        let below = |path: &Path| Some(ours.join(path.strip_prefix(&common).ok()?));
        (common.components().count() > 1).then_some(())?;
        Some(Self {
            system_server: server.to_path_buf(),
            system_share: share.to_path_buf(),
            server: below(server)?,
            share: below(share)?,
        })
    }

    fn build(&self, stand_ins: &[StandIn]) -> std::io::Result<()> {
        let bin = self.server.parent().unwrap_or(Path::new("/"));
        let extensions = self.share.join("extension");
        for directory in [bin, &extensions] {
            std::fs::create_dir_all(directory)?;
        }
        self.copy_server()?;
        // Beside the programs: libraries, and in some layouts also what is shared, which is there by now.
        if let (Some(system), Some(here)) = (self.system_server.parent().and_then(Path::parent), bin.parent()) {
            link_entries(system, here)?;
        }
        link_entries(&self.system_share, &self.share)?;
        link_entries(&self.system_share.join("extension"), &extensions)?;
        let has = |name: &str| self.system_share.join("extension").join(format!("{name}.control")).exists();
        for stand_in in stand_ins.iter().filter(|stand_in| !has(stand_in.name)) {
            write_extension(&extensions, stand_in)?;
        }
        Ok(())
    }

    /// Copies the program when it is another than last time: after an update of the system's.
    fn copy_server(&self) -> std::io::Result<()> {
        let system = std::fs::metadata(&self.system_server)?;
        let same = std::fs::metadata(&self.server)
            .is_ok_and(|ours| ours.len() == system.len() && ours.modified().ok() >= system.modified().ok());
        if same {
            return Ok(());
        }
        let unfinished = self.server.with_extension("unfinished");
        std::fs::copy(&self.system_server, &unfinished)?;
        std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o755))?;
        std::fs::rename(&unfinished, &self.server)
    }
}

/// Links to everything in `system` that is not in `here`; links to what is gone are removed.
fn link_entries(system: &Path, here: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(here)? {
        let path = entry?.path();
        if path.is_symlink() && !path.exists() {
            std::fs::remove_file(path)?;
        }
    }
    for entry in std::fs::read_dir(system)? {
        let entry = entry?;
        let here = here.join(entry.file_name());
        if !here.exists() {
            symlink(entry.path(), here)?;
        }
    }
    Ok(())
}

fn write_extension(directory: &Path, stand_in: &StandIn) -> std::io::Result<()> {
    let StandIn { name, comment, requires, sql } = stand_in;
    let control = format!(
        "comment = 'Rowlock''s stand-in: {comment}'\ndefault_version = '{VERSION}'\nrelocatable = false\nrequires = '{requires}'\n"
    );
    write_changed(&directory.join(format!("{name}.control")), &control)?;
    write_changed(&directory.join(format!("{name}--{VERSION}.sql")), sql)
}

fn write_changed(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    std::fs::write(path, text)
}

/// Those of `libraries` that this Postgres has: it would not start with one that is missing.
pub(super) fn present(options: &ClusterOptions) -> Vec<&'static str> {
    let bin = options.binaries.program("postgres");
    let bin = std::fs::canonicalize(&bin).unwrap_or(bin);
    let beside = bin.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    let has = |name: &&str| {
        ["lib", "lib/postgresql"].iter().any(|place| {
            ["so", "dylib"].iter().any(|ending| beside.join(place).join(format!("{name}.{ending}")).exists())
        })
    };
    options.preload.iter().copied().filter(has).collect()
}
