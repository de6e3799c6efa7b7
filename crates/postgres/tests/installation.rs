//! Rowlock's schema by hand, beside strangers, and out again.

use postgres::migrations::{MIGRATIONS, MigrationError, migrate, pending};
use postgres::testing::TestDatabase;
use postgres::{
    DatabaseUrl, Login, Pool, PoolOptions, UninstallError, drop_client_login, install_client_login,
    install_service_login, inventory, script, uninstall,
};

use crate::support::own_cluster;

/// What an application has of its own before Rowlock comes.
const APPLICATION: &str = "
    create schema app;
    create table app.tasks (id int primary key, owner text);
    alter table app.tasks enable row level security;
    create view app.all_tasks as select * from app.tasks;
    create function app.greeting() returns text language sql as $$ select 'hello' $$;
";

/// What it builds on Rowlock.
const BUILT_ON: &str = "
    create policy own on app.tasks using (owner = (select clerk.user_id()));
    alter table app.tasks alter column owner set default clerk.user_id();
    create view app.people as select id, first_name from clerk.active_users;
    create view app.names as select first_name from app.people;
    alter table app.tasks add constraint of_a_user foreign key (owner) references clerk.users (id);
    create publication feed for table clerk.users;
    create function app.me() returns text language plpgsql as $$ begin return clerk.user_id(); end $$;
";

fn pool(url: &DatabaseUrl) -> Pool {
    Pool::new(url, &PoolOptions::default()).unwrap()
}

async fn execute(url: &DatabaseUrl, statement: &str) {
    pool(url).get().await.unwrap().batch_execute(statement).await.unwrap();
}

