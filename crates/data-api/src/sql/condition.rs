//! Conditions.

use super::column::{field, language_argument};
use super::{Sql, Value};
use crate::identifier::Qualified;
use crate::plan::column::ColumnRef;
use crate::plan::read::{Condition, JoinCondition};
use crate::request::ast::{
    FullTextOperator, IsValue, LogicOperator, Operation, QuantifiableOperator, Quantifier, SimpleOperator,
};

/// A condition on the rows of `relation`. What embedded rows there are is `has_rows`' business.
pub(super) fn condition(
    sql: &mut Sql,
    relation: &Qualified,
    condition: &Condition,
    has_rows: &mut dyn FnMut(&mut Sql, &str, bool),
) {
    match condition {
        Condition::Junction { negated, operator, branches } => {
            sql.push(if *negated { "NOT (" } else { " (" });
            let separator = match operator {
                LogicOperator::And => " AND ",
                LogicOperator::Or => " OR ",
            };
            for (index, branch) in branches.iter().enumerate() {
                if index > 0 {
                    sql.push(separator);
                }
                self::condition(sql, relation, branch, has_rows);
            }
            sql.push(")");
        }
        Condition::Filter { column, negated, operation } => filter(sql, relation, column, *negated, operation),
        Condition::HasRows { subquery, expected } => has_rows(sql, subquery, *expected),
    }
}

/// Embedded rows are joined: they are there if the join has found any.
pub(super) fn joined_rows(sql: &mut Sql, subquery: &str, expected: bool) {
    sql.name(subquery).push(if expected { " IS DISTINCT FROM NULL" } else { " IS NOT DISTINCT FROM NULL" });
}

pub(super) fn join(sql: &mut Sql, join: &JoinCondition) {
    sql.column(&join.one.0, &join.one.1).push(" = ").column(&join.two.0, &join.two.1);
}

fn filter(sql: &mut Sql, relation: &Qualified, column: &ColumnRef, negated: bool, operation: &Operation) {
    sql.push(if negated { "NOT " } else { " " });
    field(sql, relation, column);
    match operation {
        Operation::Simple(operator, value) => {
            sql.push(simple(*operator));
            literal(sql, value, column);
        }
        Operation::Quantifiable(operator, quantifier, value) => {
            sql.push(quantifiable(*operator));
            sql.push(match quantifier {
                Some(Quantifier::Any) => "ANY(",
                Some(Quantifier::All) => "ALL(",
                None => "",
            });
            match operator {
                // `%` would have to be encoded in an address.
                QuantifiableOperator::Like | QuantifiableOperator::CaseInsensitiveLike => {
                    sql.unknown(value.replace('*', "%"));
                }
                _ => literal(sql, value, column),
            }
            if quantifier.is_some() {
                sql.push(")");
            }
        }
        // What stands after `is` cannot be a parameter.
        Operation::Is(value) => {
            sql.push(match value {
                IsValue::Null => " IS NULL",
                IsValue::NotNull => " IS NOT NULL",
                IsValue::True => " IS TRUE",
                IsValue::False => " IS FALSE",
                IsValue::Unknown => " IS UNKNOWN",
            });
        }
        Operation::IsDistinct(value) => {
            sql.push(" IS DISTINCT FROM ").unknown(value);
        }
        // One array and not many parameters: a list of any length is the same statement, and it may be empty.
        Operation::In(values) => match values.as_slice() {
            [only] if only.is_empty() => {
                sql.push(" = ANY('{}') ");
            }
            values => {
                sql.push(" = ANY (");
                array(sql, values, column);
                sql.push(") ");
            }
        },
        Operation::FullText(operator, language, value) => {
            sql.push(match operator {
                FullTextOperator::Query => " @@ to_tsquery(",
                FullTextOperator::Plain => " @@ plainto_tsquery(",
                FullTextOperator::Phrase => " @@ phraseto_tsquery(",
                FullTextOperator::Web => " @@ websearch_to_tsquery(",
            });
            language_argument(sql, language.as_deref());
            sql.unknown(value).push(") ");
        }
    }
}

/// A value as the column's representation reads it.
fn literal(sql: &mut Sql, value: &str, column: &ColumnRef) {
    match &column.transform {
        Some(function) => sql.qualified(function).push("(").unknown(value).push(")"),
        None => sql.unknown(value),
    };
}

fn array(sql: &mut Sql, values: &[String], column: &ColumnRef) {
    match &column.transform {
        Some(function) => {
            sql.push("(SELECT ").qualified(function).push("(unnest(").unknown(array_literal(values)).push("::text[])))")
        }
        None => sql.value(Value::Unknown(array_literal(values))),
    };
}

/// `{"a","b"}`: an array as text, so that Postgres finds the type of its elements.
fn array_literal(values: &[String]) -> String {
    let quoted: Vec<String> =
        values.iter().map(|value| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}

fn simple(operator: SimpleOperator) -> &'static str {
    match operator {
        SimpleOperator::NotEqual => " <> ",
        SimpleOperator::Contains => " @> ",
        SimpleOperator::Contained => " <@ ",
        SimpleOperator::Overlaps => " && ",
        SimpleOperator::StrictlyLeft => " << ",
        SimpleOperator::StrictlyRight => " >> ",
        SimpleOperator::NotExtendsRight => " &< ",
        SimpleOperator::NotExtendsLeft => " &> ",
        SimpleOperator::Adjacent => " -|- ",
    }
}

fn quantifiable(operator: QuantifiableOperator) -> &'static str {
    match operator {
        QuantifiableOperator::Equal => " = ",
        QuantifiableOperator::GreaterOrEqual => " >= ",
        QuantifiableOperator::Greater => " > ",
        QuantifiableOperator::LessOrEqual => " <= ",
        QuantifiableOperator::Less => " < ",
        QuantifiableOperator::Like => " like ",
        QuantifiableOperator::CaseInsensitiveLike => " ilike ",
        QuantifiableOperator::Match => " ~ ",
        QuantifiableOperator::CaseInsensitiveMatch => " ~* ",
    }
}
