//! The statements of one table.

use std::fmt::Write as _;

use super::{Conversion, Existing};
use crate::model::{Access, Command, Model, Plan, PlannedPolicy, Role, Table};
use crate::{TableName, quote_name};

/// Everything that the table needs, in the order in which Postgres accepts it.
pub fn block(model: &Model, table: &Table, existing: &Existing) -> String {
    let plan = model.plan(table);
    let name = &table.name;
    let mut sql = format!("-- {name}: {}.\n", summary(table));
    // Writing into a text cannot fail.
    let _ = writeln!(sql, "alter table {name} enable row level security;");
    for policy in &existing.foreign_policies {
        let _ = writeln!(sql, "drop policy if exists {} on {name}; -- not in rowlock.toml", quote_name(policy));
    }
    for policy in &plan.policies {
        let _ = writeln!(sql, "drop policy if exists {} on {name};", quote_name(&policy.name));
    }
    for conversion in &existing.conversions {
        convert(&mut sql, name, conversion);
    }
    for (column, expression) in &plan.defaults {
        let _ = writeln!(sql, "alter table {name} alter column {} set default {expression};", quote_name(column));
    }
    grants(&mut sql, name, &plan, existing);
    for policy in &plan.policies {
        create(&mut sql, name, policy);
    }
    if !plan.indexes.is_empty() {
        sql.push('\n');
    }
    for index in &plan.indexes {
        let columns: Vec<String> = index.columns.iter().map(|column| quote_name(column)).collect();
        let _ =
            writeln!(sql, "create index if not exists {} on {name} ({});", quote_name(&index.name), columns.join(", "));
    }
    sql
}

fn grants(sql: &mut String, name: &TableName, plan: &Plan, existing: &Existing) {
    let _ = writeln!(sql, "\nrevoke all on table {name} from public, anon, authenticated;");
    for (role, commands) in &plan.grants {
        let commands: Vec<&str> = commands.iter().map(|command| command.as_str()).collect();
        let _ = writeln!(sql, "grant {} on table {name} to {role};", commands.join(", "));
    }
    let _ = writeln!(sql, "grant all on table {name} to service_role;");
    let inserts =
        plan.grants.iter().any(|(role, commands)| *role == Role::Authenticated && commands.contains(&Command::Insert));
    for sequence in existing.sequences.iter().filter(|_| inserts) {
        let _ = writeln!(sql, "grant usage on sequence {sequence} to authenticated, service_role;");
    }
}

fn create(sql: &mut String, table: &TableName, policy: &PlannedPolicy) {
    let roles: Vec<&str> = policy.roles.iter().map(|role| role.as_str()).collect();
    let kind = if policy.restrictive { " as restrictive" } else { "" };
    let command = policy.command.map_or("all", Command::as_str);
    let _ = write!(
        sql,
        "\ncreate policy {} on {table}{kind}\n  for {command} to {}",
        quote_name(&policy.name),
        roles.join(", ")
    );
    if let Some(using) = &policy.using {
        let _ = write!(sql, "\n  using ({})", using.to_lines());
    }
    if let Some(check) = &policy.check {
        let _ = write!(sql, "\n  with check ({})", check.to_lines());
    }
    sql.push_str(";\n");
}

/// Clerk's ids are text. The values stay, and become Clerk's where a user was imported with the old id as `external_id`.
fn convert(sql: &mut String, table: &TableName, conversion: &Conversion) {
    let column = quote_name(&conversion.column);
    let _ = writeln!(sql, "\n-- {column} was {}: Clerk's ids are text.", conversion.from);
    for key in &conversion.foreign_keys {
        let _ = writeln!(
            sql,
            "alter table {table} drop constraint if exists {}; -- pointed at {}",
            quote_name(&key.name),
            key.to
        );
    }
    let _ = writeln!(sql, "alter table {table} alter column {column} drop default;");
    let _ = writeln!(sql, "alter table {table} alter column {column} type text using {column}::text;");
    let _ =
        writeln!(sql, "-- Users who were imported into Clerk with their old id as `external_id` get their rows back.");
    let _ = writeln!(
        sql,
        "update {table} set {column} = u.id from clerk.users as u where u.external_id = {table}.{column} and u.deleted_at is null;\n"
    );
}

/// One sentence about whose rows they are.
fn summary(table: &Table) -> String {
    let whose = match &table.access {
        Access::User { owner, .. } => format!("each row is the user's in {}", quote_name(owner)),
        Access::Organization { organization, .. } => {
            format!("each row is the organization's in {}", quote_name(organization))
        }
        Access::Gated { .. } => "rows are nobody's own".to_owned(),
        Access::Public { .. } => "everybody reads".to_owned(),
        Access::Profile { owner, visible, .. } => {
            format!("each row is the user's in {}, shown to everybody where {}", quote_name(owner), quote_name(visible))
        }
        Access::Audit { .. } => "rows are added and never changed".to_owned(),
        Access::Child { parent, foreign_key, .. } => {
            return format!("rows are seen and changed with their parent in {parent}, by {}", quote_name(foreign_key));
        }
        Access::Custom { .. } => return "policies as written in rowlock.toml".to_owned(),
    };
    let rules = table.access.rules().map(|rules| {
        let said = Command::ALL.map(|command| format!("{command} {}", rules.of(command)));
        said.join(", ")
    });
    format!("{whose}; {}", rules.unwrap_or_default())
}
