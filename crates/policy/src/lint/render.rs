//! Findings as rustc shows its own, and as JSON.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Diagnostic, Severity, Source};

/// Where the rules are explained.
pub(super) const PAGE: &str = "docs/lint.md";

/// One finding with its source, for people.
pub fn render(diagnostic: &Diagnostic, sources: &[Source], colour: bool) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let source = &sources[diagnostic.source];
    let title = match (diagnostic.rule, &diagnostic.subject) {
        (Some(rule), Some(subject)) => format!("{subject}: {}", rule.title),
        (Some(rule), None) => rule.title.to_owned(),
        (None, _) => "this SQL cannot be read".to_owned(),
    };
    let range = printable(source.text(), diagnostic.range.clone());
    let (lines, number) = source.excerpt(&range);
    let span = range.start - lines.start..range.end - lines.start;
    let snippet = Snippet::source(&source.text()[lines])
        .line_start(number)
        .path(source.name())
        .annotation(AnnotationKind::Primary.span(span).label(diagnostic.label.as_str()));
    let mut group = level.primary_title(title).id(diagnostic.id()).element(snippet);
    if let Some(rule) = diagnostic.rule {
        group = group.element(Level::NOTE.message(rule.why));
    }
    let mut report: Vec<Group<'_>> = vec![group];
    if let Some(rule) = diagnostic.rule {
        report.push(Group::with_title(Level::HELP.secondary_title(format!("{} ({PAGE}#{})", rule.fix, rule.id))));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&report)
}

/// An empty place at the end of a file is shown as the character before it.
fn printable(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let end = range.end.min(text.len());
    let start = range.start.min(end);
    if start < end {
        return start..end;
    }
    let previous = text[..start].char_indices().next_back().map_or(0, |(position, _)| position);
    previous..end
}

/// One finding, for machines.
pub fn to_json(diagnostic: &Diagnostic, sources: &[Source]) -> Value {
    let source = &sources[diagnostic.source];
    let (line, column) = source.position(diagnostic.range.start);
    json!({
        "rule": diagnostic.id(),
        "severity": diagnostic.severity().as_str(),
        "subject": diagnostic.subject,
        "source": source.name(),
        "line": line,
        "column": column,
        "found": diagnostic.label,
        "text": source.text().get(diagnostic.range.clone()),
        "why": diagnostic.rule.map(|rule| rule.why),
        "fix": diagnostic.rule.map(|rule| rule.fix),
        "page": diagnostic.rule.map(|rule| format!("{PAGE}#{}", rule.id)),
    })
}
