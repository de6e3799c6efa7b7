//! A client's transaction in full: as whom, how it ends, and what connections remember.

use postgres::testing::TestDatabase;
use postgres::{ClientPool, ClientTransaction, DatabaseUrl, End, Error, PoolOptions, Row, Verdict};

use crate::support::transaction;

const NOTES: &str = "
    create table public.notes (id integer primary key, owner text not null);
    grant select, insert on public.notes to anon, authenticated;
    alter table public.notes enable row level security;
    create policy everybody on public.notes to anon using (true) with check (true);
    create policy own on public.notes to authenticated using (owner = current_setting('request.jwt.claims'));
    insert into public.notes values (1, 'ada'), (2, 'bob');
";

async fn with_notes() -> (TestDatabase, ClientPool) {
    let database = TestDatabase::create().await;
    database.owner.get().await.unwrap().batch_execute(NOTES).await.unwrap();
    let one = one_connection(&database.url.for_clients());
    (database, one)
}

/// A pool of one connection: whoever comes next gets what the one before left.
fn one_connection(url: &DatabaseUrl) -> ClientPool {
    ClientPool::new(url, &PoolOptions { size: 1, ..PoolOptions::default() }).unwrap()
}

async fn count(pool: &ClientPool, role: &str, claims: &str) -> Result<i64, Error> {
    let statements: [postgres::ClientStatement<'_>; 1] = [("select count(*) from public.notes", &[])];
    let rows = pool.run_for_client(transaction(role, claims, &statements)).await?;
    Ok(rows[0][0].get(0))
}

async fn prepared(pool: &ClientPool) -> i64 {
    let statement = "select count(*) from pg_prepared_statements where statement like '%public.notes%'";
    pool.ask(statement, &[]).await.unwrap()[0].get(0)
}

#[tokio::test]
async fn each_role_has_its_own_plan_of_a_statement_and_sees_its_own_rows() {
    let (_database, pool) = with_notes().await;
    for _ in 0..3 {
        assert_eq!(count(&pool, "anon", "").await.unwrap(), 2);
        assert_eq!(count(&pool, "authenticated", "ada").await.unwrap(), 1);
        assert_eq!(count(&pool, "authenticated", "nobody").await.unwrap(), 0);
    }
    assert_eq!(prepared(&pool).await, 2);
}

#[tokio::test]
async fn what_was_prepared_and_is_gone_or_changed_is_prepared_anew() {
    let (database, pool) = with_notes().await;
    assert_eq!(count(&pool, "anon", "").await.unwrap(), 2);
    pool.ask("deallocate all", &[]).await.unwrap();
    assert_eq!(count(&pool, "anon", "").await.unwrap(), 2);
    let all: [postgres::ClientStatement<'_>; 1] = [("select * from public.notes", &[])];
    let columns = |rows: Vec<Vec<Row>>| rows[0][0].len();
    assert_eq!(columns(pool.run_for_client(transaction("anon", "", &all)).await.unwrap()), 2);
    let change = "alter table public.notes add column said text";
    database.owner.get().await.unwrap().batch_execute(change).await.unwrap();
    assert_eq!(columns(pool.run_for_client(transaction("anon", "", &all)).await.unwrap()), 3);
}

#[tokio::test]
async fn a_role_that_the_login_may_not_become_ends_it_all() {
    let (_database, pool) = with_notes().await;
    for role in ["postgres", "nobody"] {
        assert!(count(&pool, role, "").await.is_err(), "{role}");
    }
    assert_eq!(count(&pool, "anon", "").await.unwrap(), 2);
}

#[tokio::test]
async fn the_rows_decide_about_the_end() {
    let (_database, pool) = with_notes().await;
    let insert: [postgres::ClientStatement<'_>; 1] = [("insert into public.notes values (3, 'eve') returning id", &[])];
    for (verdict, left) in [(Verdict::Discard, 2), (Verdict::RollBack, 2), (Verdict::Commit, 3)] {
        let decide = |rows: &[Vec<Row>]| {
            assert_eq!(rows[0].len(), 1);
            verdict
        };
        let end = End::Decided(&decide);
        pool.run_for_client(ClientTransaction { end, ..transaction("anon", "", &insert) }).await.unwrap();
        assert_eq!(count(&pool, "anon", "").await.unwrap(), left, "{verdict:?}");
    }
}

#[tokio::test]
async fn a_reader_never_writes_not_even_after_its_rows_were_made() {
    let (_database, pool) = with_notes().await;
    let insert: [postgres::ClientStatement<'_>; 1] = [("insert into public.notes values (3, 'eve')", &[])];
    for ensures_rows in [false, true] {
        let claims = r#"{"sub":"user_ada","iss":"https://clerk.example.com"}"#;
        let reader =
            ClientTransaction { read_only: true, ensures_rows, ..transaction("authenticated", claims, &insert) };
        let error = pool.run_for_client(reader).await.unwrap_err();
        assert_eq!(error.sql_state().map(|state| state.code()), Some("25006"), "{error:?}");
    }
    assert_eq!(count(&pool, "anon", "").await.unwrap(), 2);
}

/// Cleaning is shorter then.
#[tokio::test]
async fn a_reader_leaves_no_setting_and_no_lock_either() {
    let (_database, pool) = with_notes().await;
    let leave: [postgres::ClientStatement<'_>; 1] =
        [("select set_config('app.left', 'here', false), set_config('role', 'anon', false), pg_advisory_lock(7)", &[])];
    let reader = ClientTransaction { read_only: true, ..transaction("authenticated", "ada", &leave) };
    pool.run_for_client(reader).await.unwrap();
    let left = "select coalesce(current_setting('app.left', true), '') || current_user,
                       (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())";
    let rows = pool.ask(left, &[]).await.unwrap();
    assert_eq!((rows[0].get::<_, &str>(0), rows[0].get::<_, i64>(1)), ("rowlock_client", 0));
}

#[tokio::test]
async fn a_refusal_before_the_statements_keeps_them_from_running() {
    let (database, pool) = with_notes().await;
    let refuse = "create function public.refuse() returns void language plpgsql as $$ begin raise 'closed'; end $$";
    database.owner.get().await.unwrap().batch_execute(refuse).await.unwrap();
    let insert: [postgres::ClientStatement<'_>; 1] = [("insert into public.notes values (3, 'eve')", &[])];
    let refused = ClientTransaction { before: Some("select public.refuse()"), ..transaction("anon", "", &insert) };
    let error = pool.run_for_client(refused).await.unwrap_err();
    assert_eq!(error.to_string(), "Postgres refused the statement: closed (P0001)");
    assert_eq!(count(&pool, "anon", "").await.unwrap(), 2);
}

/// The commit and the cleaning are one flight: what stands behind a commit that failed is sent again.
#[tokio::test]
async fn a_commit_that_fails_is_told_and_the_session_is_clean() {
    let (database, pool) = with_notes().await;
    let more = "
        alter table public.notes add column parent integer references public.notes deferrable initially deferred;
        create function public.leave() returns text language sql as $$ select set_config('app.left', 'here', false) $$;
    ";
    database.owner.get().await.unwrap().batch_execute(more).await.unwrap();
    let backend = async || {
        let row = pool.ask("select pg_backend_pid(), current_setting('app.left', true)", &[]).await.unwrap();
        (row[0].get::<_, i32>(0), row[0].get::<_, Option<String>>(1))
    };
    let (before, _) = backend().await;
    let statements: [postgres::ClientStatement<'_>; 2] =
        [("select public.leave()", &[]), ("insert into public.notes (id, owner, parent) values (3, 'ada', 99)", &[])];
    let failed = pool.run_for_client(transaction("authenticated", "ada", &statements)).await;
    assert!(matches!(&failed, Err(Error::Refused(refusal)) if refusal.code().code() == "23503"), "{failed:?}");
    let (after, left) = backend().await;
    assert_eq!(before, after, "the connection is kept");
    assert_eq!(left.unwrap_or_default(), "");
    assert_eq!(count(&pool, "anon", "").await.unwrap(), 2);
}
