//! What is rehearsed never happened.

use postgres::testing::TestDatabase;
use postgres::{Rehearsal, RequestContext};

use crate::support::principal;

#[tokio::test]
async fn it_acts_as_the_principal_and_leaves_nothing() {
    let database = TestDatabase::create().await;
    let rehearsal = Rehearsal::begin(&database.owner, &["anon", "authenticated"]).await.unwrap();
    rehearsal
        .run(
            "create table public.notes (id int primary key, user_id text);
             alter table public.notes enable row level security;
             grant select, insert on public.notes to authenticated;
             create policy own on public.notes to authenticated using (user_id = (select clerk.user_id()));
             insert into public.notes values (1, 'user_ada'), (2, 'user_bob')",
        )
        .await
        .unwrap();
    let ada = principal("user_ada", Some("org_acme")).await;
    rehearsal.mark().await.unwrap();
    rehearsal.act_as(&ada, &RequestContext::default()).await.unwrap();
    let seen = rehearsal.query("select id, current_user::text, clerk.org_id() from public.notes", &[]).await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].get::<_, i32>(0), seen[0].get(1), seen[0].get(2)), (1, "authenticated", "org_acme"));
    let refused = rehearsal.run("insert into public.notes values (3, 'user_bob')").await.unwrap_err();
    assert_eq!(refused.sql_state().unwrap().code(), "42501");
    // A failed attempt is undone, and the owner is the owner again.
    rehearsal.undo().await.unwrap();
    let seen = rehearsal.query("select count(*), clerk.user_id() from public.notes", &[]).await.unwrap();
    assert_eq!((seen[0].get::<_, i64>(0), seen[0].get::<_, Option<&str>>(1)), (2, None));
    rehearsal.end().await.unwrap();

    let table = "select to_regclass('public.notes') is null";
    assert!(database.owner.get().await.unwrap().query_one(table, &[]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn a_dropped_rehearsal_leaves_nothing_either() {
    let database = TestDatabase::create().await;
    let rehearsal = Rehearsal::begin(&database.owner, &[]).await.unwrap();
    rehearsal.run("create table public.notes (id int)").await.unwrap();
    drop(rehearsal);
    let table = "select to_regclass('public.notes') is null";
    assert!(database.owner.get().await.unwrap().query_one(table, &[]).await.unwrap().get::<_, bool>(0));
}
