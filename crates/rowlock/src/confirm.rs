//! Asking before something is done that a slip of the hand should not do.

use std::io::{IsTerminal as _, Write as _};

use crate::report::Hinted;

/// Whether a person agrees. Nobody is asked where nobody could answer: then `--yes` must have been given.
pub(crate) fn agreed(question: &str, yes: bool) -> anyhow::Result<bool> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Hinted::new(format!("{question}: nobody is here to answer"), "add --yes to do it").into());
    }
    let mut out = anstream::stderr();
    write!(out, "{question}? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
