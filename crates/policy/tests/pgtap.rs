//! pgTAP files against a server without pgTAP: a few of its functions, in a few lines, stand in for its SQL.

use policy::pgtap::{PgtapError, run};

use crate::support::app::{execute, protected};

const FEW: &str = r#"
\echo Use "CREATE EXTENSION pgtap" to load this file. \quit
create temporary sequence number;
create function plan(tests integer) returns text language sql as $$ select '1..' || tests $$;
create function ok(good boolean, what text) returns text language sql as $$
  select case when good then '' else 'not ' end || 'ok ' || nextval('number') || ' - ' || what $$;
create function finish() returns setof text language sql as $$ select null::text where false $$;
"#;

const TESTS: &str = "
begin;
create extension if not exists pgtap with schema extensions;
select plan(2);
insert into public.notes (user_id, body) values ('user_1', 'hers'), ('user_2', 'his');
select set_config('request.jwt.claim.sub', 'user_1', true);
grant usage on schema extensions to authenticated;
grant usage on sequence number to authenticated;
set local role authenticated;
select ok((select count(*) from public.notes) = 1, 'she sees her own');
select ok(not exists (select from public.notes where user_id = 'user_2'), 'and nobody else''s');
select * from finish();
rollback;
";

#[tokio::test]
async fn a_file_runs_and_leaves_nothing() {
    let database = protected().await;
    let outcome = run(&database.owner, TESTS, Some(FEW)).await.unwrap();
    assert!(outcome.is_good(), "{outcome:?}");
    assert_eq!((outcome.planned, outcome.passed), (Some(2), 2));
    let left = "select count(*) from public.notes";
    assert_eq!(database.owner.get().await.unwrap().query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
    // A file that forgets its `rollback`, or commits, leaves as little.
    let forgetful = TESTS.replace("rollback;", "commit;");
    assert!(run(&database.owner, &forgetful, Some(FEW)).await.unwrap().is_good());
    assert_eq!(database.owner.get().await.unwrap().query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let database = protected().await;
    execute(&database, "drop policy notes_select on public.notes; create policy open on public.notes for select to authenticated using (true)").await;
    let outcome = run(&database.owner, TESTS, Some(FEW)).await.unwrap();
    assert_eq!(outcome.reason().unwrap(), "2 of 2 tests failed");
    assert_eq!(outcome.failed, ["1 - she sees her own", "2 - and nobody else's"]);
    let broken = TESTS.replace("public.notes where", "public.nots where");
    let reason = run(&database.owner, &broken, Some(FEW)).await.unwrap().reason().unwrap();
    assert!(reason.starts_with("Postgres stopped after 1 tests: "), "{reason}");
    if database
        .owner
        .get()
        .await
        .unwrap()
        .query("select from pg_available_extensions where name = 'pgtap'", &[])
        .await
        .unwrap()
        .is_empty()
    {
        assert!(matches!(run(&database.owner, TESTS, None).await.unwrap_err(), PgtapError::Absent));
    }
}
