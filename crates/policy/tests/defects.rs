//! Mistakes that were found in templates, kits and guides for Clerk and Postgres, one after the other, each on its smallest example:
//! a rule of the linter finds it, and says what to do.

use policy::lint::{Source, lint, render};

/// (what goes wrong, the SQL of it, the rule that finds it)
type Defect = (&'static str, &'static str, &'static str);

/// A widely copied set of templates for Clerk and Supabase: fourteen, and three beside them.
const TEMPLATES: &[Defect] = &[
    (
        "1 a late delivery overwrites what is newer, and the trigger hides it",
        "create table users (id uuid primary key, clerk_id text unique, email text, updated_at timestamptz);
         alter table users enable row level security;
         create function set_updated_at() returns trigger language plpgsql as $$ begin new.updated_at = now(); return new; end; $$;
         create trigger users_updated before update on users for each row execute function set_updated_at();",
        "own-clock",
    ),
    (
        "2 a late user.updated brings a deleted user back",
        "create table users (id uuid primary key, clerk_id text unique not null, email text, first_name text);
         alter table users enable row level security;",
        "hand-made-mirror",
    ),
    (
        "3 a membership that comes before its organization is refused",
        "create table organizations (id uuid primary key, clerk_org_id text unique, name text, slug text);
         create table organization_members (org_id text references organizations (clerk_org_id), user_id text, role text);",
        "mirror-key",
    ),
    (
        "4 a user without a username is refused by a trigger",
        "create table users (id uuid primary key, clerk_id text, username text);
         create function check_username() returns trigger language plpgsql as
           $$ begin if length(new.username) < 3 then raise exception 'username too short'; end if; return new; end $$;
         create trigger username before insert or update on users for each row execute procedure check_username();",
        "identity-check",
    ),
    (
        "5 o'brien@example.com is refused",
        "create table users (id uuid primary key, clerk_id text, email text, constraint email_is_valid check (validate_email(email)));",
        "identity-check",
    ),
    (
        "6 the second backfill ends with 23505",
        "create table public.users (id uuid primary key, clerk_user_id text not null unique, full_name text);",
        "hand-made-mirror",
    ),
    (
        "7 a username that was handed on is refused",
        "create table users (id uuid primary key, clerk_id text unique, username text unique);",
        "unique-identity",
    ),
    (
        "8 people give themselves metadata and a role",
        "create table users (id uuid primary key, clerk_id text unique, email text, metadata jsonb);
         alter table users enable row level security;
         create policy own on users for update using (clerk_id = auth.jwt() ->> 'sub');",
        "self-granted",
    ),
    (
        "9 anonymous callers read the audit and make themselves admin",
        "create table organization_members (org_id text, user_id text, role text, primary key (org_id, user_id));",
        "rls-off",
    ),
    (
        "10 the role of Postgres is taken for the role of the application",
        "create policy admins on users for select to authenticated using ((select auth.jwt() ->> 'role') = 'admin');",
        "role-claim",
    ),
    (
        "11 tokens of version 2 see nothing",
        "create policy members on projects for select to authenticated using (org_id = (select auth.jwt() ->> 'org_id'));",
        "one-version",
    ),
    (
        "12 a changed role never arrives",
        "create table organization_members (organization_id text, user_id text, role text, primary key (organization_id, user_id));
         alter table organization_members enable row level security;",
        "hand-made-mirror",
    ),
    (
        "13 the end of an old membership removes the new one",
        "create table org_memberships (clerk_org_id text, clerk_user_id text, role text, unique (clerk_org_id, clerk_user_id));",
        "hand-made-mirror",
    ),
    (
        "14 a question for every row",
        "create policy members on projects for select to authenticated using (organization_id = auth.clerk_org_id());",
        "unwrapped-call",
    ),
    (
        "functions in the platform's schema",
        "create or replace function auth.clerk_org_id() returns text language sql stable as $$ select auth.jwt() ->> 'org_id' $$;",
        "platform-schema",
    ),
    (
        "a shortcode that no template resolves",
        "create policy own on notes for select to authenticated using (org_id = '{{user.organization_id}}');",
        "shortcode",
    ),
    (
        "the path of Clerk's withdrawn guide",
        "create policy own on notes for select to authenticated using (org_id = (select auth.jwt() ->> 'o.id'));",
        "claim-path",
    ),
];

/// Scaffolding tools, demos, kits, wrappers and real applications.
const ELSEWHERE: &[Defect] = &[
    (
        "a scaffolding tool: owners are uuids",
        "create table todos (id bigint primary key, user_id uuid not null);",
        "uuid-column",
    ),
    (
        "a scaffolding tool: keys to the users of another login",
        "create table todos (id bigint primary key, user_id uuid references auth.users not null);",
        "auth-users-key",
    ),
    (
        "a scaffolding tool: every request ends with 22P02",
        "create policy \"Users can view own todos\" on todos for select using (auth.uid() = user_id);",
        "auth-uid",
    ),
    (
        "a scaffolding tool: anybody joins any organization, as its owner",
        "create table organization_members (organization_id uuid, user_id text, role text default 'member');
         alter table organization_members enable row level security;
         create policy \"Users can join organizations\" on organization_members for insert to authenticated
           with check (user_id = (select auth.jwt() ->> 'sub'));",
        "tenant-unchecked",
    ),
    (
        "a scaffolding tool: an extension that does not exist",
        "create extension if not exists wasm;",
        "unknown-extension",
    ),
    (
        "a paste bin: whoever is signed in updates any paste",
        "create policy \"Update pastes\" on pastes for update using (auth.role() = 'authenticated');",
        "signed-in-writes",
    ),
    (
        "a paste bin: private pastes can be read",
        "create table pastes (id bigint primary key, body text, private boolean not null default false);
         alter table pastes enable row level security;
         create policy \"Read pastes\" on pastes for select using (true);",
        "private-readable",
    ),
    (
        "a kit: quotes of another database, and security stays off",
        "alter table `tasks` enable row level security;",
        "syntax",
    ),
    (
        "an application's repair: everybody writes everything",
        "create policy \"Allow all\" on payroll for all to anon, authenticated using (true) with check (true);",
        "always-true",
    ),
    (
        "a wrapper: foreign tables have no row-level security",
        "create foreign table clerk_api.users (id text) server clerk_server; grant select on clerk_api.users to authenticated;",
        "unprotected-relation",
    ),
    (
        "a sample: the role comes out of metadata that the user writes",
        "create policy admins on notes for select to authenticated using ((select auth.jwt() -> 'unsafe_metadata' ->> 'role') = 'admin');",
        "user-editable-claim",
    ),
    (
        "a starter: every organization's admin is admin of all",
        "create policy admins on notes for delete to authenticated using ((select coalesce(auth.jwt() ->> 'org_role', 'org:' || (auth.jwt() -> 'o' ->> 'rol'))) = 'org:admin');",
        "role-without-organization",
    ),
    (
        "an organization out of a header, which any client writes",
        "create policy members on public.notes for select to authenticated using (org_id = (select current_setting('request.headers', true)::json ->> 'x-org-id'));",
        "user-editable-claim",
    ),
    (
        "storage: files of nobody",
        "create policy own on storage.objects for select to authenticated using (owner = (select auth.uid()));",
        "storage-owner",
    ),
];

fn source(sql: &str) -> [Source; 1] {
    [Source::file("migrations/1.sql", sql)]
}

#[test]
fn every_known_defect_is_found_and_told_with_its_remedy() {
    for (what, sql, rule) in TEMPLATES.iter().chain(ELSEWHERE) {
        let sources = source(sql);
        let found = lint(&sources);
        let ids: Vec<&str> = found.iter().map(policy::lint::Diagnostic::id).collect();
        let Some(finding) = found.iter().find(|finding| finding.id() == *rule) else {
            panic!("{what}: expected {rule}, found {ids:?}\n{sql}");
        };
        if *rule != "syntax" {
            let told = render(finding, &sources, false);
            assert!(told.contains("help: ") && told.contains("= note: "), "{what}:\n{told}");
        }
    }
}

/// The shape of Supabase's own example for Clerk (version 1 and 2 side by side, a second factor in a restrictive policy): what is
/// found in it is wrong with it. Nothing is said about its claims, which are read right.
#[test]
fn the_official_example_has_four_findings_and_no_false_alarm() {
    let sql =
        "create table vault_items (id uuid primary key default uuid_generate_v4(), organization_id text not null);
alter table vault_items enable row level security;
create policy readers on vault_items for select to authenticated
  using (organization_id = (select coalesce(auth.jwt() ->> 'org_id', auth.jwt() -> 'o' ->> 'id')));
create policy writers on vault_items for insert to authenticated
  with check (
    ((select auth.jwt() ->> 'org_role') = 'org:admin' or (select auth.jwt() -> 'o' ->> 'rol') = 'admin')
    and organization_id = (select coalesce(auth.jwt() ->> 'org_id', auth.jwt() -> 'o' ->> 'id'))
  );
create policy second_factor on vault_items as restrictive for select to authenticated
  using ((select auth.jwt() -> 'fva' ->> 1) != '-1');
";
    let found = lint(&source(sql));
    let told: Vec<(&str, &str)> = found.iter().map(|found| (found.id(), &sql[found.range.clone()])).collect();
    let index = "organization_id = (select coalesce(auth.jwt() ->> 'org_id', auth.jwt() -> 'o' ->> 'id'))";
    assert_eq!(
        told,
        [
            // Found only where the schema of uuid-ossp is in the search path.
            ("uuid-generate", "uuid_generate_v4()"),
            // Every query reads the whole table.
            ("missing-grant", "readers"),
            ("missing-index", index),
            // Supabase grants nothing by default since 30 October 2026.
            ("missing-grant", "writers"),
        ]
    );
}

/// The same in a block that makes it repeatable.
#[test]
fn blocks_are_read() {
    let sql = "do $$
begin
  if not exists (select from pg_policies where policyname = 'members') then
    create policy members on public.projects for select to authenticated using (org_id = (select auth.jwt() ->> 'o.id'));
  end if;
  execute 'create table public.loose (id bigint primary key)';
  execute format('create policy %I on public.projects using (true)', 'unread');
exception when duplicate_object then null;
end
$$;";
    let sources = source(sql);
    let found = lint(&sources);
    let told: Vec<(&str, &str)> = found.iter().map(|found| (found.id(), &sql[found.range.clone()])).collect();
    assert_eq!(
        told,
        [("missing-grant", "members"), ("claim-path", "auth.jwt() ->> 'o.id'"), ("rls-off", "public.loose"),]
    );
}

#[test]
fn what_needs_no_thought_is_fixed() {
    let sql = "create table public.notes (id uuid primary key default uuid_generate_v4(), user_id text, org_id text);
create policy own on public.notes for select using (user_id = clerk.user_id());
create policy theirs on public.notes for update to authenticated
  using (org_id = (select auth.jwt() ->> 'o.id') and user_id = auth.uid());
create view public.mine as select * from public.notes;
";
    let fixed = policy::lint::fix(&source(sql));
    insta::assert_snapshot!(fixed.sources[0].text(), @"
    create table public.notes (id uuid primary key default gen_random_uuid(), user_id text, org_id text);
    create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()));
    create policy theirs on public.notes for update to authenticated
      using (org_id = (select clerk.org_id()) and user_id = (select clerk.user_id())) with check (org_id = (select clerk.org_id()) and user_id = (select clerk.user_id()));
    create view public.mine with (security_invoker = true) as select * from public.notes;
    alter table public.notes enable row level security;
    create index on public.notes (user_id);
    grant update on public.notes to authenticated;
    create index on public.notes (org_id);
    grant select on public.notes to authenticated;
    ");
    let left: Vec<&str> = lint(&fixed.sources).iter().map(policy::lint::Diagnostic::id).collect();
    assert_eq!(left, Vec::<&str>::new());
    assert!(policy::lint::fix(&fixed.sources).done.is_empty(), "nothing is left to do");
}
