//! Migrations and seeds.

use insta::assert_snapshot;
use supabase::{Applied, Difference};

use crate::support::Stage;

const FIRST: &str = "-- Tasks.\ncreate table public.tasks (id bigint primary key, title text not null);\n\nalter table public.tasks enable row level security;\n";

#[tokio::test]
async fn what_is_new_is_applied_once_recorded_and_seeded() {
    let stage = Stage::set(&[
        ("migrations/20260101000000_tasks.sql", FIRST),
        ("seed.sql", "insert into public.tasks values (1, 'row the boat; gently');"),
    ])
    .await;
    let applied = stage.project().apply(&stage.owner).await.unwrap();
    assert_eq!(applied.migrations, ["20260101000000_tasks.sql"]);
    assert_eq!(applied.seeds, ["supabase/seed.sql"]);
    let record =
        "select version || ' ' || name || ' ' || to_jsonb(statements)::text from supabase_migrations.schema_migrations";
    assert_snapshot!(stage.texts(record).await, @r#"20260101000000 tasks ["-- Tasks.\ncreate table public.tasks (id bigint primary key, title text not null)", "alter table public.tasks enable row level security"]"#);
    assert_eq!(stage.project().apply(&stage.owner).await.unwrap(), Applied::default());
    stage.write("migrations/20260102000000_more.sql", "alter table public.tasks add done boolean;");
    let applied = stage.project().apply(&stage.owner).await.unwrap();
    assert_eq!(applied.migrations, ["20260102000000_more.sql"]);
    stage.end().await;
}

#[tokio::test]
async fn a_file_that_fails_leaves_nothing_and_says_where() {
    let stage = Stage::set(&[
        ("migrations/20260101000000_tasks.sql", FIRST),
        ("migrations/20260102000000_wrong.sql", "create table public.half (id int);\n\nselect\n  1 +\n  nothing;\n"),
    ])
    .await;
    let error = stage.project().apply(&stage.owner).await.unwrap_err();
    assert_snapshot!(error, @r#"supabase/migrations/20260102000000_wrong.sql:5: column "nothing" does not exist (42703)"#);
    assert_snapshot!(stage.texts("select relname::text from pg_class where relname in ('tasks', 'half')").await, @"tasks");
    stage.write("migrations/20260102000000_wrong.sql", "create extension vector;");
    let error = stage.project().apply(&stage.owner).await.unwrap_err().to_string();
    assert!(error.contains("hint: install it for this Postgres") || error.contains("already exists"), "{error}");
    stage.write("migrations/20260102000000_wrong.sql", "set role anon; create table public.half (id int);");
    let error = stage.project().apply(&stage.owner).await.unwrap_err();
    assert_snapshot!(error, @"supabase/migrations/20260102000000_wrong.sql:1: permission denied for schema public (42501)");
    // The next one begins as the owner again.
    stage.write("migrations/20260102000000_wrong.sql", "create table public.half (id int);");
    stage.project().apply(&stage.owner).await.unwrap();
    stage.end().await;
}

#[tokio::test]
async fn what_was_applied_and_reads_differently_now_is_told_and_not_applied_again() {
    let stage = Stage::set(&[("migrations/20260101000000_tasks.sql", FIRST), ("seed.sql", "select 1;")]).await;
    stage.project().apply(&stage.owner).await.unwrap();
    // White space and a semicolon more are no difference.
    stage.write("migrations/20260101000000_tasks.sql", &FIRST.replace("\n\n", "\n \n\n"));
    assert_eq!(stage.project().apply(&stage.owner).await.unwrap(), Applied::default());
    stage.write("migrations/20260101000000_tasks.sql", &FIRST.replace("bigint", "integer"));
    stage.write("seed.sql", "select 2;");
    let record = "insert into supabase_migrations.schema_migrations (version) values ('20250101000000')";
    stage.client().await.batch_execute(record).await.unwrap();
    let applied = stage.project().apply(&stage.owner).await.unwrap();
    assert_eq!(
        applied.differences,
        [
            Difference::Changed { file: "20260101000000_tasks.sql".to_owned() },
            Difference::Gone { version: "20250101000000".to_owned() },
            Difference::SeedChanged { path: "supabase/seed.sql".to_owned() },
        ]
    );
    assert!(applied.migrations.is_empty() && applied.seeds.is_empty());
    stage.end().await;
}
