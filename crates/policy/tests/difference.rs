//! What a database lacks of the declaration, and that the migration ends it.

use insta::assert_snapshot;
use policy::difference::{DifferenceError, difference};
use policy::generator::{Existing, migration};
use policy::model::Model;
use postgres::testing::TestDatabase;

use crate::support::app::{execute, model, protected, unprotected};

async fn told(model: &Model, database: &TestDatabase) -> String {
    difference(model, &database.owner).await.unwrap().to_string()
}

#[tokio::test]
async fn after_the_migration_nothing_differs_and_it_may_run_again() {
    let database = unprotected().await;
    let found = difference(&model(), &database.owner).await.unwrap();
    assert_eq!(found.tables.len(), model().tables.len());
    execute(&database, &found.migration).await;
    assert_eq!(told(&model(), &database).await, "");
    execute(&database, &found.migration).await;
    assert_eq!(told(&model(), &database).await, "");
    // What is written without looking comes to the same where nothing is in the way, but for the sequences of `serial`.
    let offline = migration(&model(), model().tables.iter().map(|table| (table, Existing::default())));
    execute(&database, &offline).await;
    assert_eq!(told(&model(), &database).await, "");
}

#[tokio::test]
async fn looking_changes_nothing() {
    let database = unprotected().await;
    let first = told(&model(), &database).await;
    assert!(first.contains("+ row-level security on"), "{first}");
    assert_eq!(first, told(&model(), &database).await);
}

/// What anybody changed by hand is told, in the terms of the database.
#[tokio::test]
async fn drift_is_told() {
    let database = protected().await;
    execute(
        &database,
        "drop policy notes_update on public.notes;
         create policy \"let them in\" on public.notes for select to public using (true);
         grant insert on public.reports to anon;
         drop index public.notes_user_id_idx;
         alter table public.invoices disable row level security;
         revoke usage on sequence public.notes_id_seq from authenticated;",
    )
    .await;
    assert_snapshot!(told(&model(), &database).await, @r#"
    public.notes
      - policy "let them in" for select to public using (true)
      - sequence public.notes_id_seq not usable
      + policy notes_update for update to authenticated using ((user_id = ( SELECT clerk.user_id() AS user_id))) with check ((user_id = ( SELECT clerk.user_id() AS user_id)))
      + index notes_user_id_idx on (user_id)
      + sequence public.notes_id_seq usable

    public.invoices
      - row-level security off
      + row-level security on

    public.reports
      - grant insert to anon
    "#);
    let migration = difference(&model(), &database.owner).await.unwrap().migration;
    assert!(!migration.contains("public.projects"), "tables without a difference are left alone:\n{migration}");
    execute(&database, &migration).await;
    assert_eq!(told(&model(), &database).await, "");
}

/// The classic: a uuid that points at Supabase's own users, and policies that ask `auth.uid()`.
#[tokio::test]
async fn a_table_of_supabase_auth_is_adopted() {
    let database = TestDatabase::create().await;
    execute(
        &database,
        "create schema auth;
         create table auth.users (id uuid primary key);
         create function auth.uid() returns uuid language sql stable as $$ select (current_setting('request.jwt.claims')::jsonb ->> 'sub')::uuid $$;
         insert into auth.users values ('6f2c1b1e-0000-4000-8000-000000000001'), ('6f2c1b1e-0000-4000-8000-000000000002');
         create table public.notes (id bigint generated always as identity primary key, user_id uuid not null default auth.uid() references auth.users, body text);
         insert into public.notes (user_id, body) select id, 'mine' from auth.users;
         alter table public.notes enable row level security;
         create policy \"Users can see their own notes.\" on public.notes for select using (auth.uid() = user_id);
         insert into clerk.users (id, external_id, clerk_updated_at, event_at, delivery_id, synced_at, source)
           values ('user_ada', '6f2c1b1e-0000-4000-8000-000000000001', 1, 1, 'msg', now(), 'backfill');",
    )
    .await;
    let notes = Model::parse("[[table]]\nname = 'notes'\naccess = 'user'\nowner = 'user_id'").unwrap();
    let found = difference(&notes, &database.owner).await.unwrap();
    assert_snapshot!(found.migration.split("revoke").next().unwrap(), @r#"
    -- Written by `rowlock policy generate` from rowlock.toml. Read it before you apply it, change rowlock.toml and not this file.
    -- It needs Rowlock's functions in schema clerk (`rowlock migrate`), and may be run again.

    grant usage on schema public to anon, authenticated, service_role;

    -- public.notes: each row is the user's in user_id; select owner, insert owner, update owner, delete owner.
    alter table public.notes enable row level security;
    drop policy if exists "Users can see their own notes." on public.notes; -- not in rowlock.toml
    drop policy if exists notes_select on public.notes;
    drop policy if exists notes_insert on public.notes;
    drop policy if exists notes_update on public.notes;
    drop policy if exists notes_delete on public.notes;
    drop policy if exists notes_not_pending on public.notes;

    -- user_id was uuid: Clerk's ids are text.
    alter table public.notes drop constraint if exists notes_user_id_fkey; -- pointed at auth.users
    alter table public.notes alter column user_id drop default;
    alter table public.notes alter column user_id type text using user_id::text;
    -- Users who were imported into Clerk with their old id as `external_id` get their rows back.
    update public.notes set user_id = u.id from clerk.users as u where u.external_id = public.notes.user_id and u.deleted_at is null;

    alter table public.notes alter column user_id set default clerk.user_id();
    "#);
    execute(&database, &found.migration).await;
    assert_eq!(told(&notes, &database).await, "");
    let rows =
        database.owner.get().await.unwrap().query("select user_id from public.notes order by id", &[]).await.unwrap();
    let owners: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(owners, ["user_ada", "6f2c1b1e-0000-4000-8000-000000000002"]);
}

#[tokio::test]
async fn what_cannot_be_is_told_before_anything_is_written() {
    let database = TestDatabase::create().await;
    execute(
        &database,
        "create table public.users (id uuid primary key);
         create table public.notes (id bigint primary key, user_id uuid references public.users, body text);",
    )
    .await;
    let refused = async |text: &str| difference(&Model::parse(text).unwrap(), &database.owner).await.unwrap_err();
    assert_snapshot!(refused("[[table]]\nname = 'nots'\naccess = 'user'\nowner = 'user_id'").await, @"the database has no table public.nots; expected it to be there: create it first, then its policies");
    assert_snapshot!(refused("[[table]]\nname = 'notes'\naccess = 'user'\nowner = 'owner'").await, @"public.notes has no column owner, which rowlock.toml names; it has: id, user_id, body");
    assert_snapshot!(refused("[[table]]\nname = 'notes'\naccess = 'user'\nowner = 'user_id'").await, @"public.notes.user_id is uuid and references public.users; Clerk's ids are text: give public.users a text key with Clerk's ids first, or drop the constraint notes_user_id_fkey");
    let custom = "[[table]]\nname = 'users'\naccess = 'custom'\n[[table.policy]]\nname = 'a'\ncommand = 'select'\nusing = 'nobody_made_this()'";
    let error = refused(custom).await;
    assert!(matches!(error, DifferenceError::Refused(_)), "{error:?}");
}
