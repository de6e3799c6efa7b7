//! The text that people get to read.

use insta::assert_snapshot;

use super::{Conversion, Existing, ForeignKey, block, migration};
use crate::model::Model;

fn generated(text: &str) -> String {
    let model = Model::parse(text).unwrap();
    let tables: Vec<_> = model.tables.iter().map(|table| block(&model, table, &Existing::default())).collect();
    tables.join("\n")
}

#[test]
fn rows_of_a_user() {
    assert_snapshot!(generated("[[table]]\nname = 'notes'\naccess = 'user'\nowner = 'user_id'"), @"
    -- public.notes: each row is the user's in user_id; select owner, insert owner, update owner, delete owner.
    alter table public.notes enable row level security;
    drop policy if exists notes_select on public.notes;
    drop policy if exists notes_insert on public.notes;
    drop policy if exists notes_update on public.notes;
    drop policy if exists notes_delete on public.notes;
    drop policy if exists notes_not_pending on public.notes;
    alter table public.notes alter column user_id set default clerk.user_id();

    revoke all on table public.notes from public, anon, authenticated;
    grant select, insert, update, delete on table public.notes to authenticated;
    grant all on table public.notes to service_role;

    create policy notes_select on public.notes
      for select to authenticated
      using (user_id = (select clerk.user_id()));

    create policy notes_insert on public.notes
      for insert to authenticated
      with check (user_id = (select clerk.user_id()));

    create policy notes_update on public.notes
      for update to authenticated
      using (user_id = (select clerk.user_id()))
      with check (user_id = (select clerk.user_id()));

    create policy notes_delete on public.notes
      for delete to authenticated
      using (user_id = (select clerk.user_id()));

    create policy notes_not_pending on public.notes as restrictive
      for all to authenticated
      using (not (select clerk.is_pending()));

    create index if not exists notes_user_id_idx on public.notes (user_id);
    ");
}

#[test]
fn rows_of_an_organization() {
    assert_snapshot!(generated("[[table]]\nname = 'projects'\naccess = 'organization'\norganization = 'org_id'\nowner = 'created_by'
        update = ['owner', 'org:projects:manage']\ndelete = 'org:admin'"), @"
    -- public.projects: each row is the organization's in org_id; select member, insert member, update owner or org:projects:manage, delete org:admin.
    alter table public.projects enable row level security;
    drop policy if exists projects_select on public.projects;
    drop policy if exists projects_insert on public.projects;
    drop policy if exists projects_update on public.projects;
    drop policy if exists projects_delete on public.projects;
    drop policy if exists projects_not_pending on public.projects;
    alter table public.projects alter column created_by set default clerk.user_id();
    alter table public.projects alter column org_id set default clerk.org_id();

    revoke all on table public.projects from public, anon, authenticated;
    grant select, insert, update, delete on table public.projects to authenticated;
    grant all on table public.projects to service_role;

    create policy projects_select on public.projects
      for select to authenticated
      using (org_id = (select clerk.org_id()));

    create policy projects_insert on public.projects
      for insert to authenticated
      with check (org_id = (select clerk.org_id()) and created_by = (select clerk.user_id()));

    create policy projects_update on public.projects
      for update to authenticated
      using (
        org_id = (select clerk.org_id())
        and (created_by = (select clerk.user_id()) or (select clerk.has_permission('org:projects:manage')))
      )
      with check (
        org_id = (select clerk.org_id())
        and (created_by = (select clerk.user_id()) or (select clerk.has_permission('org:projects:manage')))
      );

    create policy projects_delete on public.projects
      for delete to authenticated
      using (org_id = (select clerk.org_id()) and (select clerk.has_role('org:admin')));

    create policy projects_not_pending on public.projects as restrictive
      for all to authenticated
      using (not (select clerk.is_pending()));

    create index if not exists projects_org_id_idx on public.projects (org_id);
    ");
}

#[test]
fn rows_of_every_organization_of_the_caller() {
    assert_snapshot!(generated("[policies]\npending = 'accept'\n[[table]]\nname = 'invoices'\naccess = 'organization'\norganization = 'org_id'\nmembership = 'mirror'
        write = ['org:invoices:manage', 'org:sys_billing:manage']"), @"
    -- public.invoices: each row is the organization's in org_id; select member, insert org:invoices:manage or org:sys_billing:manage, update org:invoices:manage or org:sys_billing:manage, delete org:invoices:manage or org:sys_billing:manage.
    alter table public.invoices enable row level security;
    drop policy if exists invoices_select on public.invoices;
    drop policy if exists invoices_insert on public.invoices;
    drop policy if exists invoices_update on public.invoices;
    drop policy if exists invoices_delete on public.invoices;
    alter table public.invoices alter column org_id set default clerk.org_id();

    revoke all on table public.invoices from public, anon, authenticated;
    grant select, insert, update, delete on table public.invoices to authenticated;
    grant all on table public.invoices to service_role;

    create policy invoices_select on public.invoices
      for select to authenticated
      using (org_id = any (array(select clerk.my_org_ids())));

    create policy invoices_insert on public.invoices
      for insert to authenticated
      with check (
        org_id = any (array(select clerk.my_org_ids_with('org:invoices:manage')))
        or org_id = any (array(select clerk.my_org_ids_with('org:sys_billing:manage')))
      );

    create policy invoices_update on public.invoices
      for update to authenticated
      using (
        org_id = any (array(select clerk.my_org_ids_with('org:invoices:manage')))
        or org_id = any (array(select clerk.my_org_ids_with('org:sys_billing:manage')))
      )
      with check (
        org_id = any (array(select clerk.my_org_ids_with('org:invoices:manage')))
        or org_id = any (array(select clerk.my_org_ids_with('org:sys_billing:manage')))
      );

    create policy invoices_delete on public.invoices
      for delete to authenticated
      using (
        org_id = any (array(select clerk.my_org_ids_with('org:invoices:manage')))
        or org_id = any (array(select clerk.my_org_ids_with('org:sys_billing:manage')))
      );

    create index if not exists invoices_org_id_idx on public.invoices (org_id);
    ");
}

#[test]
fn roles_as_the_mirror_knows_them() {
    assert_snapshot!(generated("[policies]\npending = 'accept'\n[[table]]\nname = 'invoices'\naccess = 'organization'\norganization = 'org_id'\nmembership = 'mirror'
        select = 'org:bookkeeper'\nwrite = 'nobody'"), @"
    -- public.invoices: each row is the organization's in org_id; select org:bookkeeper, insert nobody, update nobody, delete nobody.
    alter table public.invoices enable row level security;
    drop policy if exists invoices_select on public.invoices;
    alter table public.invoices alter column org_id set default clerk.org_id();

    revoke all on table public.invoices from public, anon, authenticated;
    grant select on table public.invoices to authenticated;
    grant all on table public.invoices to service_role;

    create policy invoices_select on public.invoices
      for select to authenticated
      using (org_id = any (array(select mine.organization_id from clerk.my_memberships() as mine where mine.role = 'org:bookkeeper')));

    create index if not exists invoices_org_id_idx on public.invoices (org_id);
    ");
}

#[test]
fn rows_that_everybody_reads() {
    assert_snapshot!(generated("[[table]]\nname = 'posts'\naccess = 'public'\nowner = 'author'\nwrite = 'owner'"), @"
    -- public.posts: everybody reads; select anyone, insert owner, update owner, delete owner.
    alter table public.posts enable row level security;
    drop policy if exists posts_select on public.posts;
    drop policy if exists posts_insert on public.posts;
    drop policy if exists posts_update on public.posts;
    drop policy if exists posts_delete on public.posts;
    drop policy if exists posts_insert_not_pending on public.posts;
    drop policy if exists posts_update_not_pending on public.posts;
    drop policy if exists posts_delete_not_pending on public.posts;
    alter table public.posts alter column author set default clerk.user_id();

    revoke all on table public.posts from public, anon, authenticated;
    grant select on table public.posts to anon;
    grant select, insert, update, delete on table public.posts to authenticated;
    grant all on table public.posts to service_role;

    create policy posts_select on public.posts
      for select to anon, authenticated
      using (true);

    create policy posts_insert on public.posts
      for insert to authenticated
      with check (author = (select clerk.user_id()));

    create policy posts_update on public.posts
      for update to authenticated
      using (author = (select clerk.user_id()))
      with check (author = (select clerk.user_id()));

    create policy posts_delete on public.posts
      for delete to authenticated
      using (author = (select clerk.user_id()));

    create policy posts_insert_not_pending on public.posts as restrictive
      for insert to authenticated
      with check (not (select clerk.is_pending()));

    create policy posts_update_not_pending on public.posts as restrictive
      for update to authenticated
      using (not (select clerk.is_pending()));

    create policy posts_delete_not_pending on public.posts as restrictive
      for delete to authenticated
      using (not (select clerk.is_pending()));

    create index if not exists posts_author_idx on public.posts (author);
    ");
}

#[test]
fn a_profile_that_its_owner_may_show() {
    assert_snapshot!(generated("[[table]]\nname = 'profiles'\naccess = 'profile'\nowner = 'user_id'\nvisible = 'is_public'\ndelete = 'nobody'"), @"
    -- public.profiles: each row is the user's in user_id, shown to everybody where is_public; select owner, insert owner, update owner, delete nobody.
    alter table public.profiles enable row level security;
    drop policy if exists profiles_select on public.profiles;
    drop policy if exists profiles_insert on public.profiles;
    drop policy if exists profiles_update on public.profiles;
    drop policy if exists profiles_select_not_pending on public.profiles;
    drop policy if exists profiles_insert_not_pending on public.profiles;
    drop policy if exists profiles_update_not_pending on public.profiles;
    alter table public.profiles alter column user_id set default clerk.user_id();

    revoke all on table public.profiles from public, anon, authenticated;
    grant select on table public.profiles to anon;
    grant select, insert, update on table public.profiles to authenticated;
    grant all on table public.profiles to service_role;

    create policy profiles_select on public.profiles
      for select to anon, authenticated
      using (user_id = (select clerk.user_id()) or is_public);

    create policy profiles_insert on public.profiles
      for insert to authenticated
      with check (user_id = (select clerk.user_id()));

    create policy profiles_update on public.profiles
      for update to authenticated
      using (user_id = (select clerk.user_id()))
      with check (user_id = (select clerk.user_id()));

    create policy profiles_select_not_pending on public.profiles as restrictive
      for select to authenticated
      using (is_public or not (select clerk.is_pending()));

    create policy profiles_insert_not_pending on public.profiles as restrictive
      for insert to authenticated
      with check (not (select clerk.is_pending()));

    create policy profiles_update_not_pending on public.profiles as restrictive
      for update to authenticated
      using (not (select clerk.is_pending()));

    create index if not exists profiles_user_id_idx on public.profiles (user_id);
    ");
}

#[test]
fn an_audit_and_a_gate() {
    assert_snapshot!(generated("[policies]\nimpersonated = 'read-only'
        [[table]]\nname = 'audit_log'\naccess = 'audit'\nowner = 'actor'\norganization = 'org_id'\nselect = 'org:sys_memberships:manage'
        [[table]]\nname = 'reports'\naccess = 'gated'\nselect = ['plan:org:pro', 'feature:reports']"), @"
    -- public.audit_log: rows are added and never changed; select org:sys_memberships:manage, insert member, update nobody, delete nobody.
    alter table public.audit_log enable row level security;
    drop policy if exists audit_log_select on public.audit_log;
    drop policy if exists audit_log_insert on public.audit_log;
    drop policy if exists audit_log_not_pending on public.audit_log;
    drop policy if exists audit_log_insert_not_impersonated on public.audit_log;
    alter table public.audit_log alter column actor set default clerk.user_id();
    alter table public.audit_log alter column org_id set default clerk.org_id();

    revoke all on table public.audit_log from public, anon, authenticated;
    grant select, insert on table public.audit_log to authenticated;
    grant all on table public.audit_log to service_role;

    create policy audit_log_select on public.audit_log
      for select to authenticated
      using (
        org_id = (select clerk.org_id())
        and (select clerk.has_live_permission('org:sys_memberships:manage'))
      );

    create policy audit_log_insert on public.audit_log
      for insert to authenticated
      with check (org_id = (select clerk.org_id()) and actor = (select clerk.user_id()));

    create policy audit_log_not_pending on public.audit_log as restrictive
      for all to authenticated
      using (not (select clerk.is_pending()));

    create policy audit_log_insert_not_impersonated on public.audit_log as restrictive
      for insert to authenticated
      with check (not (select clerk.is_impersonated()));

    create index if not exists audit_log_org_id_idx on public.audit_log (org_id);

    -- public.reports: rows are nobody's own; select plan:org:pro or feature:reports, insert nobody, update nobody, delete nobody.
    alter table public.reports enable row level security;
    drop policy if exists reports_select on public.reports;
    drop policy if exists reports_not_pending on public.reports;

    revoke all on table public.reports from public, anon, authenticated;
    grant select on table public.reports to authenticated;
    grant all on table public.reports to service_role;

    create policy reports_select on public.reports
      for select to authenticated
      using ((select clerk.has_plan('org:pro')) or (select clerk.has_feature('reports')));

    create policy reports_not_pending on public.reports as restrictive
      for all to authenticated
      using (not (select clerk.is_pending()));
    ");
}

#[test]
fn children_of_parents() {
    assert_snapshot!(generated("[[table]]\nname = 'projects'\naccess = 'organization'\norganization = 'org_id'\nupdate = 'org:admin'
        [[table]]\nname = 'tasks'\naccess = 'child'\nparent = 'projects'\nforeign_key = 'project_id'"), @"
    -- public.projects: each row is the organization's in org_id; select member, insert member, update org:admin, delete member.
    alter table public.projects enable row level security;
    drop policy if exists projects_select on public.projects;
    drop policy if exists projects_insert on public.projects;
    drop policy if exists projects_update on public.projects;
    drop policy if exists projects_delete on public.projects;
    drop policy if exists projects_not_pending on public.projects;
    alter table public.projects alter column org_id set default clerk.org_id();

    revoke all on table public.projects from public, anon, authenticated;
    grant select, insert, update, delete on table public.projects to authenticated;
    grant all on table public.projects to service_role;

    create policy projects_select on public.projects
      for select to authenticated
      using (org_id = (select clerk.org_id()));

    create policy projects_insert on public.projects
      for insert to authenticated
      with check (org_id = (select clerk.org_id()));

    create policy projects_update on public.projects
      for update to authenticated
      using (org_id = (select clerk.org_id()) and (select clerk.has_role('org:admin')))
      with check (org_id = (select clerk.org_id()) and (select clerk.has_role('org:admin')));

    create policy projects_delete on public.projects
      for delete to authenticated
      using (org_id = (select clerk.org_id()));

    create policy projects_not_pending on public.projects as restrictive
      for all to authenticated
      using (not (select clerk.is_pending()));

    create index if not exists projects_org_id_idx on public.projects (org_id);

    -- public.tasks: rows are seen and changed with their parent in public.projects, by project_id.
    alter table public.tasks enable row level security;
    drop policy if exists tasks_select on public.tasks;
    drop policy if exists tasks_insert on public.tasks;
    drop policy if exists tasks_update on public.tasks;
    drop policy if exists tasks_delete on public.tasks;

    revoke all on table public.tasks from public, anon, authenticated;
    grant select, insert, update, delete on table public.tasks to authenticated;
    grant all on table public.tasks to service_role;

    create policy tasks_select on public.tasks
      for select to authenticated
      using (project_id in (select projects.id from public.projects));

    create policy tasks_insert on public.tasks
      for insert to authenticated
      with check (project_id in (select projects.id from public.projects where projects.org_id = (select clerk.org_id()) and (select clerk.has_role('org:admin'))));

    create policy tasks_update on public.tasks
      for update to authenticated
      using (project_id in (select projects.id from public.projects where projects.org_id = (select clerk.org_id()) and (select clerk.has_role('org:admin'))))
      with check (project_id in (select projects.id from public.projects where projects.org_id = (select clerk.org_id()) and (select clerk.has_role('org:admin'))));

    create policy tasks_delete on public.tasks
      for delete to authenticated
      using (project_id in (select projects.id from public.projects where projects.org_id = (select clerk.org_id()) and (select clerk.has_role('org:admin'))));

    create index if not exists tasks_project_id_idx on public.tasks (project_id);
    ");
}

#[test]
fn an_existing_table_is_adopted() {
    let model =
        Model::parse("[[table]]\nname = 'crm.Order'\naccess = 'user'\nowner = 'user'\nwrite = 'nobody'").unwrap();
    let existing = Existing {
        foreign_policies: vec!["Users can view own data.".to_owned()],
        conversions: vec![Conversion {
            column: "user".to_owned(),
            from: "uuid".to_owned(),
            foreign_keys: vec![ForeignKey { name: "Order_user_fkey".to_owned(), to: "auth.users".to_owned() }],
        }],
        sequences: vec!["crm.order_id_seq".to_owned()],
    };
    assert_snapshot!(migration(&model, [(&model.tables[0], existing)]), @r#"
    -- Written by `rowlock policy generate` from rowlock.toml. Read it before you apply it, change rowlock.toml and not this file.
    -- It needs Rowlock's functions in schema clerk (`rowlock migrate`), and may be run again.

    grant usage on schema crm to anon, authenticated, service_role;

    -- crm."Order": each row is the user's in "user"; select owner, insert nobody, update nobody, delete nobody.
    alter table crm."Order" enable row level security;
    drop policy if exists "Users can view own data." on crm."Order"; -- not in rowlock.toml
    drop policy if exists "Order_select" on crm."Order";
    drop policy if exists "Order_not_pending" on crm."Order";

    -- "user" was uuid: Clerk's ids are text.
    alter table crm."Order" drop constraint if exists "Order_user_fkey"; -- pointed at auth.users
    alter table crm."Order" alter column "user" drop default;
    alter table crm."Order" alter column "user" type text using "user"::text;
    -- Users who were imported into Clerk with their old id as `external_id` get their rows back.
    update crm."Order" set "user" = u.id from clerk.users as u where u.external_id = crm."Order"."user" and u.deleted_at is null;

    alter table crm."Order" alter column "user" set default clerk.user_id();

    revoke all on table crm."Order" from public, anon, authenticated;
    grant select on table crm."Order" to authenticated;
    grant all on table crm."Order" to service_role;

    create policy "Order_select" on crm."Order"
      for select to authenticated
      using ("user" = (select clerk.user_id()));

    create policy "Order_not_pending" on crm."Order" as restrictive
      for all to authenticated
      using (not (select clerk.is_pending()));

    create index if not exists "Order_user_idx" on crm."Order" ("user");
    "#);
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let refused = |text: &str| {
        let error = Model::parse(text).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!("\n{source}")).unwrap_or_default();
        format!("{error}{source}")
    };
    let table = |more: &str| refused(&format!("[[table]]\nname = 'notes'\n{more}"));
    assert_snapshot!(table("access = 'user'"), @"public.notes: `owner` cannot be used: it is missing; expected the column with the user's id");
    assert_snapshot!(table("access = 'user'\nowner = 'a'\norganization = 'b'"), @"public.notes: `organization` cannot be used: it has no meaning with this `access`; it belongs to organization, public, audit");
    assert_snapshot!(table("access = 'user'\nowner = 'a'\nselect = 'admin'"), @"public.notes: `select` cannot be used: found `admin`; expected `anyone`, `signed-in`, `owner`, `member`, a role (`org:admin`), a permission (`org:invoices:manage`), `feature:…` or `plan:…`; or `nobody` alone");
    assert_snapshot!(table("access = 'user'\nowner = 'a'\nselect = 'member'"), @"public.notes: `select` cannot be used: `member`: no column names the organization; expected a setting `organization`");
    assert_snapshot!(table("access = 'user'\nowner = 'a'\ninsert = 'anyone'"), @"public.notes: `insert` cannot be used: `anyone`: nobody writes without a token; expected `signed-in` or narrower");
    assert_snapshot!(table("access = 'gated'\nselect = 'org:admin'"), @"public.notes: `select` cannot be used: `org:admin`: whoever makes an organization has every role in it; expected a setting `organization`, so that it is the row's own");
    assert_snapshot!(table("access = 'user'\nowners = 'a'"), @"
    the [[table]] on line 1 cannot be read
    unknown field `owners`, expected one of `name`, `access`, `owner`, `organization`, `membership`, `visible`, `parent`, `foreign_key`, `parent_key`, `select`, `insert`, `update`, `delete`, `write`, `shared`, `defaults`, `sample`, `policy`
    ");
    assert_snapshot!(table("access = 'audit'\nowner = 'a'\nupdate = 'owner'"), @"public.notes: `update` cannot be used: `owner`: an audit that can be changed is none; expected `nobody`");
    assert_snapshot!(table("access = 'organization'\norganization = 'a'\nselect = 'anyone'"), @r#"public.notes: `select` cannot be used: `anyone`: rows that belong to an organization are for its members; use access = "public" for others"#);
    assert_snapshot!(table("access = 'child'\nparent = 'projects'\nforeign_key = 'a'"), @"public.notes: `parent` cannot be used: `public.projects` has no [[table]] of its own; expected one, for its rules decide");
    assert_snapshot!(table("access = 'child'\nparent = 'notes'\nforeign_key = 'a'"), @"public.notes: `parent` cannot be used: the chain of parents comes back to where it began");
    assert_snapshot!(table("access = 'custom'"), @"public.notes: `policy` cannot be used: it is missing; expected at least one [[table.policy]]");
    assert_snapshot!(table("access = 'custom'\n[[table.policy]]\nname = 'a'\ncommand = 'update'\nusing = 'true'"), @"public.notes: `policy` cannot be used: `a`: a policy for update has `using` and `check`");
    assert_snapshot!(refused("[[table]]\nname = 'a'\naccess = 'gated'\n[[table]]\nname = 'public.a'\naccess = 'gated'"), @"public.a: `name` cannot be used: it stands there twice; expected one entry for each table");
    assert_snapshot!(refused("[policies]\npending = 'maybe'"), @"
    the policies in `rowlock.toml` cannot be read
    TOML parse error at line 2, column 11
      |
    2 | pending = 'maybe'
      |           ^^^^^^^
    unknown variant `maybe`, expected one of `accept`, `read-only`, `refuse`
    ");
}
