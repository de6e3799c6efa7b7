//! `insert`, `update`, `delete`.

use super::Sql;
use super::body::{self, BodyOptions};
use super::condition::{condition, joined_rows};
use crate::identifier::Qualified;
use crate::plan::read::Condition;
use crate::plan::{Insert, MutatePlan, Update};
use crate::request::preferences::Resolution;

/// Counts a row as new; with [`NOT_INSERTED`], how many rows were new can be told afterwards.
const INSERTED: &str = "set_config('pgrst.inserted', (coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0) + 1)::text, true) <> '0'";
const NOT_INSERTED: &str = "set_config('pgrst.inserted', (coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0) - 1)::text, true) <> '-1'";

/// The statement that writes.
pub(super) fn mutation(sql: &mut Sql, plan: &MutatePlan) {
    match plan {
        MutatePlan::Insert(insert) => self::insert(sql, insert),
        MutatePlan::Update(update) => self::update(sql, update),
        MutatePlan::Delete(delete) => {
            sql.push("DELETE FROM ").qualified(&delete.from).push(" ");
            where_all(sql, &delete.from, &delete.conditions);
            returning(sql, &delete.from, &delete.returning);
        }
    }
}

fn insert(sql: &mut Sql, insert: &Insert) {
    sql.push("INSERT INTO ").qualified(&insert.into);
    if insert.columns.is_empty() {
        sql.push(" ");
    } else {
        sql.push("(").separated(", ", &insert.columns, |sql, column| {
            sql.name(&column.name);
        });
        sql.push(") ");
    }
    let options = BodyOptions { select: true, first_only: false, defaults: insert.defaults };
    body::rows(sql, &insert.body, &insert.columns, options);
    let merges = matches!(insert.conflict, Some((Resolution::MergeDuplicates, _)));
    let counts = merges || !insert.conditions.is_empty();
    if counts {
        sql.push("WHERE ").push(INSERTED);
        let body = Qualified::local("pgrst_body");
        for one in &insert.conditions {
            sql.push(" AND ");
            condition(sql, &body, one, &mut joined_rows);
        }
    }
    if let Some((resolution, targets)) = insert.conflict.as_ref().filter(|(_, targets)| !targets.is_empty()) {
        sql.push(" ON CONFLICT(").separated(", ", targets, |sql, target| {
            sql.name(target);
        });
        sql.push(") ");
        if *resolution == Resolution::IgnoreDuplicates || insert.columns.is_empty() {
            sql.push("DO NOTHING");
        } else {
            sql.push("DO UPDATE SET ").separated(", ", &insert.columns, |sql, column| {
                sql.name(&column.name).push(" = EXCLUDED.").name(&column.name);
            });
            sql.push(" WHERE ").push(NOT_INSERTED);
        }
    }
    sql.push(" ");
    returning(sql, &insert.into, &insert.returning);
}

fn update(sql: &mut Sql, update: &Update) {
    if update.columns.is_empty() {
        // `set` cannot be empty. No rows, with the columns that they would have.
        sql.push("SELECT ");
        if update.returning.is_empty() {
            sql.push("NULL");
        } else {
            let relation = Qualified::local(&update.table.name);
            sql.separated(", ", &update.returning, |sql, column| {
                sql.column(&relation, column);
            });
        }
        sql.push(" FROM ").qualified(&update.table).push(" WHERE false");
        return;
    }
    sql.push("UPDATE ").qualified(&update.table).push(" SET ");
    sql.separated(", ", &update.columns, |sql, column| {
        sql.name(&column.name).push(" = \"pgrst_body\".").name(&column.name);
    });
    sql.push(" ");
    body::rows(sql, &update.body, &update.columns, BodyOptions { defaults: update.defaults, ..BodyOptions::default() });
    where_all(sql, &update.table, &update.conditions);
    returning(sql, &update.table, &update.returning);
}

fn where_all(sql: &mut Sql, relation: &Qualified, conditions: &[Condition]) {
    if !conditions.is_empty() {
        sql.push(" WHERE ");
        sql.separated(" AND ", conditions, |sql, one| condition(sql, relation, one, &mut joined_rows));
    }
    sql.push(" ");
}

fn returning(sql: &mut Sql, relation: &Qualified, columns: &[String]) {
    if columns.is_empty() {
        // Rows are counted, even if nobody sees them.
        sql.push("RETURNING 1");
    } else {
        sql.push("RETURNING ").separated(", ", columns, |sql, column| {
            sql.column(relation, column);
        });
    }
}
