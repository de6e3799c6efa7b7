//! The one place that writes to standard output.

use std::io::{IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

/// Writes data as text or as JSON. Colour goes away by itself where nobody can see it (`NO_COLOR`, pipes).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    json: bool,
}

/// What worked.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What did not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What should be looked at.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What matters more.
pub(crate) const STRONG: Style = Style::new().bold();

impl Printer {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether logs on standard error may be coloured.
    pub(crate) fn colours_errors() -> bool {
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// Whether what goes to standard output may be coloured.
    pub(crate) fn colours_output() -> bool {
        std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// Data in a form of its own, whatever was asked for.
    pub(crate) fn raw(self, text: &str) {
        write(text);
    }

    /// Whether a person reads standard output: data about people is for their eyes, not for files.
    pub(crate) fn is_read_by_a_person(self) -> bool {
        !self.json && std::io::stdout().is_terminal()
    }

    /// A line for people; silent when data is JSON.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        if !self.json {
            write(text.as_ref());
        }
    }

    /// One JSON value on one line; silent when data is text.
    pub(crate) fn value(self, value: &impl Serialize) {
        if self.json {
            write(&serde_json::to_string(value).expect("what is printed has string keys and finite numbers"));
        }
    }
}

/// A reader that went away (`| head`) is no failure of ours.
fn write(line: &str) {
    let mut out = anstream::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
