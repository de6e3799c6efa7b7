//! How a failed command says why.
//!
//! ```text
//! error: the database at postgres://app:***@127.0.0.1/shop lacks 4 of Rowlock's migrations; run `rowlock migrate`
//!   cause: …
//!   hint:  …
//! ```
//!
//! With `--json` the same stands on standard output as `{"error": {"message", "causes", "hint"}}`.

use std::io::Write as _;

use serde_json::json;

use crate::printer::{BAD, DIM, Printer};

/// Prints the error, its causes, and what to do.
pub(crate) fn print(error: &anyhow::Error, printer: Printer) {
    let (message, causes, hint) = (error.to_string(), causes(error), hint(error));
    printer.value(&json!({ "error": { "message": message, "causes": causes, "hint": hint } }));
    let mut out = anstream::stderr();
    let _ = writeln!(out, "{BAD}error:{BAD:#} {message}");
    for cause in causes {
        let _ = writeln!(out, "  {DIM}cause:{DIM:#} {cause}");
    }
    if let Some(hint) = hint {
        let _ = writeln!(out, "  {DIM}hint:{DIM:#}  {hint}");
    }
}

/// What led to the error, outermost first. A transparent wrapper repeats what it wraps and is left out.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut texts: Vec<String> = error.chain().map(ToString::to_string).collect();
    texts.dedup();
    texts.split_off(1)
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