async fn lines(url: &DatabaseUrl, query: &str) -> Vec<String> {
    let rows = pool(url).get().await.unwrap().query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Every object of the database that is not the system's.
async fn everything(url: &DatabaseUrl) -> Vec<String> {
    let objects = "
        select distinct coalesce(pg_describe_object(classid, objid, objsubid), '') || ' ' || deptype::text
        from pg_depend where objid >= 16384 and classid <> 'pg_type'::regclass
        union all select 'schema ' || nspname || ' ' || coalesce(nspacl::text, '') from pg_namespace
        union all select 'publication ' || pubname from pg_publication
        union all select format('%s %s %s', relname, relacl, reloptions) from pg_class where oid >= 16384 and relkind <> 't'
        union all select format('policy %s %s %s', tablename, policyname, qual) from pg_policies
        order by 1";
    // Tables for long values are named after numbers.
    lines(url, objects).await.into_iter().filter(|line| !line.contains("pg_toast")).collect()
}

async fn shape(url: &DatabaseUrl) -> Vec<String> {
    lines(url, include_str!("describe.sql")).await
}

#[tokio::test]
async fn the_chain_as_one_file_is_the_chain() {
    let (migrated, by_hand) = (TestDatabase::create_empty().await, TestDatabase::create_empty().await);
    migrate(&pool(&migrated)).await.unwrap();
    let all = script(1).unwrap();
    execute(&by_hand, &all).await;
    assert_eq!(shape(&by_hand).await, shape(&migrated).await);
    assert_eq!(pending(&pool(&by_hand)).await.unwrap(), []);
    execute(&by_hand, &all).await;
    assert_eq!(shape(&by_hand).await, shape(&migrated).await);
    assert_eq!(migrate(&pool(&by_hand)).await.unwrap().applied, []);
}

#[tokio::test]
async fn a_later_part_follows_an_earlier_one() {
    let (migrated, upgraded) = (TestDatabase::create_empty().await, TestDatabase::create_empty().await);
    migrate(&pool(&migrated)).await.unwrap();
    postgres::migrations::migrate_up_to(&pool(&upgraded), 4).await.unwrap();
    let part = script(5).unwrap();
    assert!(part.contains("It follows migration 4") && !part.contains("Migration 4:"), "{}", &part[..800]);
    execute(&upgraded, &part).await;
    assert_eq!(shape(&upgraded).await, shape(&migrated).await);
    assert_eq!(pending(&pool(&upgraded)).await.unwrap(), []);
    assert_eq!(script(MIGRATIONS.last().unwrap().version + 1), None);
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_left_alone() {
    let url = TestDatabase::create_empty().await;
    execute(&url, "create schema clerk; create foreign data wrapper clerk_wrapper; create server clerk_server foreign data wrapper clerk_wrapper;
        create foreign table clerk.users (id text) server clerk_server;
        create foreign table clerk.organizations (id text) server clerk_server; create table clerk.notes (id int)").await;
    let before = everything(&url).await;
    let refused = migrate(&pool(&url)).await.unwrap_err();
    assert!(matches!(refused, MigrationError::Foreign(_)));
    insta::assert_snapshot!(refused.to_string(), @"schema `clerk` is not Rowlock's: it holds foreign table clerk.organizations, foreign table clerk.users, table clerk.notes; Rowlock needs the schema for itself, so give that one another name first: `alter schema clerk rename to clerk_fdw`");
    assert_eq!(everything(&url).await, before);
    execute(&url, "alter schema clerk rename to clerk_fdw").await;
    migrate(&pool(&url)).await.unwrap();
    // Strangers who come later do not keep Rowlock from its next release.
    execute(&url, "create foreign table clerk.jwt_templates (id text) server clerk_server").await;
    migrate(&pool(&url)).await.unwrap();
}

#[tokio::test]
async fn an_empty_schema_may_be_waiting() {
    let url = TestDatabase::create_empty().await;
    execute(&url, "create schema clerk").await;
    migrate(&pool(&url)).await.unwrap();
}

#[tokio::test]
async fn installed_and_uninstalled_a_database_is_as_it_was() {
    let url = TestDatabase::create_empty().await;
    execute(&url, APPLICATION).await;
    let before = everything(&url).await;
    assert!(inventory(&pool(&url)).await.unwrap().is_none());
    migrate(&pool(&url)).await.unwrap();
    let inventory = inventory(&pool(&url)).await.unwrap().unwrap();
    assert_eq!((inventory.dependents, inventory.mentions), (Vec::new(), Vec::new()));
    let tables = inventory.contents.iter().find(|found| found.schema == "clerk" && found.kind == "table").unwrap();
    assert!(tables.count >= 13 && tables.names.contains("organization_memberships, "), "{tables:?}");
    uninstall(&pool(&url), false).await.unwrap();
    assert_eq!(everything(&url).await, before);
    migrate(&pool(&url)).await.unwrap();
}

#[tokio::test]
async fn what_the_application_has_built_on_it_is_named_and_kept() {
    let url = TestDatabase::create_empty().await;
    execute(&url, APPLICATION).await;
    let before = everything(&url).await;
    migrate(&pool(&url)).await.unwrap();
    execute(&url, BUILT_ON).await;
    let found = inventory(&pool(&url)).await.unwrap().unwrap();
    insta::assert_snapshot!(found.dependents.join("\n"), @"
    constraint of_a_user on table app.tasks
    default value for column owner of table app.tasks
    policy own on table app.tasks
    publication of table clerk.users in publication feed
    view app.names
    view app.people
    ");
    assert_eq!(found.mentions, ["function app.me()"]);
    let built = everything(&url).await;
    let refused = uninstall(&pool(&url), false).await.unwrap_err();
    assert!(matches!(refused, UninstallError::Depended(dependents) if dependents == found.dependents));
    assert_eq!(everything(&url).await, built);
    uninstall(&pool(&url), true).await.unwrap();
    execute(&url, "drop function app.me(); drop publication feed").await;
    assert_eq!(everything(&url).await, before);
}

#[tokio::test]
async fn nodes_that_start_together_do_not_stumble_over_each_others_logins() {
    let database = TestDatabase::create().await;
    let start = || async {
        for _ in 0..20 {
            let owner = pool(&database.url);
            install_service_login(&owner).await.unwrap();
            install_client_login(&owner).await.unwrap();
        }
    };
    tokio::join!(start(), start(), start(), start());
}

/// A cluster of its own: roles belong to the cluster.
#[tokio::test]
async fn the_login_goes_with_the_last_database() {
    let cluster = own_cluster().await;
    let (shop, blog) = (cluster.url().with_database("shop"), cluster.url().with_database("blog"));
    for (name, url) in [("shop", &shop), ("blog", &blog)] {
        execute(&cluster.url(), &format!("create database {name}")).await;
        migrate(&pool(url)).await.unwrap();
        install_client_login(&pool(url)).await.unwrap();
    }
    uninstall(&pool(&shop), false).await.unwrap();
    let kept = drop_client_login(&pool(&shop)).await.unwrap();
    assert_eq!(kept, Login::Kept("database `blog` of this server has Rowlock, too".to_owned()));
    uninstall(&pool(&blog), false).await.unwrap();
    assert_eq!(drop_client_login(&pool(&blog)).await.unwrap(), Login::Dropped);
    assert_eq!(drop_client_login(&pool(&blog)).await.unwrap(), Login::Absent);
    cluster.stop().await.unwrap();
}

/// The mirror writes with joins by hash switched off, and a session keeps the plan of a trigger's first, small statement.
#[tokio::test]
async fn rows_before_and_after_a_statement_are_never_compared_each_with_every_other() {
    let database = TestDatabase::create().await;
    let connection = database.owner.get().await.unwrap();
    let joined = "select proname::text, coalesce(proconfig, '{}')::text[] from pg_catalog.pg_proc
        where prosrc like '%join old_rows%' and prosrc not like '%create or replace%' order by proname";
    let rows = connection.query(joined, &[]).await.unwrap();
    assert!(rows.len() > 10, "a function for each table and one for memberships");
    for row in rows {
        let settings: Vec<String> = row.get(1);
        for wanted in ["enable_hashjoin=on", "enable_nestloop=off"] {
            assert!(settings.iter().any(|setting| setting == wanted), "{}: {settings:?}", row.get::<_, String>(0));
        }
    }
}
