//! The directory of a local cluster: who has it, and what is in it.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::runner::Runner;
use super::{ClusterError, ClusterOptions, Durability, SUPERUSER, data_directory, stop_orphan};

/// The name of data that is being initialised, before the process id of who does it.
const UNFINISHED: &str = "data.unfinished.";
/// What lies in every directory that is ours.
const LOCK: &str = "lock";

/// Makes the directory, or makes sure that it is ours: empty, or with our lock file in it. Nothing of anybody else's is
/// touched, not even its permissions.
pub(super) fn make_directory(directory: &Path) -> Result<(), ClusterError> {
    let failed = |source| ClusterError::Directory { path: directory.to_path_buf(), source };
    std::fs::create_dir_all(directory).map_err(failed)?;
    let empty = std::fs::read_dir(directory).map_err(failed)?.next().is_none();
    if !empty && !directory.join(LOCK).is_file() {
        return Err(ClusterError::NotOurs { directory: directory.to_path_buf() });
    }
    // The server's user must be able to pass through, nobody needs to look around.
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o711)).map_err(failed)
}

/// Takes the lock, and notes who has it.
pub(super) fn take_lock(directory: &Path) -> Result<File, ClusterError> {
    let path = directory.join(LOCK);
    let failed = |source| ClusterError::Directory { path: path.clone(), source };
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            let pid = if pid.trim().is_empty() { "unknown".to_owned() } else { pid.trim().to_owned() };
            return Err(ClusterError::InUse { directory: directory.to_path_buf(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let note = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())
    };
    note(&mut file).map_err(failed)?;
    Ok(file)
}

/// Whether the cluster's files are there already, in a version that our programs can read.
pub(super) fn is_initialised(options: &ClusterOptions) -> Result<bool, ClusterError> {
    let data = data_directory(options);
    if let Ok(version) = std::fs::read_to_string(data.join("PG_VERSION")) {
        if version.trim() == options.binaries.major() {
            return Ok(true);
        }
        return Err(ClusterError::OtherVersion {
            directory: data,
            found: version.trim().to_owned(),
            expected: options.binaries.major().to_owned(),
        });
    }
    if data.exists() {
        return Err(ClusterError::NotOurs { directory: data });
    }
    Ok(false)
}

/// Makes the cluster's files, unless they are there already.
pub(super) fn initialise(options: &ClusterOptions, runner: &Runner) -> Result<(), ClusterError> {
    if is_initialised(options)? {
        return Ok(());
    }
    let unfinished = initialise_unfinished(options, runner, options.durability == Durability::Full)?;
    finish(options, &unfinished)
}

/// Makes the cluster's files under another name until they are whole: `initdb` writes PG_VERSION first, so a directory that holds it
/// proves nothing.
pub(super) fn initialise_unfinished(
    options: &ClusterOptions,
    runner: &Runner,
    sync: bool,
) -> Result<PathBuf, ClusterError> {
    let failed = |path: &Path, source| ClusterError::Directory { path: path.to_path_buf(), source };
    let unfinished = options.directory.join(format!("{UNFINISHED}{}", std::process::id()));
    remove_unfinished(options, runner);
    std::fs::create_dir(&unfinished).map_err(|source| failed(&unfinished, source))?;
    runner.own(&unfinished)?;
    let password = options.directory.join("password");
    std::fs::write(&password, SUPERUSER).map_err(|source| failed(&password, source))?;
    runner.own(&password)?;
    let mut initdb = Command::new(options.binaries.program("initdb"));
    initdb.arg("-D").arg(&unfinished).arg("--pwfile").arg(&password);
    initdb.args(["-U", SUPERUSER, "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]);
    // Byte order for sorting, Unicode for letters, and the same on every machine that has it.
    initdb.arg(if cfg!(target_os = "linux") { "--locale=C.UTF-8" } else { "--locale=C" });
    if !sync {
        initdb.arg("--no-sync");
    }
    let answer = runner.apply(&mut initdb).current_dir(&options.directory).output();
    let _ = std::fs::remove_file(&password);
    let refuse = |reason| ClusterError::Program { program: "initdb", reason };
    let answer = answer.map_err(|error| refuse(error.to_string()))?;
    if answer.status.success() {
        return Ok(unfinished);
    }
    let _ = std::fs::remove_dir_all(&unfinished);
    let words = String::from_utf8_lossy(&answer.stderr);
    Err(refuse(words.lines().rev().find(|line| line.contains("error:")).unwrap_or("it was interrupted").to_owned()))
}

/// From now on these files are the cluster's: what comes in stays, so the name has to stay, too.
pub(super) fn finish(options: &ClusterOptions, unfinished: &Path) -> Result<(), ClusterError> {
    let data = data_directory(options);
    let named = std::fs::rename(unfinished, &data).and_then(|()| match options.durability {
        Durability::Full => File::open(&options.directory)?.sync_all(),
        Durability::Ephemeral => Ok(()),
    });
    named.map_err(|source| ClusterError::Directory { path: data, source })
}

/// What an initialisation that was cut short has left, with its server if that outlived whoever began.
fn remove_unfinished(options: &ClusterOptions, runner: &Runner) {
    let entries = std::fs::read_dir(&options.directory).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        stop_orphan(options, &entry.path(), runner);
        let _ = std::fs::remove_dir_all(entry.path());
    }
}
