//! Child processes: they inherit the terminal, read nothing from it, and their failure names the whole command.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use crate::terminal;

/// A command without standard input, so that nothing waits for an answer, and without colours in CI.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    if std::env::var_os("CI").is_some_and(|value| value == "true") {
        command.env("NO_COLOR", "1").env("CARGO_TERM_COLOR", "never").env_remove("FORCE_COLOR");
    }
    command
}

/// The cargo that started us, so that a build never mixes two toolchains.
pub(crate) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// Runs to the end and fails unless the command succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command.status().with_context(|| cannot_start(command))?;
    succeeded(command, status)
}

/// Runs to the end, passing standard output through line by line while `read` looks at each line.
///
/// The exit status is returned, not judged: a test runner that fails has still counted something.
pub(crate) fn run_reading(command: &mut Command, mut read: impl FnMut(&str)) -> Result<ExitStatus> {
    announce(command);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| cannot_start(command))?;
    let mut lines = BufReader::new(child.stdout.take().expect("standard output was piped two lines above"));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let mut output = io::stdout().lock();
        drop(output.write_all(&line).and_then(|()| output.flush()));
        read(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(child.wait()?)
}

/// Becomes the command: signals and the exit code are then the command's own, which a server one stops with ctrl-c needs.
///
/// Returns only when the command cannot be started.
pub(crate) fn become_command(command: &mut Command) -> anyhow::Error {
    announce(command);
    let error = command.stdin(Stdio::inherit()).exec();
    anyhow!(error).context(cannot_start(command))
}

/// Standard output of a command that only looks; `None` when it is absent or fails.
pub(crate) fn look(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<String> {
    let output = command(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub(crate) fn we_are_root() -> bool {
    look("id", &["-u"]).as_deref() == Some("0")
}

/// Where `PATH` has this program.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|path| is_file(path))
}

/// Where the Cargo of this workspace puts debug builds. `CARGO_TARGET_DIR` is respected; `build.target-dir` of a personal
/// Cargo configuration is not, because nothing but a JSON parser could read it.
pub(crate) fn debug_binary(name: &str) -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let binary = std::path::absolute(target.join("debug").join(name))?;
    if !is_file(&binary) {
        bail!("the build left no {}; set CARGO_TARGET_DIR when builds go elsewhere", binary.display());
    }
    Ok(binary)
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` {}", spell(command), ending(status));
    }
    Ok(())
}

/// "failed with code 101", or the signal that ended it.
pub(crate) fn ending(status: ExitStatus) -> String {
    status.code().map_or_else(|| format!("was ended by {status}"), |code| format!("failed with code {code}"))
}

/// The command as one would type it.
pub(crate) fn spell(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.contains(char::is_whitespace) { format!("\"{word}\"") } else { word.into_owned() }
}

fn announce(command: &Command) {
    terminal::say(format_args!("$ {}", spell(command)));
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", spell(command))
}
