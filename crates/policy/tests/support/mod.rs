//! What the SQL functions answer for given settings.

pub(crate) mod app;

use postgres::Connection;
use serde_json::Value;

/// Settings of a transaction, by name.
pub(crate) type Settings<'a> = &'a [(&'a str, &'a str)];

/// Every function that reads the claims, under these settings, as one JSON object.
pub(crate) async fn answers(client: &mut Connection, settings: Settings<'_>) -> Value {
    const EVERYTHING: &str = "select jsonb_build_object(
        'user_id', clerk.user_id(), 'session_id', clerk.session_id(),
        'org_id', clerk.org_id(), 'org_slug', clerk.org_slug(), 'org_role', clerk.org_role(),
        'permissions', clerk.permissions(), 'metadata', clerk.metadata(),
        'is_impersonated', clerk.is_impersonated(), 'is_pending', clerk.is_pending())";
    ask(client, settings, EVERYTHING).await
}

/// What `select` answers as role `authenticated`; its one column is JSON.
pub(crate) async fn ask(client: &mut Connection, settings: Settings<'_>, select: &str) -> Value {
    let transaction = client.transaction().await.unwrap();
    for (name, value) in settings {
        transaction.execute("select set_config($1, $2, true)", &[name, value]).await.unwrap();
    }
    transaction.batch_execute("set local role authenticated").await.unwrap();
    transaction.query_one(select, &[]).await.unwrap().get(0)
}
