//! The two ways `cargo x` speaks.
//!
//! A closed pipe is no reason to stop a build half way, so writing never fails: what cannot be said is not said.

use std::fmt::Display;
use std::io::{self, Write};

/// Tells the person at the terminal what happens (standard error).
pub(crate) fn say(line: impl Display) {
    drop(writeln!(io::stderr(), "{line}"));
}

/// Gives the answer that was asked for (standard output).
pub(crate) fn answer(text: impl Display) {
    let mut output = io::stdout().lock();
    drop(write!(output, "{text}").and_then(|()| output.flush()));
}
