//! Whose a row of a table with policies of one's own is: told by what the policies compare with the caller, or by what columns are called.

use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::seed::Whose;
use crate::catalogue::{Column, Relation};
use crate::lint::tree::{bare, called, descendants, names, operands, operator};
use crate::model::{Condition, CustomPolicy};

const OWNER_NAMES: &[&str] = &["user_id", "owner_id", "owner", "created_by", "author_id", "author", "clerk_user_id"];
const ORGANIZATION_NAMES: &[&str] = &["org_id", "organization_id", "tenant_id", "clerk_org_id"];

/// The columns that hold the id of a user or an organization, with the id that makes the row theirs.
pub(super) fn columns(policies: &[CustomPolicy], relation: &Relation, whose: Whose) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (names, value) in [(OWNER_NAMES, whose.owner), (ORGANIZATION_NAMES, whose.organization)] {
        let called_so = |column: &&Column| names.contains(&column.name.as_str());
        if let Some(column) = relation.columns.iter().filter(called_so).find(|column| is_text(column)) {
            found.push((column.name.clone(), value.to_owned()));
        }
    }
    let conditions = policies.iter().flat_map(|policy| policy.using.iter().chain(&policy.check));
    for (column, value) in conditions.flat_map(|condition| compared(condition, whose)) {
        let fits = relation.column(&column).is_some_and(is_text);
        if fits && !found.iter().any(|(known, _)| *known == column) {
            found.push((column, value));
        }
    }
    found
}

/// `column = (select clerk.user_id())` and its likes, either way round.
fn compared(condition: &Condition, whose: Whose) -> Vec<(String, String)> {
    let Condition::Sql(text) = condition else { return Vec::new() };
    let tree = SourceFile::parse(&format!("select {text}")).syntax_node();
    let comparisons = descendants(&tree, SyntaxKind::BIN_EXPR).filter(|comparison| operator(comparison) == "=");
    comparisons
        .filter_map(|comparison| operands(&comparison))
        .flat_map(|(left, right)| [(left.clone(), right.clone()), (right, left)])
        .filter_map(|(column, other)| {
            let column = bare(&column);
            let is_column = matches!(column.kind(), SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR);
            let value = caller_id(&other, whose).filter(|_| is_column)?;
            Some((names(&column).pop()?, value.to_owned()))
        })
        .collect()
}

/// What of the caller an expression is.
fn caller_id(expression: &SyntaxNode, whose: Whose) -> Option<&'static str> {
    descendants(expression, SyntaxKind::CALL_EXPR).filter_map(|call| called(&call)).find_map(|function| match function
        .as_str()
    {
        "clerk.user_id" => Some(whose.owner),
        "clerk.org_id" | "clerk.my_org_ids" | "clerk.my_org_ids_with" => Some(whose.organization),
        _ => None,
    })
}

fn is_text(column: &Column) -> bool {
    matches!(column.base_type.as_str(), "text" | "character varying")
}
