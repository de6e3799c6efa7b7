//! Sub-selects that find a membership of the caller's, and do not say in which organization.
//!
//! `exists (select from members where user_id = (select clerk.user_id()))` is right where `members` is a list of administrators, and
//! wrong where it has an organization and the policy's own row has one, too. Only the second is told, and only where nothing beside it
//! limits the rows.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::names::Lookup;
use super::schema::{Kind, Relation};
use super::structure::TENANTS;
use super::syntax::{bare, child, claims_or_caller, descendants, operands, operator, reads_rows, table_name};

/// The sub-selects that alone decide, with what is to be said.
pub(super) fn unrelated(condition: &SyntaxNode, lookup: &Lookup<'_>) -> Vec<(SyntaxNode, String)> {
    let Some(own) = lookup.schema.relations.get(lookup.table).and_then(tenant) else { return Vec::new() };
    openings(condition, lookup, own)
}

fn openings(condition: &SyntaxNode, lookup: &Lookup<'_>, own: &str) -> Vec<(SyntaxNode, String)> {
    let condition = bare(condition);
    match (operator(&condition).as_str(), operands(&condition)) {
        ("or", Some((left, right))) => [openings(&left, lookup, own), openings(&right, lookup, own)].concat(),
        ("and", Some((left, right))) => {
            let (of_left, of_right) = (openings(&left, lookup, own), openings(&right, lookup, own));
            let limits = |side: &SyntaxNode, found: &[_]| found.is_empty() && reads_rows(side);
            if limits(&left, &of_left) || limits(&right, &of_right) { Vec::new() } else { [of_left, of_right].concat() }
        }
        _ => told(&condition, lookup, own).map(|label| (condition, label)).into_iter().collect(),
    }
}

fn told(question: &SyntaxNode, lookup: &Lookup<'_>, own: &str) -> Option<String> {
    let exists = child(question, SyntaxKind::EXISTS_FN)?;
    // Asked of a person, and of nothing else that says which organization is meant.
    if lookup.asks_row(question) || !claims_or_caller(&exists) {
        return None;
    }
    let tables = descendants(&exists, SyntaxKind::RELATION_NAME_REF).filter_map(|node| table_name(&node));
    let (table, theirs) = tables
        .filter_map(|table| Some((tenant(lookup.schema.relations.get(&table)?)?, table)))
        .map(|(theirs, table)| (table, theirs))
        .next()?;
    let compared = descendants(&exists, SyntaxKind::NAME_REF)
        .any(|name| super::syntax::names(&name).last().is_some_and(|column| column == theirs));
    (!compared).then(|| format!("a row in {table} of any organization is enough; {own} is not asked"))
}

/// The column that says which organization's a row is.
fn tenant(relation: &Relation) -> Option<&str> {
    let is_table = relation.kind == Kind::Table;
    relation.columns.iter().map(|column| column.name.as_str()).find(|name| is_table && TENANTS.contains(name))
}
