//! The built binary as a child process, without the caller's environment.

mod lines;
mod server;

use std::process::{Command, Output};

pub(crate) use lines::Lines;
pub(crate) use server::{Environment, Server, free_port};

/// `rowlock` with these arguments and nothing inherited but where programs and temporary files are.
pub(crate) fn rowlock(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rowlock"));
    command.args(arguments).env_clear().env("NO_COLOR", "1");
    for name in ["PATH", "HOME", "TMPDIR", "PG_BIN"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    // No `rowlock.toml` of anybody's.
    command.current_dir(std::env::temp_dir());
    command
}

/// Exit code, standard output and standard error, as one text to compare.
pub(crate) fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    format!("exit: {}\n--- stdout\n{out}--- stderr\n{error}", output.status.code().unwrap_or(-1))
}
