//! Rules about single expressions: what is asked of the claims, and how often.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::Diagnostic;
use super::claim_path::{ClaimPath, claim_paths};
use super::names::Lookup;
use super::rules::rule;
use super::schema::{Clause, Origin, Place, Schema};
use super::syntax::{arguments, bare, called, child, descendants, operands, operator, reads_columns, string};
use crate::TableName;

const ORGANIZATION_V1: [&str; 4] = ["org_id", "org_role", "org_slug", "org_permissions"];
const EDITABLE: [&str; 4] = ["unsafe_metadata", "user_metadata", "raw_user_meta_data", "unsafeMetadata"];
const DATABASE_ROLES: [&str; 3] = ["anon", "authenticated", "service_role"];

pub(super) fn check(schema: &Schema, found: &mut Vec<Diagnostic>) {
    for (origin, statement) in &schema.statements {
        let mut report = Report { origin: *origin, subject: None, found };
        shortcodes(statement, &mut report);
    }
    for (table, relation) in &schema.relations {
        for policy in &relation.policies {
            for clause in policy.clauses() {
                let mut report = Report { origin: clause.origin, subject: Some(table.to_string()), found };
                calls(clause, schema, table, &mut report);
                identities(&clause.expression, &mut report);
                claims(&clause.expression, &mut report);
            }
        }
    }
}

struct Report<'a> {
    origin: Origin,
    subject: Option<String>,
    found: &'a mut Vec<Diagnostic>,
}

impl Report<'_> {
    fn say(&mut self, id: &str, node: &SyntaxNode, label: impl Into<String>) {
        let place = Place::of(self.origin, node);
        self.found.push(Diagnostic {
            rule: Some(rule(id)),
            source: place.source,
            range: place.range,
            label: label.into(),
            subject: self.subject.clone(),
            append: None,
        });
    }
}

fn shortcodes(statement: &SyntaxNode, report: &mut Report<'_>) {
    for literal in descendants(statement, SyntaxKind::LITERAL) {
        if string(&literal).is_some_and(|text| text.contains("{{") && text.contains("}}")) {
            report.say("shortcode", &literal, "no claim ever has this value");
        }
    }
}

/// Functions that ask about the caller.
fn calls(clause: &Clause, schema: &Schema, table: &TableName, report: &mut Report<'_>) {
    let lookup = Lookup { schema, table, clause };
    for call in descendants(&clause.expression, SyntaxKind::CALL_EXPR) {
        if let Some(exists) = child(&call, SyntaxKind::EXISTS_FN) {
            if lookup.asks_row(&exists) && descendants(&exists, SyntaxKind::FROM_CLAUSE).next().is_some() {
                report.say("row-by-row", &call, "looked up again for every row");
            }
            continue;
        }
        let Some(function) = called(&call) else { continue };
        let own = schema.functions.iter().any(|known| {
            function == format!("{}.{}", known.name.schema, known.name.table)
                || known.name.schema == "public" && function == known.name.table
        });
        let asks =
            function.starts_with("auth.") || function.starts_with("clerk.") || function == "current_setting" || own;
        if !asks {
            continue;
        }
        let by_column = arguments(&call).iter().any(reads_columns);
        if by_column {
            report.say("row-by-row", &call, "called again for every row, with that row's column");
        } else if !is_wrapped(&call, &clause.expression) {
            report.say("unwrapped-call", &call, format!("called for every row; write (select {})", call.text()));
        }
    }
}

/// Whether Postgres makes an init plan of it: the nearest sub-select has no table, or the call is the table.
fn is_wrapped(call: &SyntaxNode, clause: &SyntaxNode) -> bool {
    let mut in_from = false;
    for outer in call.ancestors().skip(1) {
        match outer.kind() {
            SyntaxKind::FROM_CLAUSE => in_from = true,
            SyntaxKind::SELECT => return in_from || child(&outer, SyntaxKind::FROM_CLAUSE).is_none(),
            _ => {}
        }
        if outer == *clause {
            break;
        }
    }
    false
}

