//! Comparisons that nearly every row meets: they name the owner or the organization, and ask nothing of it.
//!
//! `org_id <> ''`, `user_id is not null` and `org_id ilike '%'` read like questions about whose a row is; each is true of every row that
//! has an owner at all. They are told where nothing else of the same alternative limits the rows: `user_id is not null and user_id =
//! (select clerk.user_id())` lets nobody in who should not be.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::claim_path::claim_paths;
use super::names::{Lookup, Meaning};
use super::structure::{OWNERS, TENANTS};
use super::syntax::{bare, called, claims_or_caller, descendants, is_null, operands, operator, reads_rows, string};

/// Functions and claims that say who the caller is.
const CALLER: [&str; 5] = ["clerk.user_id", "clerk.org_id", "clerk.org_slug", "clerk.org_role", "auth.uid"];
const CLAIMS: [&[&str]; 6] = [&["sub"], &["org_id"], &["org_slug"], &["org_role"], &["o", "id"], &["o", "rol"]];

/// What of the condition lets in nearly everybody, with what is to be said about it.
pub(super) fn loose(condition: &SyntaxNode, lookup: &Lookup<'_>) -> Vec<(SyntaxNode, &'static str)> {
    let condition = bare(condition);
    let sides = operands(&condition);
    match (operator(&condition).as_str(), sides) {
        ("or", Some((left, right))) => [loose(&left, lookup), loose(&right, lookup)].concat(),
        ("and", Some((left, right))) => {
            let (of_left, of_right) = (loose(&left, lookup), loose(&right, lookup));
            let limits = |side: &SyntaxNode, loose: &[_]| loose.is_empty() && limits(side);
            if limits(&left, &of_left) || limits(&right, &of_right) { Vec::new() } else { [of_left, of_right].concat() }
        }
        (operator, Some((left, right))) => {
            let found = told(operator, &left, &right, lookup).or_else(|| {
                // `'' <= org_id`, `'x' <> org_id`
                let turned = match operator {
                    "<=" => ">=",
                    "<" => ">",
                    "<>" | "!=" => operator,
                    _ => return None,
                };
                told(turned, &right, &left, lookup)
            });
            found.map(|label| (condition, label)).into_iter().collect()
        }
        _ => negated(&condition, lookup).map(|label| (condition, label)).into_iter().collect(),
    }
}

/// Whether it holds for some rows only.
fn limits(side: &SyntaxNode) -> bool {
    reads_rows(side)
}

/// What is to be said about one comparison.
fn told(operator: &str, left: &SyntaxNode, right: &SyntaxNode, lookup: &Lookup<'_>) -> Option<&'static str> {
    let column = is_identity_column(left, lookup);
    if !column && !is_caller(left) {
        return None;
    }
    let constant = string(right);
    let text = constant.as_deref();
    match operator {
        "isnot" if column && is_null(right) => Some("true of every row that has one"),
        "like" | "ilike" | "~~" | "~~*" if text.is_some_and(is_any_text) => Some("this pattern fits every text"),
        "~" | "~*" if text.is_some_and(is_any_match) => Some("this pattern fits every text"),
        ">=" | ">" if text == Some("") => Some("every text comes after the empty one"),
        "<>" | "!=" | "isdistinctfrom" if text == Some("") => Some("true of every row that has one"),
        "<>" | "!=" | "isdistinctfrom" if text.is_some() => Some("true of everybody but one"),
        "notin" if !claims_or_caller(right) && !reads_rows(right) => Some("true of everybody but a few"),
        "notlike" | "notilike" | "!~~" | "!~~*" | "!~" | "!~*" if text.is_some() => Some("true of everybody but a few"),
        "<>" | "!=" | "isdistinctfrom" if column && is_caller(right) => Some("true of everybody else's rows"),
        _ => None,
    }
}

/// `not (org_id = 'org_1')`, `not (user_id is null)`
fn negated(condition: &SyntaxNode, lookup: &Lookup<'_>) -> Option<&'static str> {
    if condition.kind() != SyntaxKind::PREFIX_EXPR || !super::syntax::has_token(condition, SyntaxKind::NOT_KW) {
        return None;
    }
    let inner = bare(&condition.children().next()?);
    let (left, right) = operands(&inner)?;
    let opposite = match operator(&inner).as_str() {
        "=" => "<>",
        "is" => "isnot",
        "in" => "notin",
        "like" => "notlike",
        "ilike" => "notilike",
        _ => return None,
    };
    told(opposite, &left, &right, lookup)
}

fn is_any_text(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.chars().all(|character| character == '%')
}

fn is_any_match(pattern: &str) -> bool {
    matches!(pattern, "" | ".*" | "^" | "$" | "^.*" | ".*$" | "^.*$" | ".+" | "^.+$" | ".")
}

/// The policy's own row's owner or organization.
fn is_identity_column(node: &SyntaxNode, lookup: &Lookup<'_>) -> bool {
    let node = bare(node);
    if !matches!(node.kind(), SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR) {
        return false;
    }
    let Meaning::Row(column) = lookup.meaning(&node) else { return false };
    OWNERS.contains(&column.as_str()) || TENANTS.contains(&column.as_str())
}

/// The caller's id, organization or role, and nothing of a row.
fn is_caller(node: &SyntaxNode) -> bool {
    let node = bare(node);
    if reads_rows(&node) {
        return false;
    }
    let own = called(&node).is_some_and(|function| CALLER.contains(&function.as_str()));
    let asked: Vec<Vec<String>> = claim_paths(&node).into_iter().map(|path| path.keys).collect();
    own || descendants(&node, SyntaxKind::CALL_EXPR).count() == 1
        && asked.iter().any(|keys| CLAIMS.iter().any(|claim| keys == claim))
}
