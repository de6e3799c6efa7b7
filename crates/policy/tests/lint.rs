//! The rules on live catalogues: as Postgres writes conditions back, and on everything that Rowlock itself installs.

use policy::catalogue::Catalogue;
use policy::lint::{RULES, lint, render, sources_of};
use postgres::Rehearsal;
use postgres::testing::TestDatabase;

use crate::support::app::{execute, protected};

/// What the examples take for granted.
const PRELUDE: &str = "
    create schema if not exists auth; create schema if not exists private;
    create table if not exists auth.users (id text primary key);
    create schema if not exists storage;
    create table if not exists storage.objects (id uuid primary key, bucket_id text, owner uuid, owner_id text);
    create or replace function auth.jwt() returns jsonb language sql stable as 'select null::jsonb';
    create or replace function auth.uid() returns uuid language sql stable as 'select null::uuid';
    grant usage on schema public to anon, authenticated;";
const NOTES: &str = "create table public.notes (id bigint primary key, user_id text, owner_email text, is_public boolean, body text, org_id text, deleted_at timestamptz); create index on public.notes (user_id);";
const PROJECTS: &str = "create table public.projects (id bigint primary key, org_id text); create index on public.projects (org_id); alter table public.projects enable row level security; grant select on public.projects to authenticated;";
const MEMBERS: &str = "create table public.members (org_id text, user_id text, primary key (user_id, org_id)); alter table public.members enable row level security;";
const AUDIT: &str = "create table public.audit_log (id bigint primary key, actor text);";

#[tokio::test]
async fn each_rule_finds_its_bad_example_in_a_database() {
    let database = TestDatabase::create().await;
    // What is only seen in files: docs/lint.md names them.
    const IN_FILES: [&str; 5] = ["own-clock", "platform-schema", "unknown-extension", "uuid-generate", "no-policy"];
    for rule in RULES.iter().filter(|rule| !IN_FILES.contains(&rule.id)) {
        // A column of one type cannot be compared with another, and no key of text points at a uuid: Postgres refuses these itself.
        let example = rule.bad.replace("(select auth.uid()) = user_id", "(select auth.uid())::text = user_id");
        let rehearsal = Rehearsal::begin(&database.owner, &[]).await.unwrap();
        rehearsal.run(PRELUDE).await.unwrap();
        for (table, statements) in [
            ("public.notes", NOTES),
            ("public.projects", PROJECTS),
            ("public.members", MEMBERS),
            ("public.audit_log", AUDIT),
        ] {
            if !example.contains(&format!("create table {table}")) {
                rehearsal.run(statements).await.unwrap();
            }
        }
        if let Err(error) = rehearsal.run(&example).await {
            panic!("{}: {error}", rule.id);
        }
        // Policies only count where they are asked.
        if !matches!(rule.id, "rls-off" | "policies-without-rls") {
            rehearsal.run("alter table if exists public.notes enable row level security").await.unwrap();
        }
        let sources = sources_of(&Catalogue::read_in(&rehearsal).await.unwrap());
        rehearsal.end().await.unwrap();
        let found: Vec<&str> = lint(&sources).iter().map(policy::lint::Diagnostic::id).collect();
        assert!(found.contains(&rule.id), "{}: {found:?}\n{}", rule.id, rule.bad);
    }
}

#[tokio::test]
async fn what_rowlock_installs_and_generates_is_clean() {
    let database = protected().await;
    let catalogue = Catalogue::read(&database.owner.get().await.unwrap()).await.unwrap();
    let sources = sources_of(&catalogue);
    assert!(sources.iter().any(|source| source.name() == "database: clerk.users"));
    let found = lint(&sources);
    let told: Vec<String> = found.iter().map(|diagnostic| render(diagnostic, &sources, false)).collect();
    assert!(found.is_empty(), "{}", told.join("\n\n"));
}

#[tokio::test]
async fn what_was_changed_by_hand_is_found() {
    let database = protected().await;
    execute(
        &database,
        "alter policy notes_select on public.notes using (user_id = clerk.user_id());
         drop index public.projects_org_id_idx;
         grant select on clerk.users to anon;
         create view public.everything as select * from public.notes; grant select on public.everything to anon;",
    )
    .await;
    let catalogue = Catalogue::read(&database.owner.get().await.unwrap()).await.unwrap();
    let sources = sources_of(&catalogue);
    let found = lint(&sources);
    let told: Vec<String> = found.iter().map(|diagnostic| render(diagnostic, &sources, false)).collect();
    insta::assert_snapshot!(told.join("\n\n"), @"
    error[exposed-mirror]: clerk.users: clients get at Rowlock's own tables
      --> database: clerk.users:31:1
       |
    31 | grant select on table clerk.users to anon;
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ anon gets at clerk.users
       |
       = note: Schema `rowlock` holds deliveries as they came, and `raw` in the mirror holds private metadata. Neither is for clients; nobody but Rowlock writes the mirror.
    help: revoke it; what clients may read is granted by the migrations (docs/lint.md#exposed-mirror)

    error[view-rights]: public.everything: a view reads past row-level security
     --> database: public.everything:1:13
      |
    1 | create view public.everything as select 1;
      |             ^^^^^^^^^^^^^^^^^ reads with its owner's rights, past row-level security
      |
      = note: Unless `security_invoker` is set, a view reads with its owner's rights: its readers see every row of the tables below.
    help: create view … with (security_invoker = true) (docs/lint.md#view-rights)

    warning[unwrapped-call]: public.notes: a question about the caller is asked for every row
      --> database: public.notes:27:21
       |
    27 |   using ((user_id = clerk.user_id()));
       |                     ^^^^^^^^^^^^^^^ called for every row; write (select clerk.user_id())
       |
       = note: Bare, the function is called for each row: 143 ms on 100 000 rows. In a sub-select Postgres asks once: 0.1 ms with an index.
    help: write (select clerk.user_id()) (docs/lint.md#unwrapped-call)

    warning[missing-index]: public.projects: a policy's column has no index
      --> database: public.projects:26:12
       |
    26 |   using (((org_id = ( SELECT clerk.org_id() AS org_id)) AND ( SELECT clerk.has_role('org:admin'::text) AS has_role)));
       |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ no index begins with org_id
       |
       = note: The policy is a condition of every query. Without an index that begins with its column, every query reads the whole table.
    help: create index on … (the column) (docs/lint.md#missing-index)
    ");
}
