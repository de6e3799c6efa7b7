//! SQL with a name, and where its lines begin.
//!
//! A file of a whole schema has tens of thousands of lines and as many findings; each is shown with its line, so lines are counted once.

use std::ops::Range;
use std::sync::OnceLock;

/// SQL with a name.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    is_catalogue: bool,
    /// Where each line begins; counted when somebody asks.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    /// A file, under the path that it is shown with.
    pub fn file(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), is_catalogue: false, lines: OnceLock::new() }
    }

    /// What was written down from a catalogue, which holds everything there is.
    pub(super) fn catalogue(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { is_catalogue: true, ..Self::file(name, text) }
    }

    /// As it is shown: a path, or where in the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SQL.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it was written down from a catalogue.
    pub fn is_catalogue(&self) -> bool {
        self.is_catalogue
    }

    /// The same source with another text.
    pub(super) fn with_text(&self, text: String) -> Self {
        Self { name: self.name.clone(), text, is_catalogue: self.is_catalogue, lines: OnceLock::new() }
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let behind = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place + 1);
            std::iter::once(0).chain(behind).collect()
        })
    }

    /// The line that holds this byte, from 0.
    fn line_of(&self, offset: usize) -> usize {
        self.lines().partition_point(|start| *start <= offset) - 1
    }

    /// Line and column of a byte, from 1, in characters.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.line_of(offset);
        (line + 1, self.text[self.lines()[line]..offset].chars().count() + 1)
    }

    /// The whole lines that hold the range, and the number of the first of them, from 1.
    pub(super) fn excerpt(&self, range: &Range<usize>) -> (Range<usize>, usize) {
        let (first, last) = (self.line_of(range.start), self.line_of(range.end));
        let end = self.lines().get(last + 1).map_or(self.text.len(), |next| next - 1);
        (self.lines()[first]..end, first + 1)
    }

    /// The line that holds this byte and the one before it.
    pub(super) fn line_and_previous(&self, offset: usize) -> impl Iterator<Item = &str> {
        let line = self.line_of(offset.min(self.text.len()));
        let start = self.lines()[line.saturating_sub(1)];
        let end = self.lines().get(line + 1).copied().unwrap_or(self.text.len());
        self.text[start..end].lines()
    }
}