/// Who the caller is said to be.
fn identities(expression: &SyntaxNode, report: &mut Report<'_>) {
    for call in descendants(expression, SyntaxKind::CALL_EXPR) {
        match called(&call).as_deref() {
            Some("auth.uid") => report.say("auth-uid", &call, "casts `sub` to uuid; a Clerk id is text"),
            // PostgREST's settings for what the client sends, whoever that is.
            Some("current_setting")
                if arguments(&call).first().and_then(string).is_some_and(|setting| {
                    ["request.header", "request.cookie"].iter().any(|sent| setting.starts_with(sent))
                }) =>
            {
                report.say("user-editable-claim", &call, "the client writes its headers and cookies");
            }
            Some("auth.email") => report.say("email-identity", &call, "an e-mail address is not a person"),
            _ => {}
        }
    }
    for cast in descendants(expression, SyntaxKind::CAST_EXPR) {
        let to_uuid = cast.last_child().is_some_and(|to| to.text().to_string().eq_ignore_ascii_case("uuid"));
        let Some(value) = cast.first_child() else { continue };
        let is_id = called(&bare(&value))
            .is_some_and(|function| matches!(function.as_str(), "clerk.user_id" | "clerk.org_id"))
            || claim_paths(&value).iter().any(|path| path.keys == ["sub"]);
        if to_uuid && is_id {
            report.say("auth-uid", &cast, "a Clerk id is no uuid");
        }
    }
}

fn claims(expression: &SyntaxNode, report: &mut Report<'_>) {
    let paths = claim_paths(expression);
    for path in &paths {
        let first = path.keys[0].as_str();
        if let Some(key) = path.keys.iter().find(|key| key.contains('.')) {
            report.say(
                "claim-path",
                &path.node,
                format!("there is no claim called `{key}`; a path is written step by step"),
            );
        }
        if path.keys.iter().any(|key| EDITABLE.contains(&key.as_str())) {
            report.say("user-editable-claim", &path.node, "the user writes this");
        }
        if first == "email" {
            report.say("email-identity", &path.node, "an e-mail address is not a person");
        }
        let compared = compared_with(&path.node);
        if path.is_json && compared.is_some() {
            report.say("json-comparison", &path.node, "this is JSON; `->>` gives text");
        }
        if let Some(value) = compared.as_ref().and_then(string) {
            if first == "role" && path.keys.len() == 1 && !DATABASE_ROLES.contains(&value.as_str()) {
                report.say("role-claim", &path.node, format!("`role` names the database role; it is never '{value}'"));
            }
            let v2_prefixed = path.keys == ["o", "rol"] && value.starts_with("org:");
            let v1_bare = path.keys == ["org_role"] && !value.starts_with("org:");
            if v2_prefixed || v1_bare {
                let form = if v2_prefixed { "without `org:`" } else { "with `org:`" };
                report.say(
                    "role-prefix",
                    &path.node,
                    format!("this version writes roles {form}; it is never '{value}'"),
                );
            }
        }
    }
    one_version(&paths, report);
    for call in descendants(expression, SyntaxKind::CALL_EXPR) {
        let Some(value) = compared_with(&call).as_ref().and_then(string) else { continue };
        match called(&call).as_deref() {
            Some("clerk.org_role") if !value.starts_with("org:") => {
                report.say("role-prefix", &call, format!("roles always begin with `org:` here; it is never '{value}'"));
            }
            Some("auth.role") if !DATABASE_ROLES.contains(&value.as_str()) => {
                report.say("role-claim", &call, format!("`role` names the database role; it is never '{value}'"));
            }
            _ => {}
        }
    }
}

/// The organization of one version of the claims only.
fn one_version(paths: &[ClaimPath], report: &mut Report<'_>) {
    let v1 = paths.iter().find(|path| ORGANIZATION_V1.contains(&path.keys[0].as_str()));
    let v2 = paths.iter().find(|path| path.keys[0] == "o");
    match (v1, v2) {
        (Some(only), None) => report.say("one-version", &only.node, "version 2 tokens have `o`, and no such claim"),
        (None, Some(only)) => report.say("one-version", &only.node, "version 1 tokens have `org_id`, and no `o`"),
        _ => {}
    }
}

/// The expression with the parentheses, casts and sub-selects around it.
fn outermost(node: &SyntaxNode) -> SyntaxNode {
    let mut outermost = node.clone();
    for outer in node.ancestors().skip(1) {
        match outer.kind() {
            SyntaxKind::TARGET | SyntaxKind::TARGET_LIST | SyntaxKind::SELECT_CLAUSE => {}
            _ if bare(&outer) == *node => outermost = outer,
            _ => break,
        }
    }
    outermost
}

/// What it is compared with for equality.
fn compared_with(node: &SyntaxNode) -> Option<SyntaxNode> {
    let node = outermost(node);
    let comparison = node.parent().filter(|parent| parent.kind() == SyntaxKind::BIN_EXPR)?;
    if !matches!(operator(&comparison).as_str(), "=" | "<>" | "!=") {
        return None;
    }
    let (left, right) = operands(&comparison)?;
    Some(if left == node { right } else { left })
}
