//! Function calls.

use super::body::{self, BodyOptions};
use super::{Sql, Value};
use crate::identifier::Qualified;
use crate::plan::column::ColumnRef;
use crate::plan::{Argument, Arguments, CallPlan};
use crate::schema_cache::Parameter;

/// The rows or values that the function gives.
pub(super) fn call(sql: &mut Sql, plan: &CallPlan) {
    sql.push("SELECT ");
    if plan.scalar {
        sql.push("pgrst_call.pgrst_scalar");
    } else {
        columns(sql, plan);
    }
    sql.push(" ");
    match &plan.arguments {
        Arguments::Json { parameters, body } if !parameters.is_empty() => {
            let columns: Vec<ColumnRef> = parameters
                .iter()
                .map(|parameter| ColumnRef {
                    type_name: parameter.wide_type.clone(),
                    ..ColumnRef::unknown(parameter.name.clone(), Vec::new())
                })
                .collect();
            body::rows(sql, body, &columns, BodyOptions { first_only: true, ..BodyOptions::default() });
            sql.push(", LATERAL ");
            called(sql, plan, |sql| {
                sql.separated(", ", parameters, |sql, parameter| {
                    named(sql, parameter).push("pgrst_body.").name(&parameter.name);
                });
            });
        }
        Arguments::Json { .. } => {
            sql.push("FROM ");
            called(sql, plan, |_| {});
        }
        Arguments::Body { parameter, body } => {
            sql.push("FROM ");
            called(sql, plan, |sql| {
                if parameter.type_name == "bytea" {
                    sql.value(Value::Bytea(body.clone()));
                } else {
                    sql.value(Value::Raw(body.clone())).push("::").catalogue(&parameter.type_name);
                }
            });
        }
        Arguments::Named(arguments) => {
            sql.push("FROM ");
            called(sql, plan, |sql| {
                sql.separated(", ", arguments, |sql, (parameter, argument)| {
                    named(sql, parameter);
                    match argument {
                        Argument::One(value) => sql.unknown(value),
                        Argument::Many(values) => sql.value(Value::TextArray(values.clone())),
                    };
                    sql.push("::").catalogue(&parameter.wide_type);
                });
            });
        }
    }
}

fn named<'a>(sql: &'a mut Sql, parameter: &Parameter) -> &'a mut Sql {
    if parameter.variadic {
        sql.push("VARIADIC ");
    }
    sql.name(&parameter.name).push(" := ")
}

fn called(sql: &mut Sql, plan: &CallPlan, arguments: impl FnOnce(&mut Sql)) {
    if plan.scalar {
        sql.push("(SELECT ");
    }
    sql.qualified(&plan.function).push("(");
    arguments(sql);
    sql.push(if plan.scalar { ") pgrst_scalar) pgrst_call" } else { ") pgrst_call" });
}

/// The columns that are shown and those that are filtered by, each once.
fn columns(sql: &mut Sql, plan: &CallPlan) {
    let result = Qualified::local("pgrst_call");
    if plan.returning.is_empty() {
        sql.push("*");
    } else if plan.returning.contains("*") {
        sql.column(&result, "*");
    } else {
        sql.separated(", ", plan.returning.union(&plan.filtered), |sql, column| {
            sql.column(&result, column);
        });
    }
}
