//! How many rows there are without limit and offset.
//!
//! Only conditions matter. An `!inner` child takes rows away from its parent, so it counts as a condition; joining it could
//! count a row more than once.

use super::Sql;
use super::condition::{condition, join};
use super::read::{called, from};
use crate::plan::read::ReadNode;

/// One row for each row of `node`.
pub(super) fn rows(sql: &mut Sql, node: &ReadNode) {
    let relation = called(node);
    sql.push("SELECT 1 ");
    from(sql, node);
    let inner = || node.children.iter().filter(|child| child.is_inner());
    if node.conditions.is_empty() && node.joins.is_empty() && inner().next().is_none() {
        return;
    }
    sql.push(" WHERE ");
    let mut first = true;
    let mut separate = |sql: &mut Sql| {
        if !std::mem::take(&mut first) {
            sql.push(" AND ");
        }
    };
    for one in &node.conditions {
        separate(sql);
        condition(sql, &relation, one, &mut |sql, subquery, expected| {
            if let Some(child) = node.children.iter().find(|child| child.subquery == subquery) {
                sql.push(if expected { "EXISTS (" } else { "NOT EXISTS (" });
                rows(sql, child);
                sql.push(")");
            }
        });
    }
    for one in &node.joins {
        separate(sql);
        join(sql, one);
    }
    for child in inner() {
        separate(sql);
        sql.push("EXISTS (");
        rows(sql, child);
        sql.push(" )");
    }
}
