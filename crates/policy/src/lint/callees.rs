//! What the functions that policies call look at, as far as their text shows.
//!
//! A function keeps out nobody when it answers the same to everybody: its body is `true`, left over from trying something out, or it
//! reads memberships with its owner's rights and never asks whose. A function with its caller's rights reads what the policies of
//! those tables let it read, and is not judged.

use std::collections::BTreeSet;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::schema::{Function, Kind, Schema};
use super::structure::{OWNERS, TENANTS};
use super::syntax::{arguments, called, claims_or_caller, descendants, operands, operator};

/// Words by which SQL learns who is asking.
const CALLER: [&str; 6] = ["current_setting", "current_user", "session_user", "current_role", "auth.", "clerk."];

/// Calls in a condition of functions that do not look at who is asking, with what is to be said.
pub(super) fn blind(condition: &SyntaxNode, schema: &Schema) -> Vec<(SyntaxNode, String)> {
    let calls = descendants(condition, SyntaxKind::CALL_EXPR);
    calls
        .filter_map(|call| {
            let function = own_function(&call, schema)?;
            let body = words(&function.body);
            if is_always_true(&function.body) {
                return Some((call, format!("{} answers true, whoever asks", function.name)));
            }
            let given = arguments(&call).iter().any(claims_or_caller);
            if asks_beside(&call, condition)
                || given
                || !function.definer
                || asks(function, schema, &mut BTreeSet::new())
            {
                return None;
            }
            let read = schema.relations.iter().find(|(name, relation)| {
                let has = |list: &[&str]| relation.columns.iter().any(|column| list.contains(&column.name.as_str()));
                relation.kind == Kind::Table && body.contains(name.table.as_str()) && has(&OWNERS) && has(&TENANTS)
            });
            let (table, _) = read?;
            Some((call, format!("{} reads {table} with its owner's rights and never asks whose", function.name)))
        })
        .collect()
}

/// Whether something that must hold, too, asks for the caller; what may hold instead does not help.
fn asks_beside(call: &SyntaxNode, condition: &SyntaxNode) -> bool {
    let within = condition.text_range();
    call.ancestors()
        .take_while(|outer| within.contains_range(outer.text_range()))
        .filter(|outer| operator(outer) == "and")
        .filter_map(|conjunction| operands(&conjunction))
        .flat_map(|(left, right)| [left, right])
        .any(|side| !side.text_range().contains_range(call.text_range()) && claims_or_caller(&side))
}

fn own_function<'a>(call: &SyntaxNode, schema: &'a Schema) -> Option<&'a Function> {
    let written = called(call)?;
    schema.functions.iter().find(|known| {
        let of_platform = matches!(known.name.schema.as_str(), "clerk" | "rowlock" | "auth");
        let full = format!("{}.{}", known.name.schema, known.name.table);
        !of_platform
            && !known.trigger
            && (written == full || known.name.schema == "public" && written == known.name.table)
    })
}

/// Whether it, or something that it calls, asks who the caller is.
fn asks(function: &Function, schema: &Schema, seen: &mut BTreeSet<String>) -> bool {
    let body = function.body.to_lowercase();
    if CALLER.iter().any(|word| body.contains(word)) {
        return true;
    }
    seen.insert(function.name.to_string());
    let words = words(&function.body);
    schema.functions.iter().any(|other| {
        words.contains(other.name.table.as_str())
            && !seen.contains(&other.name.to_string())
            && asks(other, schema, seen)
    })
}

/// A body that comes to nothing but `true`.
fn is_always_true(options: &str) -> bool {
    let text = options.to_lowercase();
    let body = body(&text).unwrap_or(&text);
    let collapsed: String = body.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_true =
        |value: &str| matches!(value.trim(), "true" | "1 = 1" | "1=1" | "(true)" | "true::boolean" | "not false");
    let statement = collapsed.trim().trim_end_matches(';').trim();
    if let Some(value) = statement.strip_prefix("select ").or_else(|| statement.strip_prefix("return ")) {
        return is_true(value);
    }
    let Some((_, steps)) = statement.split_once("begin ") else { return false };
    let mut answers = steps.split("return ").skip(1).map(|rest| rest.split(';').next().unwrap_or_default()).peekable();
    answers.peek().is_some() && answers.all(is_true)
}

/// What stands between the quotes of `as $$ … $$` or `as '…'`, or after them in a body that is SQL itself.
fn body(options: &str) -> Option<&str> {
    if let Some(start) = options.find('$') {
        let tag_end = start + 1 + options[start + 1..].find('$')?;
        let tag = &options[start..=tag_end];
        return options[tag_end + 1..].split_once(tag).map(|(body, _)| body);
    }
    if let Some((_, rest)) = options.split_once("as '") {
        return rest.rsplit_once('\'').map(|(body, _)| body);
    }
    options.find("return ").map(|start| &options[start..])
}

fn words(text: &str) -> BTreeSet<String> {
    let word = |character: char| character.is_alphanumeric() || character == '_';
    text.to_lowercase().split(|character| !word(character)).map(str::to_owned).collect()
}
