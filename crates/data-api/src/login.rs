//! What the database says about its logins: `alter role … set …`.

use std::collections::HashMap;

use postgres::{Error, Pool};

const LOGIN_SETTINGS: &str = include_str!("../../../sql/data-api/login_settings.sql");
const ROLE_SETTINGS: &str = include_str!("../../../sql/data-api/role_settings.sql");

/// The `pgrst.*` settings of the login that `pool` uses, without their prefix.
///
/// # Errors
/// When Postgres cannot be asked.
pub async fn login_settings(pool: &Pool) -> Result<Vec<(String, String)>, Error> {
    let rows = pool.get().await?.query(LOGIN_SETTINGS, &[]).await.map_err(Error::Statement)?;
    Ok(rows.iter().map(|row| (row.get("name"), row.get("value"))).collect())
}

/// What is set for each role that the login may become (`statement_timeout`, isolation): `set role` alone would not apply it.
///
/// # Errors
/// When Postgres cannot be asked.
pub async fn role_settings(pool: &Pool) -> Result<HashMap<String, Vec<(String, String)>>, Error> {
    let rows = pool.get().await?.query(ROLE_SETTINGS, &[]).await.map_err(Error::Statement)?;
    let mut by_role: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for row in &rows {
        by_role.entry(row.get("role")).or_default().push((row.get("name"), row.get("value")));
    }
    Ok(by_role)
}
