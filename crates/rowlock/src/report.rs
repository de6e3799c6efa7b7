//! How a failed command says why.
//!
//! ```text
//! error: the database at postgres://app:***@127.0.0.1/shop lacks 4 of Rowlock's migrations; run `rowlock migrate`
//!   cause: …
//!   hint:  …
//! ```

use std::io::Write as _;

use crate::printer::{BAD, DIM};

/// Prints the error, its causes, and what to do, to standard error.
pub(crate) fn print(error: &anyhow::Error) {
    let mut out = anstream::stderr();
    let _ = writeln!(out, "{BAD}error:{BAD:#} {error}");
    let mut before = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        // A transparent wrapper repeats what it wraps.
        if text != before {
            let _ = writeln!(out, "  {DIM}cause:{DIM:#} {text}");
        }
        before = text;
    }
    if let Some(hint) = hint(error) {
        let _ = writeln!(out, "  {DIM}hint:{DIM:#}  {hint}");
    }
}

/// Hints are data on the errors; the outermost one that has any speaks.
fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(Hinted { hint, .. }) = cause.downcast_ref::<Hinted>() {
            return Some((*hint).to_owned());
        }
        cause.downcast_ref::<tokens::Refusal>().and_then(|refusal| refusal.hint().map(str::to_owned))
    })
}

/// An error of a command itself, with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Hinted {
    message: String,
    hint: &'static str,
}

impl Hinted {
    pub(crate) fn new(message: impl Into<String>, hint: &'static str) -> Self {
        Self { message: message.into(), hint }
    }
}
