//! `rowlock schema` and `rowlock uninstall`: into a database by hand, and out of it.

use postgres::testing::TestDatabase;
use postgres::{DatabaseUrl, Pool, PoolOptions};

use crate::support::{rowlock, told};

async fn execute(url: &DatabaseUrl, statement: &str) {
    let pool = Pool::new(url, &PoolOptions::default()).unwrap();
    pool.get().await.unwrap().batch_execute(statement).await.unwrap();
}

fn said(url: &DatabaseUrl, arguments: &[&str]) -> String {
    told(&rowlock(arguments).env("DATABASE_URL", url.expose()).output().unwrap())
}

#[tokio::test]
async fn what_is_printed_makes_a_migrated_database() {
    let url = TestDatabase::create_empty().await;
    let printed = rowlock(&["schema", "print"]).output().unwrap();
    assert!(printed.status.success());
    execute(&url, &String::from_utf8(printed.stdout).unwrap()).await;
    assert!(said(&url, &["migrate", "--dry-run"]).contains("nothing to apply"));
    let beyond = said(&url, &["schema", "print", "--from", "9000"]);
    assert!(beyond.starts_with("exit: 1") && beyond.contains("there is no migration 9000"), "{beyond}");
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_named_before_anything_is_done() {
    let url = TestDatabase::create_empty().await;
    execute(&url, "create schema clerk; create table clerk.users (id text)").await;
    for arguments in [&["migrate"][..], &["migrate", "--dry-run"]] {
        let refused = said(&url, arguments);
        assert!(refused.starts_with("exit: 1") && refused.contains("it holds table clerk.users"), "{refused}");
        assert!(refused.contains("alter schema clerk rename to clerk_fdw"), "{refused}");
    }
    assert!(said(&url, &["uninstall", "--yes"]).contains("there is nothing to uninstall"));
}

#[tokio::test]
async fn it_goes_when_nothing_depends_on_it_and_somebody_agrees() {
    let url = TestDatabase::create_empty().await;
    assert!(said(&url, &["migrate"]).starts_with("exit: 0"));
    execute(
        &url,
        "create table tasks (owner text); create policy own on tasks using (owner = (select clerk.user_id()))",
    )
    .await;
    let refused = said(&url, &["uninstall", "--yes"]);
    assert!(refused.starts_with("exit: 1") && refused.contains("  policy own on table tasks\n"), "{refused}");
    assert!(
        refused.contains("1 object of the application depends on Rowlock's schemas: nothing was dropped"),
        "{refused}"
    );
    execute(&url, "drop policy own on tasks").await;
    let asked = said(&url, &["uninstall"]);
    assert!(asked.starts_with("exit: 1") && asked.contains("add --yes to do it"), "{asked}");
    let dry = said(&url, &["uninstall", "--dry-run"]);
    assert!(dry.starts_with("exit: 0") && dry.contains("organization_memberships"), "{dry}");
    let gone = said(&url, &["uninstall", "--yes"]);
    assert!(gone.starts_with("exit: 0") && gone.contains("schemas clerk and rowlock are dropped"), "{gone}");
    // The tests' other databases are on the same server.
    assert!(gone.contains("login rowlock_client stays: "), "{gone}");
    assert!(said(&url, &["migrate"]).starts_with("exit: 0"));
}

#[tokio::test]
async fn with_cascade_the_dependents_go_along() {
    let url = TestDatabase::create_empty().await;
    assert!(said(&url, &["migrate"]).starts_with("exit: 0"));
    execute(&url, "create view people as select id from clerk.active_users").await;
    let gone = said(&url, &["uninstall", "--cascade", "--yes"]);
    assert!(gone.starts_with("exit: 0") && gone.contains("  view people\n"), "{gone}");
}
