//! A node and all below it as one `select`: children are lateral subqueries, aggregated to JSON where there are many.

use super::Sql;
use super::column::{field, order_by, selected, spread, spread_array};
use super::condition::{condition, join, joined_rows};
use crate::identifier::Qualified;
use crate::plan::column::ColumnRef;
use crate::plan::read::{Embed, ReadNode, SelectColumn, Spread};
use crate::request::range::RowRange;
use crate::schema_cache::Relationship;
use crate::schema_cache::relationship::Cardinality;

/// Reads `node`.
pub(super) fn read(sql: &mut Sql, node: &ReadNode) {
    let relation = called(node);
    sql.push("SELECT ");
    columns(sql, node, &relation);
    from(sql, node);
    for embed in &node.embeds {
        if let Some(child) = node.children.iter().find(|child| child.subquery == embed.subquery()) {
            subquery(sql, embed, child);
        }
    }
    if !(node.conditions.is_empty() && node.joins.is_empty()) {
        sql.push(" WHERE ");
        sql.separated(" AND ", &node.conditions, |sql, one| condition(sql, &relation, one, &mut joined_rows));
        if !(node.conditions.is_empty() || node.joins.is_empty()) {
            sql.push(" AND ");
        }
        sql.separated(" AND ", &node.joins, join);
    }
    sql.push(" ");
    group_by(sql, node, &relation);
    sql.push(" ");
    order_by(sql, &relation, &node.order);
    sql.push(" ");
    limit(sql, node.range);
}

/// How the node's relation is called within its own `select`.
pub(super) fn called(node: &ReadNode) -> Qualified {
    match (&node.relationship, &node.from_alias) {
        (_, Some(alias)) => Qualified::local(alias),
        (Some(Relationship::Computed(computed)), None) => Qualified::local(&computed.function.name),
        _ => node.from.clone(),
    }
}

/// `FROM …`, with the junction beside it.
pub(super) fn from(sql: &mut Sql, node: &ReadNode) {
    sql.push(" FROM ");
    match &node.relationship {
        // The type tells overloaded functions apart.
        Some(Relationship::Computed(computed)) => {
            sql.qualified(&computed.function).push("(").name(&node.computed_from.name);
            sql.push("::").qualified(&computed.table).push(")");
        }
        _ => {
            sql.qualified(&node.from);
        }
    }
    if let Some(alias) = &node.from_alias {
        sql.push(" AS ").name(alias);
    }
    if let Some(Relationship::Found(found)) = &node.relationship
        && let Cardinality::ManyToMany(junction) = &found.cardinality
    {
        sql.push(", ").qualified(&junction.table);
    }
}

fn columns(sql: &mut Sql, node: &ReadNode, relation: &Qualified) {
    // Nothing to select selects everything; what is shown of it is decided above.
    let everything = [SelectColumn::plain(ColumnRef::unknown("*", Vec::new()))];
    let own = if node.select.is_empty() && node.children.is_empty() { &everything[..] } else { &node.select };
    let mut first = true;
    let mut separate = |sql: &mut Sql| {
        if !std::mem::take(&mut first) {
            sql.push(", ");
        }
    };
    for column in own {
        separate(sql);
        selected(sql, relation, column);
    }
    if let Some(Spread::ToMany { extra, .. }) = &node.spread {
        for (of, column) in extra {
            separate(sql);
            let of = of.as_ref().map(Qualified::local);
            selected(sql, of.as_ref().unwrap_or(relation), column);
        }
    }
    for embed in &node.embeds {
        match embed {
            Embed::Json { empty: true, .. } => {}
            Embed::Json { name, subquery, to_one: true, .. } => {
                separate(sql);
                sql.push("row_to_json(").name(subquery).push(".*)::jsonb AS ").name(name);
            }
            Embed::Json { name, subquery, to_one: false, .. } => {
                separate(sql);
                sql.push("COALESCE( ").name(subquery).push(".").name(subquery).push(", '[]') AS ").name(name);
            }
            Embed::Spread { columns, subquery } => {
                for column in columns {
                    separate(sql);
                    spread(sql, subquery, column);
                }
            }
        }
    }
}

fn subquery(sql: &mut Sql, embed: &Embed, child: &ReadNode) {
    sql.push(if child.is_inner() { " INNER JOIN LATERAL ( " } else { " LEFT JOIN LATERAL ( " });
    let name = embed.subquery();
    let order = match &child.spread {
        Some(Spread::ToMany { order, .. }) => order.as_slice(),
        _ => &[],
    };
    let arrays = match embed {
        Embed::Json { to_one: true, .. } => None,
        Embed::Json { to_one: false, .. } => Some(&[][..]),
        Embed::Spread { columns, .. } => {
            matches!(child.spread, Some(Spread::ToMany { .. })).then_some(columns.as_slice())
        }
    };
    match arrays {
        None => {
            read(sql, child);
            sql.push(" ) AS ").name(name).push(" ON TRUE");
        }
        Some(columns) => {
            sql.push("SELECT json_agg(").name(name).push(")::jsonb AS ").name(name);
            for column in columns {
                sql.push(", ");
                spread_array(sql, name, order, column);
            }
            sql.push(" FROM (");
            read(sql, child);
            sql.push(" ) AS ").name(name).push(" ) AS ").name(name).push(" ON ");
            if child.is_inner() {
                sql.name(name).push(" IS NOT NULL");
            } else {
                sql.push("TRUE");
            }
        }
    }
}

/// Where anything is aggregated, everything else groups.
fn group_by(sql: &mut Sql, node: &ReadNode, relation: &Qualified) {
    let aggregates_own = node.select.iter().any(|column| column.aggregate.is_some());
    let aggregates_theirs = node.embeds.iter().any(|embed| {
        matches!(embed, Embed::Spread { columns, .. } if columns.iter().any(|column| column.aggregate.is_some()))
    });
    if !(aggregates_own || aggregates_theirs) {
        return;
    }
    let mut first = true;
    let mut separate = |sql: &mut Sql| {
        sql.push(if std::mem::take(&mut first) { " GROUP BY " } else { ", " });
    };
    for column in node.select.iter().filter(|column| column.aggregate.is_none()) {
        separate(sql);
        match &column.alias {
            Some(alias) => {
                sql.name(alias);
            }
            None => field(sql, relation, &column.column),
        }
    }
    for embed in &node.embeds {
        match embed {
            Embed::Json { name, .. } => {
                separate(sql);
                sql.name(name);
            }
            Embed::Spread { columns, subquery } => {
                for column in columns.iter().filter(|column| column.aggregate.is_none()) {
                    separate(sql);
                    sql.name(subquery).push(".").name(column.alias.as_ref().unwrap_or(&column.name));
                }
            }
        }
    }
}

fn limit(sql: &mut Sql, range: RowRange) {
    if range == RowRange::ALL {
        return;
    }
    sql.push("LIMIT ");
    match range.limit() {
        Some(limit) => sql.unknown(limit.to_string()),
        None => sql.push("ALL"),
    };
    sql.push(" OFFSET ").unknown(range.lower.to_string());
}
