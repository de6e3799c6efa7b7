//! What a Supabase database has before its first migration.

use postgres::Pool;

use crate::ProjectError;

/// Each part, in the order in which they need each other; every one may run again.
const PARTS: &[(&str, &str)] = &[
    ("roles", include_str!("../../../sql/supabase/roles.script.sql")),
    ("schemas", include_str!("../../../sql/supabase/schemas.script.sql")),
    ("auth", include_str!("../../../sql/supabase/auth.script.sql")),
    ("storage", include_str!("../../../sql/supabase/storage.script.sql")),
    ("realtime", include_str!("../../../sql/supabase/realtime.script.sql")),
    ("graphql", include_str!("../../../sql/supabase/graphql.script.sql")),
    ("history", include_str!("../../../sql/supabase/history.script.sql")),
    ("watch", include_str!("../../../sql/supabase/watch.script.sql")),
];

/// Makes roles, schemas, functions, tables, privileges and triggers as a Supabase database has them. `owner` is a superuser: a local
/// cluster's. What is there already stays, except that functions and default privileges are set anew.
///
/// # Errors
/// [`ProjectError::Platform`] names the part that failed; each is whole or not there.
pub async fn install_platform(owner: &Pool, exposes_new_tables: bool) -> Result<(), ProjectError> {
    let client = owner.get().await?;
    for &(part, sql) in PARTS {
        client.batch_execute(sql).await.map_err(|source| ProjectError::Platform { part, source })?;
    }
    if !exposes_new_tables {
        let hide = include_str!("../../../sql/supabase/hidden_tables.script.sql");
        let hidden = client.batch_execute(hide).await;
        hidden.map_err(|source| ProjectError::Platform { part: "hidden tables", source })?;
    }
    Ok(())
}

/// Keeps the mirror through `supabase db reset`, which drops every schema that is not `supabase_admin`'s.
///
/// # Errors
/// As [`install_platform`].
pub async fn own_mirror(owner: &Pool) -> Result<(), ProjectError> {
    let sql = include_str!("../../../sql/supabase/own.script.sql");
    let owned = owner.get().await?.batch_execute(sql).await;
    owned.map_err(|source| ProjectError::Platform { part: "the mirror's schemas", source })
}
