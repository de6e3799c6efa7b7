//! What a node shows of its children: objects, arrays, or their columns among its own.

use super::column::ColumnRef;
use super::read::{Embed, OrderBy, OrderKey, ReadNode, SelectColumn, Spread, SpreadColumn};
use crate::error::RequestError;
use crate::request::ast::{Aggregate, CastType};
use crate::schema_cache::Relationship;

/// From the leaves up, each node notes what it shows of its children.
pub(super) fn show_children(node: &mut ReadNode) {
    for child in &mut node.children {
        show_children(child);
    }
    node.embeds = node.children.iter().filter_map(shown).collect();
}

fn shown(child: &ReadNode) -> Option<Embed> {
    let relationship = child.relationship.as_ref()?;
    let subquery = child.subquery.clone();
    if child.spread.is_some() {
        return Some(Embed::Spread { columns: spread_columns(child), subquery });
    }
    Some(Embed::Json {
        name: child.shown_name().to_owned(),
        subquery,
        to_one: Relationship::is_to_one(relationship),
        empty: shows_nothing(child),
    })
}

/// `clients()`: embedded for a filter's sake.
fn shows_nothing(node: &ReadNode) -> bool {
    node.select.is_empty() && node.children.iter().all(shows_nothing)
}

fn spread_columns(child: &ReadNode) -> Vec<SpreadColumn> {
    let plain = |name: String| SpreadColumn { name, aggregate: None, aggregate_cast: None, alias: None };
    let own =
        child.select.iter().map(|column| plain(column.alias.clone().unwrap_or_else(|| column.column.name.clone())));
    let theirs = child.embeds.iter().flat_map(|embed| match embed {
        Embed::Json { name, .. } => vec![plain(name.clone())],
        Embed::Spread { columns, .. } => columns.clone(),
    });
    own.chain(theirs).collect()
}

/// An aggregate on its way up: whose column it is over, and what becomes of it there.
struct Hoisted {
    subquery: String,
    column: String,
    aggregate: Aggregate,
    cast: Option<CastType>,
    alias: Option<String>,
}

/// Within a to-one relationship there is one row, and an aggregate over it would say nothing. So it is applied where the columns are
/// spread to: over the groups of the nearest node that is not spread itself.
pub(super) fn hoist_aggregates(root: &mut ReadNode) {
    hoist(root);
}

fn hoist(node: &mut ReadNode) -> Vec<Hoisted> {
    let from_children: Vec<Hoisted> = node.children.iter_mut().flat_map(hoist).collect();
    if matches!(node.spread, Some(Spread::ToOne)) && node.depth > 0 {
        let subquery = node.subquery.clone();
        let own: Vec<Hoisted> = node.select.iter_mut().filter_map(|column| take(column, &subquery)).collect();
        // What came from further down is now known under this node's name.
        let passed = from_children.into_iter().map(|hoisted| Hoisted { subquery: subquery.clone(), ..hoisted });
        return own.into_iter().chain(passed).collect();
    }
    for embed in &mut node.embeds {
        let Embed::Spread { columns, subquery } = embed else { continue };
        for column in columns {
            let found =
                from_children.iter().find(|hoisted| hoisted.subquery == *subquery && hoisted.column == column.name);
            if let Some(hoisted) = found {
                column.aggregate = Some(hoisted.aggregate);
                column.aggregate_cast.clone_from(&hoisted.cast);
                column.alias.clone_from(&hoisted.alias);
            }
        }
    }
    Vec::new()
}

fn take(column: &mut SelectColumn, subquery: &str) -> Option<Hoisted> {
    let aggregate = column.aggregate.take()?;
    Some(Hoisted {
        subquery: subquery.to_owned(),
        column: column.alias.clone().unwrap_or_else(|| column.column.name.clone()),
        aggregate,
        cast: column.aggregate_cast.take(),
        alias: column.alias.clone(),
    })
}

/// Arrays are ordered as they are made. What they are ordered by has to be selected below, under names that nobody else has.
pub(super) fn order_to_many(node: &mut ReadNode) -> Result<(), RequestError> {
    if let Some(Spread::ToMany { extra, order }) = &mut node.spread {
        let spread_aggregate = |embed: &Embed| matches!(embed, Embed::Spread { columns, .. } if columns.iter().any(|column| column.aggregate.is_some()));
        if node.select.iter().any(|column| column.aggregate.is_some()) || node.embeds.iter().any(spread_aggregate) {
            return Err(RequestError::NotImplemented(
                "Aggregates are not implemented for one-to-many or many-to-many spreads.",
            ));
        }
        for (index, term) in std::mem::take(&mut node.order).into_iter().enumerate() {
            let (relation, column) = match term.key {
                OrderKey::Own(column) => (None, column),
                OrderKey::Related { relation, field } => (Some(relation), ColumnRef::unknown(field.name, field.path)),
            };
            let alias = format!("{}_{}_{}", node.subquery, column.name, index + 1);
            let key = OrderKey::Own(ColumnRef::unknown(alias.clone(), Vec::new()));
            order.push(OrderBy { key, direction: term.direction, nulls: term.nulls });
            extra.push((relation, SelectColumn { alias: Some(alias), ..SelectColumn::plain(column) }));
        }
    }
    node.children.iter_mut().try_for_each(order_to_many)
}
