//! The principal transaction: identity, isolation, and every way it can fail.

use std::time::Duration;

use postgres::testing::TestDatabase;
use postgres::{ClientPool, PoolOptions};
use serde_json::json;
use tokens::Principal;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use crate::support::{CountingProxy, principal, principal_with};

const NOTES: &str = "
    create table notes (owner_id text not null, body text not null);
    alter table notes enable row level security;
    grant select, insert on notes to authenticated;
    create policy own_notes on notes to authenticated
      using (owner_id = (select clerk.user_id())) with check (owner_id = (select clerk.user_id()));
    insert into notes values ('user_ada', 'ada''s'), ('user_bob', 'bob''s')";

async fn with_notes() -> TestDatabase {
    let database = TestDatabase::create().await;
    database.owner.get().await.unwrap().batch_execute(NOTES).await.unwrap();
    database
}

async fn bodies(pool: &ClientPool, principal: &Principal) -> Result<Vec<String>, postgres::Error> {
    let rows = pool.as_principal(principal).query("select body from notes order by body", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Who the next borrower of the pool's only connection is, and with which claims.
async fn left_behind(pool: &ClientPool) -> (String, String) {
    let statement = "select current_user::text, coalesce(current_setting('request.jwt.claims', true), '')";
    let rows = pool.ask(statement, &[]).await.unwrap();
    (rows[0].get(0), rows[0].get(1))
}

fn single(database: &TestDatabase) -> ClientPool {
    let options = PoolOptions { size: 1, ..PoolOptions::default() };
    ClientPool::new(&database.url.for_clients(), &options).unwrap()
}

#[tokio::test]
async fn each_principal_sees_their_own_rows() {
    let database = with_notes().await;
    assert_eq!(bodies(&database.clients, &principal("user_ada", None).await).await.unwrap(), ["ada's"]);
    assert_eq!(bodies(&database.clients, &principal("user_bob", None).await).await.unwrap(), ["bob's"]);
    assert!(bodies(&database.clients, &principal("user_eve", None).await).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_claims_functions_read_both_versions() {
    let database = TestDatabase::create().await;
    let statement = "select clerk.user_id(), clerk.org_id(), clerk.org_slug(), clerk.org_role(), clerk.session_id(), current_user::text";
    let v2 = principal("user_ada", Some("org_acme")).await;
    let v1 = principal_with(json!({ "org_id": "org_acme", "org_slug": "acme", "org_role": "org:admin" })).await;
    for principal in [v1, v2] {
        let rows = database.clients.as_principal(&principal).query(statement, &[]).await.unwrap();
        let columns: Vec<String> = (0..6).map(|column| rows[0].get(column)).collect();
        assert_eq!(columns, ["user_ada", "org_acme", "acme", "org:admin", "sess_1", "authenticated"]);
    }
}

#[tokio::test]
async fn nobody_is_anon_and_has_no_grants() {
    let database = with_notes().await;
    let error = bodies(&database.clients, &Principal::anonymous()).await.unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
}

#[tokio::test]
async fn it_takes_one_flight() {
    let database = with_notes().await;
    let ada = principal("user_ada", None).await;
    let proxy = CountingProxy::start(port_of(&database)).await;
    let through = database.url.for_clients().expose().replace(&port_of(&database).to_string(), &proxy.port.to_string());
    let options = PoolOptions { size: 1, ..PoolOptions::default() };
    let pool = ClientPool::new(&postgres::DatabaseUrl::parse(&through).unwrap(), &options).unwrap();
    pool.try_connect().await.unwrap();
    proxy.take_flights();
    assert_eq!(bodies(&pool, &ada).await.unwrap(), ["ada's"]);
    assert_eq!(proxy.take_flights(), 1, "begin, settings, statement, commit and cleaning leave together");
}

#[tokio::test]
async fn an_unknown_role_never_runs_the_statement() {
    let database = with_notes().await;
    let pool = single(&database);
    let stranger = principal_with(json!({ "role": "no_such_role" })).await;
    let act = pool.as_principal(&stranger);
    let error = act.query("insert into notes values ('user_ada', 'forged')", &[]).await.unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::INVALID_PARAMETER_VALUE), "{error}");
    assert_eq!(bodies(&pool, &principal("user_ada", None).await).await.unwrap(), ["ada's"]);
    assert_eq!(left_behind(&pool).await, ("rowlock_client".to_owned(), String::new()));
}

#[tokio::test]
async fn a_failing_statement_leaves_nothing_behind() {
    let database = with_notes().await;
    let pool = single(&database);
    let ada = principal("user_ada", None).await;
    let act = pool.as_principal(&ada);
    let error = act.query("select 1 / 0", &[]).await.unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::DIVISION_BY_ZERO));
    assert_eq!(left_behind(&pool).await, ("rowlock_client".to_owned(), String::new()));
    assert_eq!(bodies(&pool, &ada).await.unwrap(), ["ada's"]);
}

