//! What the database says about its logins: `alter role … set …`, and a function that may say more.
//!
//! Statements have no name here: a pooler in transaction mode, which a client login may come through, knows none.

use std::collections::HashMap;

use postgres::{Error, Pool};
use tokio_postgres::types::Type;

use crate::config::FROM_DATABASE;
use crate::identifier::Qualified;
use crate::sql::Sql;

const LOGIN_SETTINGS: &str = include_str!("../../../sql/data-api/login_settings.sql");
const SESSION_SETTINGS: &str = include_str!("../../../sql/data-api/session_settings.sql");
const ROLE_SETTINGS: &str = include_str!("../../../sql/data-api/role_settings.sql");

/// The `pgrst.*` settings of the login that `pool` uses, without their prefix. `pre_config` names a function that sets some for
/// its transaction (`db-pre-config`); what is set for the login wins over these.
///
/// # Errors
/// When Postgres cannot be asked, or the function fails.
pub async fn login_settings(pool: &Pool, pre_config: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    let mut connection = pool.get().await?;
    let transaction = connection.transaction().await.map_err(Error::Statement)?;
    let mut settings = Vec::new();
    if let Some(function) = pre_config {
        let mut call = Sql::default();
        call.push("select ").qualified(&Qualified::parse(function)).push("()");
        transaction.batch_execute(call.text()).await.map_err(Error::Statement)?;
        let names: Vec<&str> = FROM_DATABASE.to_vec();
        let rows =
            transaction.query_typed(SESSION_SETTINGS, &[(&names, Type::TEXT_ARRAY)]).await.map_err(Error::Statement)?;
        settings.extend(rows.iter().map(|row| (row.get("name"), row.get("value"))));
    }
    let rows =
        transaction.query_typed(LOGIN_SETTINGS, &[(&None::<&str>, Type::TEXT)]).await.map_err(Error::Statement)?;
    settings.extend(rows.iter().map(|row| (row.get("name"), row.get("value"))));
    transaction.rollback().await.map_err(Error::Statement)?;
    Ok(settings)
}

/// The `pgrst.*` settings of `role`, without their prefix; none when there is no such role.
///
/// # Errors
/// When Postgres cannot be asked.
pub async fn settings_of_role(pool: &Pool, role: &str) -> Result<Vec<(String, String)>, Error> {
    let rows =
        pool.get().await?.query_typed(LOGIN_SETTINGS, &[(&Some(role), Type::TEXT)]).await.map_err(Error::Statement)?;
    Ok(rows.iter().map(|row| (row.get("name"), row.get("value"))).collect())
}

/// What is set for each role that the login may become (`statement_timeout`, isolation): `set role` alone would not apply it.
///
/// # Errors
/// When Postgres cannot be asked.
pub async fn role_settings(pool: &Pool) -> Result<HashMap<String, Vec<(String, String)>>, Error> {
    let rows = pool.get().await?.query_typed(ROLE_SETTINGS, &[]).await.map_err(Error::Statement)?;
    let mut by_role: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for row in &rows {
        by_role.entry(row.get("role")).or_default().push((row.get("name"), row.get("value")));
    }
    Ok(by_role)
}
