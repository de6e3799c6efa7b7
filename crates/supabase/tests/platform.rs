//! What a Supabase database has before its first migration.

use insta::assert_snapshot;

use crate::support::Stage;

/// Every kind of statement that migrations written for Supabase have.
const MIGRATION: &str = "
    create extension if not exists pg_net with schema extensions;
    create extension if not exists \"uuid-ossp\" with schema extensions;
    create extension if not exists pgjwt with schema extensions;
    create extension if not exists pg_graphql;
    create extension if not exists pgsodium;
    create extension if not exists pg_cron;
    create table public.profiles (
      id uuid primary key default uuid_generate_v4(),
      user_id text not null default (auth.jwt() ->> 'sub'),
      made_by uuid references auth.users (id)
    );
    alter table public.profiles enable row level security;
    create policy own on public.profiles to authenticated using ((select auth.jwt() ->> 'sub') = user_id);
    alter publication supabase_realtime add table public.profiles;
    create policy mine on storage.objects for select to authenticated
      using (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.jwt() ->> 'sub'));
    create policy listen on realtime.messages for select to authenticated using (realtime.topic() = 'room');
    insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
    select cron.schedule('nightly', '0 3 * * *', $$select net.http_post(url := 'http://127.0.0.1:1/')$$);
    select vault.create_secret('hush', 'key');
    create function public.tell() returns trigger language plpgsql as $$
    begin
      perform realtime.broadcast_changes('room', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
      return new;
    end $$;
    create trigger tell after insert or update or delete on public.profiles for each row execute function public.tell();
";

#[tokio::test]
async fn a_migration_made_for_supabase_applies_unchanged_and_works() {
    let stage = Stage::set(&[("migrations/20260101000000_all.sql", MIGRATION)]).await;
    stage.project().apply(&stage.owner).await.unwrap();
    let client = stage.client().await;
    let as_ada = "begin; set local role authenticated;
        select set_config('request.jwt.claims', '{\"sub\": \"user_ada\", \"role\": \"authenticated\"}', true)";
    client.batch_execute(as_ada).await.unwrap();
    let row =
        client.query_one("select auth.jwt() ->> 'sub', auth.role(), count(*) from public.profiles", &[]).await.unwrap();
    assert_eq!(("user_ada", "authenticated", 0), (row.get(0), row.get(1), row.get::<_, i64>(2)));
    // Clerk's ids are no uuids, and nobody is told that they were.
    let error = client.query_one("select auth.uid()", &[]).await.unwrap_err();
    assert!(error.as_db_error().unwrap().message().starts_with("invalid input syntax for type uuid"), "{error:?}");
    client.batch_execute("rollback; insert into public.profiles (user_id) values ('user_ada')").await.unwrap();
    assert_snapshot!(stage.texts("select payload ->> 'operation' || ' ' || (payload -> 'record' ->> 'user_id') from realtime.messages").await, @"INSERT user_ada");
    assert_snapshot!(stage.texts("select decrypted_secret from vault.decrypted_secrets where name = 'key'").await, @"hush");
    assert_snapshot!(stage.texts("select jobname || ' ' || schedule from cron.job").await, @"nightly 0 3 * * *");
    assert_snapshot!(stage.texts("select array_to_string(storage.foldername('a/b/c.d.png'), '|') || ' ' || storage.filename('a/b/c.png') || ' ' || storage.extension('a/b/c.png')").await, @"a|b c.png png");
    stage.end().await;
}

#[tokio::test]
async fn tokens_that_pgjwt_signs_are_as_everybody_elses() {
    let stage = Stage::set(&[]).await;
    let client = stage.client().await;
    client.batch_execute("create extension pgjwt with schema extensions").await.unwrap();
    // The example of RFC 7519's best-known debugger.
    let signed =
        "select sign('{\"sub\":\"1234567890\",\"name\":\"John Doe\",\"iat\":1516239022}', 'your-256-bit-secret')";
    assert_snapshot!(stage.texts(signed).await, @"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c");
    let verified =
        format!("select v.valid::text || v.payload::text from verify(({signed}), 'your-256-bit-secret') as v");
    assert_snapshot!(stage.texts(&verified).await, @r#"true{"sub":"1234567890","name":"John Doe","iat":1516239022}"#);
    stage.end().await;
}

#[tokio::test]
async fn addresses_of_requests_are_encoded() {
    let stage = Stage::set(&[]).await;
    stage.client().await.batch_execute("create extension pg_net").await.unwrap();
    stage.texts("select net.http_get('http://127.0.0.1/x?a=1', '{\"b\": \"ä & b\", \"c\": \"1\"}')::text").await;
    assert_snapshot!(stage.texts("select method || ' ' || url from net.http_request_queue").await, @"GET http://127.0.0.1/x?a=1&b=%C3%A4%20%26%20b&c=1");
    stage.end().await;
}

#[tokio::test]
async fn it_may_be_installed_again_and_keeps_what_is_there() {
    let stage = Stage::set(&[]).await;
    stage.client().await.batch_execute("insert into storage.buckets (id, name) values ('a', 'a')").await.unwrap();
    supabase::install_platform(&stage.owner, false).await.unwrap();
    assert_snapshot!(stage.texts("select id from storage.buckets").await, @"a");
    stage.client().await.batch_execute("create table public.hidden (id int)").await.unwrap();
    let granted = "select has_table_privilege('anon', 'public.hidden', 'select')::text";
    assert_snapshot!(stage.texts(granted).await, @"false");
    supabase::install_platform(&stage.owner, true).await.unwrap();
    stage.client().await.batch_execute("create table public.shown (id int)").await.unwrap();
    let granted = "select has_table_privilege('anon', 'public.shown', 'select')::text";
    assert_snapshot!(stage.texts(granted).await, @"true");
    stage.end().await;
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let stage = Stage::set(&[]).await;
    stage.client().await.batch_execute("create extension pg_net; create extension pg_cron").await.unwrap();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sql/supabase");
    let mut prepared = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".sql") && !name.ends_with(".script.sql") {
            let text = std::fs::read_to_string(&path).unwrap();
            stage.client().await.prepare(&text).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            prepared += 1;
        }
    }
    assert!(prepared >= 4, "{prepared}");
    stage.end().await;
}
