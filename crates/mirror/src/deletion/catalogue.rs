//! Holding rules against the database they are about.
//!
//! What is wrong is said all at once, with what is there instead. A rule that cannot work is refused when it is declared:
//! otherwise it would be found out on the day somebody asks for their data to be gone.

use postgres::Connection;
use tokio_postgres::Row;

use super::rule::{Action, CheckedRule, Rule};

/// Rules that cannot be applied to this database.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// What is wrong with which rule.
    #[error("the [[deletion]] sections do not fit the database: {}", .0.join("; "))]
    Unfit(Vec<String>),
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] postgres::Error),
}

impl From<tokio_postgres::Error> for RuleError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(postgres::Error::Statement(error))
    }
}

/// Rules that fit, and what else is worth knowing.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// All rules, in their order.
    pub rules: Vec<CheckedRule>,
    /// What works, but not well.
    pub warnings: Vec<String>,
}

/// Schemas that are nobody's application.
const FOREIGN: [&str; 4] = ["clerk", "rowlock", "pg_catalog", "information_schema"];

pub(crate) async fn check(connection: &Connection, rules: &[Rule]) -> Result<Checked, RuleError> {
    let (mut checked, mut problems) = (Checked::default(), Vec::new());
    for (position, rule) in rules.iter().enumerate() {
        let name = rule.name();
        if rules[..position].iter().any(|earlier| earlier.name() == name) {
            problems.push(format!("`{name}` has two sections; expected one for a table and column"));
            continue;
        }
        match check_one(connection, rule).await? {
            Ok((rule, warning)) => {
                checked.rules.push(rule);
                checked.warnings.extend(warning);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(checked) } else { Err(RuleError::Unfit(problems)) }
}

struct Column {
    name: String,
    type_name: String,
    is_text: bool,
    is_time: bool,
    is_required: bool,
    is_generated: bool,
}

async fn check_one(
    connection: &Connection,
    rule: &Rule,
) -> Result<Result<(CheckedRule, Option<String>), String>, tokio_postgres::Error> {
    let full = format!("{}.{}", rule.schema, rule.table);
    if FOREIGN.contains(&rule.schema.as_str()) {
        return Ok(Err(format!("`{full}` is not a table of the application: rules are about your own tables")));
    }
    let statement = connection.prepare_cached(include_str!("../../../../sql/deletion/table.sql")).await?;
    let Some(table) = connection.query_opt(&statement, &[&rule.schema, &rule.table]).await? else {
        let statement = connection.prepare_cached(include_str!("../../../../sql/deletion/tables.sql")).await?;
        let rows = connection.query(&statement, &[&rule.schema]).await?;
        let there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        return Ok(Err(format!("there is no table `{full}`; there are: {there}")));
    };
    let statement = connection.prepare_cached(include_str!("../../../../sql/deletion/columns.sql")).await?;
    let oid: u32 = table.get("oid");
    let columns: Vec<Column> = connection.query(&statement, &[&oid]).await?.iter().map(column).collect();
    let key_columns: Vec<String> = table.get("key_columns");
    if let Err(problem) = fits(rule, &full, &table, &columns, &key_columns) {
        return Ok(Err(problem));
    }
    let indexed: Vec<String> = table.get("indexed_columns");
    let warning = (!indexed.contains(&rule.column)).then(|| {
        format!("`{full}` has no index that begins with `{}`: every deletion reads the whole table", rule.column)
    });
    let checked = CheckedRule { rule: rule.clone(), key_columns };
    // Postgres decides what else there is: whether a constant is one of the column's type, for example.
    if let Some(batch) = checked.batch()
        && let Err(error) = connection.prepare(&batch).await
    {
        let reason = error.as_db_error().map_or_else(|| error.to_string(), |answer| answer.message().to_owned());
        return Ok(Err(format!("`{}` cannot be done: {reason}", rule.name())));
    }
    Ok(Ok((checked, warning)))
}

fn column(row: &Row) -> Column {
    Column {
        name: row.get("name"),
        type_name: row.get("type"),
        is_text: row.get("is_text"),
        is_time: row.get("is_time"),
        is_required: row.get("is_required"),
        is_generated: row.get("is_generated"),
    }
}

fn fits(rule: &Rule, full: &str, table: &Row, columns: &[Column], key_columns: &[String]) -> Result<(), String> {
    let find = |name: &str| {
        columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let there: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            format!("`{full}` has no column `{name}`; there are: {}", there.join(", "))
        })
    };
    if !table.get::<_, bool>("is_table") {
        return Err(format!("`{full}` is no table: rules are about tables, not about views or foreign tables"));
    }
    let owner = find(&rule.column)?;
    if !owner.is_text {
        return Err(format!(
            "`{}` has type {}; expected text, for Clerk's ids are `user_…` and `org_…`",
            rule.name(),
            owner.type_name
        ));
    }
    if key_columns.is_empty() {
        return Err(format!("`{full}` has no primary key; rows are worked on in batches, by their key"));
    }
    let privilege = match rule.action {
        Action::Cascade => "may_delete",
        Action::Soft { .. } | Action::Anonymise { .. } => "may_update",
        Action::Keep => "may_select",
    };
    if !table.get::<_, bool>("may_select") || !table.get::<_, bool>(privilege) {
        return Err(format!("the login of DATABASE_URL may not do this to `{full}`; grant select, update and delete"));
    }
    // Rows that the login does not see would stay, and nobody would know.
    if table.get::<_, bool>("is_filtered") {
        return Err(format!(
            "row-level security of `{full}` applies to the login of DATABASE_URL; let it own the table without `force row level security`, or bypass"
        ));
    }
    match &rule.action {
        Action::Cascade | Action::Keep => Ok(()),
        Action::Soft { column } => {
            let column = find(column)?;
            if !column.is_time || column.is_generated {
                return Err(format!(
                    "`{full}.{}` has type {}; expected a column of type timestamp with time zone",
                    column.name, column.type_name
                ));
            }
            if column.is_required {
                return Err(format!("`{full}.{}` is not nullable; null says that a row is not deleted", column.name));
            }
            Ok(())
        }
        Action::Anonymise { constants } => {
            for (name, constant) in constants {
                let column = find(name)?;
                if column.is_generated || key_columns.contains(name) {
                    return Err(format!(
                        "`{full}.{name}` cannot be overwritten: it is generated, or of the primary key"
                    ));
                }
                if constant.is_null() && column.is_required {
                    return Err(format!("`{full}.{name}` is not nullable; give it a constant under `set`"));
                }
            }
            Ok(())
        }
    }
}
