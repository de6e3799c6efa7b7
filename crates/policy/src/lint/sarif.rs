//! Findings as SARIF 2.1.0, which code hosts show beside the lines.

use serde_json::{Value, json};

use super::render::PAGE;
use super::rules::RULES;
use super::{Diagnostic, Severity, Source};

/// The whole log.
pub fn to_sarif(diagnostics: &[Diagnostic], sources: &[Source]) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.title },
                "fullDescription": { "text": rule.why },
                "help": { "text": format!("{}\n\n{}#{}", rule.fix, PAGE, rule.id) },
                "defaultConfiguration": { "level": level(rule.severity) },
            })
        })
        .collect();
    let results: Vec<Value> = diagnostics.iter().map(|diagnostic| result(diagnostic, sources)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "rowlock policy lint", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "results": results,
        }],
    })
}

fn result(diagnostic: &Diagnostic, sources: &[Source]) -> Value {
    let source = &sources[diagnostic.source];
    let (start_line, start_column) = source.position(diagnostic.range.start);
    let (end_line, end_column) = source.position(diagnostic.range.end);
    let text = match &diagnostic.subject {
        Some(subject) => format!("{subject}: {}", diagnostic.label),
        None => diagnostic.label.clone(),
    };
    let mut result = json!({
        "ruleId": diagnostic.id(),
        "level": level(diagnostic.severity()),
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": source.name().replace(' ', "%20") },
            "region": { "startLine": start_line, "startColumn": start_column, "endLine": end_line, "endColumn": end_column },
        }}],
    });
    if let Some(number) = RULES.iter().position(|rule| rule.id == diagnostic.id()) {
        result["ruleIndex"] = json!(number);
    }
    result
}

const fn level(severity: Severity) -> &'static str {
    severity.as_str()
}
