//! The chain: repeatable, refusing what it does not know, and the same whichever way a database came to its end.

use postgres::migrations::{MIGRATIONS, MigrationError, migrate, migrate_up_to, pending};
use postgres::testing::TestDatabase;
use postgres::{ClientPool, DatabaseUrl, Pool, PoolOptions, install_client_login, refuse_powerful_login};
use tokens::Principal;

use crate::support::own_cluster;

fn pool(url: &DatabaseUrl) -> Pool {
    Pool::new(url, &PoolOptions::default()).unwrap()
}

async fn execute(url: &DatabaseUrl, statement: &str) {
    pool(url).get().await.unwrap().batch_execute(statement).await.unwrap();
}

/// Everything that a migration can make, as text.
async fn describe(url: &DatabaseUrl) -> String {
    let rows = pool(url).get().await.unwrap().query(include_str!("describe.sql"), &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn an_upgraded_database_equals_a_fresh_one() {
    let fresh = TestDatabase::create_empty().await;
    migrate(&pool(&fresh)).await.unwrap();
    let upgraded = TestDatabase::create_empty().await;
    for migration in MIGRATIONS {
        let done = migrate_up_to(&pool(&upgraded), migration.version).await.unwrap();
        assert_eq!(done.applied, [*migration]);
    }
    let described = describe(&fresh).await;
    assert!(described.contains("column clerk.users.id text not null"), "{described}");
    assert_eq!(described, describe(&upgraded).await);
}

#[tokio::test]
async fn every_file_may_be_run_again_by_hand() {
    let url = TestDatabase::create_empty().await;
    migrate(&pool(&url)).await.unwrap();
    let before = describe(&url).await;
    for migration in MIGRATIONS {
        execute(&url, migration.sql).await;
    }
    assert_eq!(before, describe(&url).await);
}

#[tokio::test]
async fn several_nodes_may_start_at_once() {
    let url = TestDatabase::create_empty().await;
    let mut nodes = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let url = url.clone();
        nodes.spawn(async move { migrate(&pool(&url)).await.unwrap().applied.len() });
    }
    let mut applied = nodes.join_all().await;
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, MIGRATIONS.len()]);
    assert_eq!(pending(&pool(&url)).await.unwrap(), []);
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_left_alone() {
    let url = TestDatabase::create_empty().await;
    assert_eq!(pending(&pool(&url)).await.unwrap().len(), MIGRATIONS.len());
    migrate(&pool(&url)).await.unwrap();
    execute(&url, "insert into rowlock.migrations values (9000, 'later', 'x')").await;
    assert!(matches!(migrate(&pool(&url)).await.unwrap_err(), MigrationError::Newer { found: 9000, .. }));
}

#[tokio::test]
async fn an_edited_file_is_refused() {
    let url = TestDatabase::create_empty().await;
    migrate(&pool(&url)).await.unwrap();
    execute(&url, "update rowlock.migrations set checksum = 'x' where version = 2").await;
    assert!(matches!(migrate(&pool(&url)).await.unwrap_err(), MigrationError::Changed { version: 2, .. }));
}

#[tokio::test]
async fn the_machinery_is_granted_to_nobody_and_raw_to_no_client() {
    let url = TestDatabase::create_empty().await;
    migrate(&pool(&url)).await.unwrap();
    let client = pool(&url).get().await.unwrap();
    let open = client
        .query(
            "select role || ' ' || object from unnest(array['anon', 'authenticated', 'rowlock_client']) as role,
             lateral (
               select 'rowlock' as object where has_schema_privilege(role, 'rowlock', 'usage')
               union all
               select format('%I.%I.%I', table_schema, table_name, column_name) from information_schema.columns
               where table_schema = 'clerk' and column_name = 'raw'
                 and has_column_privilege(role, format('%I.%I', table_schema, table_name), column_name, 'select')
               union all
               select format('%I.%I', table_schema, table_name) from information_schema.tables
               where table_schema = 'clerk'
                 and has_table_privilege(role, format('%I.%I', table_schema, table_name), 'insert, update, delete, truncate')
             ) as found",
            &[],
        )
        .await
        .unwrap();
    let open: Vec<String> = open.iter().map(|row| row.get(0)).collect();
    assert_eq!(open, Vec::<String>::new());
}

/// Hosted Postgres gives nobody a superuser. A cluster of its own: roles belong to the cluster.
#[tokio::test]
async fn an_owner_who_may_create_roles_is_enough() {
    let cluster = own_cluster().await;
    execute(&cluster.url(), "create role app login createrole password 'secret'").await;
    execute(&cluster.url(), "create database shop owner app").await;
    let url = cluster.url().with_database("shop").with_login("app", Some("secret"));
    migrate(&pool(&url)).await.unwrap();
    install_client_login(&pool(&url)).await.unwrap();
    let clients = ClientPool::new(&url.for_clients(), &PoolOptions::default()).unwrap();
    refuse_powerful_login(&clients).await.unwrap();
    let nobody = Principal::anonymous();
    let rows = clients.as_principal(&nobody).query("select current_user::text", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, String>(0), "anon");
    assert_eq!(migrate(&pool(&url)).await.unwrap().applied, []);
    cluster.stop().await.unwrap();
}
