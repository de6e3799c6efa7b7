//! How tests look at an error: the message and each of its causes on a line of its own, as the command line prints them.

use std::error::Error;

pub(crate) fn told(error: &dyn Error) -> String {
    let mut lines = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        lines.push(format!("cause: {error}"));
        cause = error.source();
    }
    lines.join("\n")
}
