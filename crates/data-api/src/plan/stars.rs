//! `*` made columns where it has to be, and names for what would have none.

use super::column::Resolver;
use super::embed::SOURCE;
use super::read::{ReadNode, SelectColumn, Spread, last_key};
use crate::request::ast::Aggregate;

/// Replaces `*` by the columns' names where one of them is shown otherwise than it is, where rows are grouped, and where they
/// become arrays.
pub(super) fn expand(resolver: &Resolver<'_>, root: &mut ReadNode) {
    expand_node(resolver, root, false);
}

fn expand_node(resolver: &Resolver<'_>, node: &mut ReadNode, grouped_above: bool) {
    let grouped = grouped_above
        || node.select.iter().any(|column| column.aggregate.is_some())
        || matches!(node.spread, Some(Spread::ToMany { .. }));
    let mut own = Resolver::new(resolver.cache, node.from.clone());
    if let (SOURCE, "", Some(alias)) = (node.from.name.as_str(), node.from.schema.as_str(), &node.from_alias) {
        own.relation.schema.clone_from(&resolver.relation.schema);
        own.relation.name.clone_from(alias);
    }
    expand_select(&own, node, grouped);
    for child in &mut node.children {
        expand_node(resolver, child, grouped);
    }
}

fn expand_select(resolver: &Resolver<'_>, node: &mut ReadNode, grouped: bool) {
    let spread = node.spread.is_some();
    let counts = |column: &SelectColumn| spread && column.aggregate == Some(Aggregate::Count);
    let has_star =
        node.select.iter().any(|column| column.column.name == "*" && (column.aggregate.is_none() || counts(column)));
    if !has_star || !(grouped || resolver.has_representations()) {
        return;
    }
    let select = std::mem::take(&mut node.select);
    for mut column in select {
        match column.aggregate {
            None if column.column.is_star() => {
                let named =
                    resolver.all_shown().into_iter().map(|shown| SelectColumn { column: shown, ..column.clone() });
                node.select.extend(named);
            }
            Some(Aggregate::Count) if spread && column.column.is_star() => {
                column.column.whole_row = true;
                node.select.push(column);
            }
            _ => node.select.push(column),
        }
    }
}

/// A JSON path is called by its last key, a represented column as it was, and an aggregate that is spread by its function.
pub(super) fn add_aliases(node: &mut ReadNode) {
    let spread = node.spread.is_some();
    for column in &mut node.select {
        if column.alias.is_some() {
            continue;
        }
        column.alias = match column.aggregate {
            Some(aggregate) => spread.then(|| aggregate.name().to_owned()),
            None if !column.column.path.is_empty() => last_key(&column.column),
            None => column.column.transform.as_ref().map(|_| column.column.name.clone()),
        };
    }
}