#[tokio::test]
async fn a_write_without_a_grant_is_refused() {
    let database = with_notes().await;
    let ada = principal("user_ada", None).await;
    let act = database.clients.as_principal(&ada);
    let error = act.query("delete from notes", &[]).await.unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
}

#[tokio::test]
async fn a_row_for_somebody_else_is_refused_and_an_own_one_is_committed() {
    let database = with_notes().await;
    let ada = principal("user_ada", None).await;
    let insert = "insert into notes values ($1, $2)";
    let foreign = database.clients.as_principal(&ada);
    let error = foreign.query(insert, &[(&"user_bob", Type::TEXT), (&"forged", Type::TEXT)]).await.unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    let own = database.clients.as_principal(&ada);
    own.query(insert, &[(&"user_ada", Type::TEXT), (&"second", Type::TEXT)]).await.unwrap();
    assert_eq!(bodies(&database.clients, &ada).await.unwrap(), ["ada's", "second"]);
}

#[tokio::test]
async fn nothing_stays_in_the_session_for_the_next_caller() {
    let database = with_notes().await;
    let owner = database.owner.get().await.unwrap();
    let leave_behind = "
        create function leave_behind() returns void language plpgsql as $$ begin
          perform set_config('search_path', 'pg_temp', false), set_config('role', 'anon', false);
          perform set_config('request.jwt.claims', '{\"sub\":\"user_bob\"}', false), pg_advisory_lock(7);
          execute 'listen gossip';
          execute 'create temporary table notes as select ''user_ada''::text as owner_id, ''planted''::text as body';
        end $$";
    owner.batch_execute(leave_behind).await.unwrap();
    let pool = single(&database);
    let ada = principal("user_ada", None).await;
    pool.as_principal(&ada).query("select leave_behind()", &[]).await.unwrap();
    assert_eq!(left_behind(&pool).await, ("rowlock_client".to_owned(), String::new()));
    let rest = "select current_setting('search_path'), (select count(*) from pg_listening_channels()),
                (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())";
    let row = pool.ask(rest, &[]).await.unwrap().swap_remove(0);
    assert_eq!(
        (row.get::<_, String>(0).as_str(), row.get::<_, i64>(1), row.get::<_, i64>(2)),
        ("\"$user\", public", 0, 0)
    );
    assert_eq!(bodies(&pool, &ada).await.unwrap(), ["ada's"]);
}

#[tokio::test]
async fn a_dropped_caller_is_not_waited_for() {
    let database = with_notes().await;
    let pool = single(&database);
    let ada = principal("user_ada", None).await;
    let act = pool.as_principal(&ada);
    let sleeping = act.query("select pg_sleep(30)", &[]);
    assert!(tokio::time::timeout(Duration::from_millis(300), sleeping).await.is_err(), "it sleeps");
    // The pool has one connection. Were it still busy, this would wait the 30 s out and fail.
    let next =
        tokio::time::timeout(Duration::from_secs(10), bodies(&pool, &ada)).await.expect("nobody waits behind it");
    assert_eq!(next.unwrap(), ["ada's"]);
    let watcher = database.owner.get().await.unwrap();
    for _ in 0..100 {
        let running = "select count(*) from pg_stat_activity where query like '%pg_sleep(30)%' and state = 'active' and pid <> pg_backend_pid()";
        if watcher.query_one(running, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the abandoned statement still runs after 5 s");
}

#[tokio::test]
async fn without_a_role_the_login_itself_may_do_nothing() {
    let database = with_notes().await;
    let error = database.clients.ask("select * from notes", &[]).await.unwrap_err();
    assert_eq!(error.sql_state(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    postgres::refuse_powerful_login(&database.clients).await.unwrap();
    let owner = ClientPool::new(&database.url, &PoolOptions::default()).unwrap();
    let error = postgres::refuse_powerful_login(&owner).await.unwrap_err();
    assert!(error.to_string().contains("it is a superuser"), "{error}");
}

#[tokio::test]
async fn a_login_that_may_become_somebody_powerful_is_refused() {
    let database = TestDatabase::create().await;
    let owner = database.owner.get().await.unwrap();
    let login = "create role climber login noinherit password 'x'; grant service_role to climber";
    owner.batch_execute(login).await.unwrap();
    let pool = ClientPool::new(&database.url.with_login("climber", Some("x")), &PoolOptions::default()).unwrap();
    let error = postgres::refuse_powerful_login(&pool).await.unwrap_err();
    assert!(error.to_string().contains("it may become `service_role`"), "{error}");
}

#[tokio::test]
async fn claims_that_postgres_cannot_hold_do_not_break_policies() {
    let database = with_notes().await;
    let odd = principal_with(json!({ "nickname": "a\u{0}b" })).await;
    assert_eq!(bodies(&database.clients, &odd).await.unwrap(), ["ada's"]);
}

fn port_of(database: &TestDatabase) -> u16 {
    let after_host = database.url.expose().split("127.0.0.1:").nth(1).unwrap();
    after_host.split('/').next().unwrap().parse().unwrap()
}
