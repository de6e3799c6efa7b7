//! Columns: as they are, as JSON, as search vectors, cast, aggregated.

use super::Sql;
use crate::identifier::Qualified;
use crate::plan::column::ColumnRef;
use crate::plan::read::{OrderBy, OrderKey, SelectColumn, SpreadColumn};
use crate::request::ast::{Aggregate, CastType, Direction, JsonOperand, JsonStep, Nulls};

/// A column with the way into its JSON.
pub(super) fn field(sql: &mut Sql, relation: &Qualified, column: &ColumnRef) {
    if let Some(language) = &column.to_vector {
        sql.push("to_tsvector(");
        language_argument(sql, language.as_deref());
        bare_field(sql, relation, column);
        sql.push(")");
    } else {
        bare_field(sql, relation, column);
    }
}

pub(super) fn language_argument(sql: &mut Sql, language: Option<&str>) {
    if let Some(language) = language {
        sql.unknown(language).push(", ");
    }
}

fn bare_field(sql: &mut Sql, relation: &Qualified, column: &ColumnRef) {
    if column.whole_row {
        sql.name(&relation.name);
    } else if column.path.is_empty() {
        sql.column(relation, &column.name);
    } else if column.to_json {
        sql.push("to_jsonb(").column(relation, &column.name).push(")");
        json_path(sql, &column.path);
    } else {
        sql.column(relation, &column.name);
        json_path(sql, &column.path);
    }
}

fn json_path(sql: &mut Sql, path: &[JsonStep]) {
    for step in path {
        sql.push(if step.as_text { "->>" } else { "->" });
        match &step.operand {
            JsonOperand::Key(key) => sql.unknown(key),
            JsonOperand::Index(index) => sql.unknown(index).push("::int"),
        };
    }
}

/// A column that is shown, under its alias.
pub(super) fn selected(sql: &mut Sql, relation: &Qualified, column: &SelectColumn) {
    aggregated(sql, column.aggregate, column.aggregate_cast.as_ref(), |sql| {
        cast(sql, column.cast.as_ref(), |sql| match &column.column.transform {
            Some(function) => {
                sql.qualified(function).push("(");
                field(sql, relation, &column.column);
                sql.push(")");
            }
            None => field(sql, relation, &column.column),
        });
    });
    alias(sql, column.alias.as_deref());
}

/// A column of a child among those of its parent.
pub(super) fn spread(sql: &mut Sql, subquery: &str, column: &SpreadColumn) {
    aggregated(sql, column.aggregate, column.aggregate_cast.as_ref(), |sql| {
        sql.column(&Qualified::local(subquery), &column.name);
    });
    alias(sql, column.alias.as_deref());
}

/// The same as an array.
pub(super) fn spread_array(sql: &mut Sql, subquery: &str, order: &[OrderBy], column: &SpreadColumn) {
    let relation = Qualified::local(subquery);
    sql.push("COALESCE(json_agg(").column(&relation, &column.name).push(" ");
    order_by(sql, &relation, order);
    sql.push("),'[]')::jsonb AS ").name(column.alias.as_deref().unwrap_or(&column.name));
}

fn alias(sql: &mut Sql, alias: Option<&str>) {
    if let Some(alias) = alias {
        sql.push(" AS ").name(alias);
    }
}

fn aggregated(sql: &mut Sql, aggregate: Option<Aggregate>, cast_to: Option<&CastType>, inner: impl FnOnce(&mut Sql)) {
    match aggregate {
        None => inner(sql),
        Some(aggregate) => cast(sql, cast_to, |sql| {
            sql.push(aggregate.name()).push("(");
            inner(sql);
            sql.push(")");
        }),
    }
}

fn cast(sql: &mut Sql, to: Option<&CastType>, inner: impl FnOnce(&mut Sql)) {
    match to {
        None => inner(sql),
        Some(to) => {
            sql.push("CAST( ");
            inner(sql);
            sql.push(" AS ").cast_type(to).push(" )");
        }
    }
}

/// `ORDER BY …`, or nothing.
pub(super) fn order_by(sql: &mut Sql, relation: &Qualified, order: &[OrderBy]) {
    if order.is_empty() {
        return;
    }
    sql.push("ORDER BY ").separated(", ", order, |sql, term| {
        match &term.key {
            OrderKey::Own(column) => field(sql, relation, column),
            OrderKey::Related { relation, field: target } => {
                let column = ColumnRef::unknown(target.name.clone(), target.path.clone());
                field(sql, &Qualified::local(relation), &column);
            }
        }
        sql.push(match term.direction {
            Some(Direction::Ascending) => " ASC",
            Some(Direction::Descending) => " DESC",
            None => " ",
        });
        sql.push(match term.nulls {
            Some(Nulls::First) => " NULLS FIRST",
            Some(Nulls::Last) => " NULLS LAST",
            None => "",
        });
    });
}
