//! Every rule: its name, why it matters, what to do, and the smallest example either way.

use super::Severity;

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// How it is called.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in half a sentence.
    pub title: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// The smallest SQL that is wrong.
    pub bad: &'static str,
    /// The same, right.
    pub good: &'static str,
}

/// The rule of that name.
///
/// # Panics
/// When there is none: rules are named in this crate alone.
pub(super) fn rule(id: &str) -> &'static Rule {
    RULES.iter().find(|rule| rule.id == id).expect("a rule is named as it is listed")
}

macro_rules! rules {
    ($($id:literal $severity:ident, $title:literal, why: $why:literal, fix: $fix:literal, bad: $bad:literal, good: $good:literal;)*) => {
        &[$(Rule { id: $id, severity: Severity::$severity, title: $title, why: $why, fix: $fix, bad: $bad, good: $good }),*]
    };
}

/// All of them: who the caller is said to be, what protects rows, what it costs.
pub const RULES: &[Rule] = rules! {
    "auth-uid" Error, "a Clerk id is read as a uuid",
        why: "`auth.uid()` casts the claim `sub` to uuid. Clerk's ids are text (`user_2b9…`), so every request ends with 22P02, invalid input syntax for type uuid.",
        fix: "use (select clerk.user_id()), and text for the column",
        bad: "create policy own on public.notes for select to authenticated using ((select auth.uid()) = user_id);",
        good: "create policy own on public.notes for select to authenticated using ((select clerk.user_id()) = user_id);";
    "uuid-column" Error, "a column for Clerk ids is a uuid",
        why: "Clerk's ids are text. Nothing Clerk knows fits into a uuid, so no row can be written and none ever matches.",
        fix: "make the column text; `rowlock policy generate` writes the conversion",
        bad: "create table public.notes (id bigint primary key, user_id uuid not null); alter table public.notes enable row level security;",
        good: "create table public.notes (id bigint primary key, user_id text not null); alter table public.notes enable row level security;";
    "auth-users-key" Error, "a key points at Supabase's users",
        why: "Users of Clerk have no row in `auth.users`, so every insert fails with 23503.",
        fix: "drop the key; if you want one, point it at a table that is filled from clerk.users",
        bad: "create table public.notes (id bigint primary key, author text references auth.users (id)); alter table public.notes enable row level security;",
        good: "create table public.notes (id bigint primary key, author text); alter table public.notes enable row level security;";
    "claim-path" Error, "a claim is asked for by a path",
        why: "`->> 'o.id'` asks for a claim that is called `o.id`. There is none, the answer is always null, and the policy quietly lets nobody in.",
        fix: "use (select clerk.org_id()), or go step by step: -> 'o' ->> 'id'",
        bad: "create policy members on public.projects for select to authenticated using (org_id = (select auth.jwt() ->> 'o.id'));",
        good: "create policy members on public.projects for select to authenticated using (org_id = (select clerk.org_id()));";
    "json-comparison" Error, "JSON is compared with text",
        why: "`->` gives JSON: the text `\"user_1\"` with its quotes, or an error about operators. Nothing ever equals it.",
        fix: "use ->> for the last step",
        bad: "create policy own on public.notes for select to authenticated using ((select auth.jwt() -> 'sub') = to_jsonb(user_id));",
        good: "create policy own on public.notes for select to authenticated using ((select auth.jwt() ->> 'sub') = user_id);";
    "role-claim" Error, "the database role is taken for the user's role",
        why: "The claim `role` names the Postgres role of the request: anon or authenticated. A token that said `admin` there would end in: role \"admin\" does not exist.",
        fix: "ask for the role in the organization: (select clerk.has_role('org:admin'))",
        bad: "create policy admins on public.projects for select to authenticated using ((select auth.jwt() ->> 'role') = 'admin');",
        good: "create policy admins on public.projects for select to authenticated using ((select clerk.has_role('org:admin')));";
    "role-prefix" Error, "a role is compared in the other version's spelling",
        why: "Version 1 writes `org:admin`, version 2 `admin`. A comparison with the other spelling is never true.",
        fix: "use (select clerk.has_role('org:admin')), which knows both",
        bad: "create policy admins on public.projects for select to authenticated using ((select auth.jwt() -> 'o' ->> 'rol') = 'org:admin' or (select auth.jwt() ->> 'org_role') = 'org:admin');",
        good: "create policy admins on public.projects for select to authenticated using ((select auth.jwt() -> 'o' ->> 'rol') = 'admin' or (select auth.jwt() ->> 'org_role') = 'org:admin');";
    "one-version" Warning, "one version of the claims is read, not the other",
        why: "Tokens of version 1 carry `org_id`, those of version 2 `o`. An instance changes from one to the other with a switch in Clerk's dashboard; the policy then lets nobody in.",
        fix: "use (select clerk.org_id()) and its siblings, which read both",
        bad: "create policy members on public.projects for select to authenticated using (org_id = (select auth.jwt() ->> 'org_id'));",
        good: "create policy members on public.projects for select to authenticated using (org_id = (select coalesce(auth.jwt() ->> 'org_id', auth.jwt() -> 'o' ->> 'id')));";
    "user-editable-claim" Error, "a claim is trusted that the user writes",
        why: "`unsafe_metadata` and `user_metadata` are written by the user, from the browser, as headers and cookies are. Whoever asks them for a role or an organization gives it to everybody.",
        fix: "use public metadata (clerk.metadata()), a role or a permission",
        bad: "create policy admins on public.notes for select to authenticated using ((select auth.jwt() -> 'user_metadata' ->> 'plan') = 'pro');",
        good: "create policy admins on public.notes for select to authenticated using ((select clerk.metadata() ->> 'plan') = 'pro');";
    "email-identity" Warning, "an e-mail address is taken for a person",
        why: "Addresses change, are handed on, and may be unverified. Whoever has the address next has the rows.",
        fix: "compare ids: (select clerk.user_id())",
        bad: "create policy own on public.notes for select to authenticated using (owner_email = (select auth.jwt() ->> 'email'));",
        good: "create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()));";
    "shortcode" Error, "a shortcode of a JWT template stands in SQL",
        why: "Shortcodes are resolved by Clerk, in templates. In SQL, and in a token where Clerk did not know one, it is text that no value equals.",
        fix: "ask for the claim that the template fills",
        bad: "create policy own on public.notes for select to authenticated using (user_id = '{{user.id}}');",
        good: "create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()));";
    "rls-off" Error, "row-level security is off",
        why: "Without it every grant is a grant on every row, and hosts grant clients everything in `public` by default.",
        fix: "alter table … enable row level security; then say who may what (`rowlock policy add`)",
        bad: "create table public.notes (id bigint primary key, body text); grant select on public.notes to authenticated;",
        good: "create table public.notes (id bigint primary key, body text); alter table public.notes enable row level security;";
    "policies-without-rls" Error, "policies that nobody asks",
        why: "Policies hold only where row-level security is on. Here it is off: every grant is a grant on every row.",
        fix: "alter table … enable row level security",
        bad: "create table public.notes (id bigint primary key, body text); create policy everybody on public.notes for select to authenticated using (true); grant select on public.notes to authenticated;",
        good: "create table public.notes (id bigint primary key, body text); alter table public.notes enable row level security; create policy everybody on public.notes for select to authenticated using (true); grant select on public.notes to authenticated;";
    "always-true" Error, "everybody may write",
        why: "`true` is so for every row and every caller. For reading that may be meant; for writing it means that anybody changes anybody's rows.",
        fix: "name the owner or the organization",
        bad: "create policy anybody on public.notes for update to authenticated using (true) with check (true); grant update on public.notes to authenticated;",
        good: "create policy own on public.notes for update to authenticated using (user_id = (select clerk.user_id())) with check (user_id = (select clerk.user_id())); grant update on public.notes to authenticated;";
    "tautology" Error, "a condition that is always true",
        why: "`… or true`, `1 = 1`, `not false`, a test for null on a column that is never null: each looks like a question and lets everybody in. Such things are left over from trying something out.",
        fix: "take it away; where everybody is meant to read, say using (true)",
        bad: "create table public.tickets (id bigint primary key, org_id text not null); create index on public.tickets (org_id); alter table public.tickets enable row level security; grant select on public.tickets to authenticated; create policy members on public.tickets for select to authenticated using (org_id = (select clerk.org_id()) or true);",
        good: "create table public.tickets (id bigint primary key, org_id text not null); create index on public.tickets (org_id); alter table public.tickets enable row level security; grant select on public.tickets to authenticated; create policy members on public.tickets for select to authenticated using (org_id = (select clerk.org_id()));";
    "self-comparison" Error, "something is compared with itself",
        why: "Inside of a sub-select a name means the inner table's column first: in `exists (select 1 from members where org_id = members.org_id)` the row of the policy is not asked at all, and a member of any organization passes. `org_id = org_id` is true of every row.",
        fix: "name the policy's own table (notes.org_id), or compare with the caller: (select clerk.org_id())",
        bad: "create policy members on public.notes for select to authenticated using (exists (select 1 from public.members as m where m.org_id = org_id and m.user_id = (select clerk.user_id())));",
        good: "create policy members on public.notes for select to authenticated using (org_id in (select m.org_id from public.members as m where m.user_id = (select clerk.user_id())));";
    "loose-comparison" Error, "a comparison that nearly every row meets",
        why: "`org_id <> ''`, `user_id is not null` and `org_id ilike '%'` name whose the row is and do not ask whether it is the caller's: everybody reads, or writes, everybody's rows.",
        fix: "compare for equality with the caller: = (select clerk.org_id()), = (select clerk.user_id())",
        bad: "create policy members on public.notes for select to authenticated using (org_id is not null and org_id <> '');",
        good: "create policy members on public.notes for select to authenticated using (org_id is not null and org_id = (select clerk.org_id()));";
    "unrelated-sub-select" Error, "a sub-select does not ask about the row",
        why: "The sub-select finds the caller's membership in some organization, and nothing in it says that it is the row's: a member of any organization gets at the rows of all of them.",
        fix: "compare with the row's organization: org_id = any (array(select clerk.my_org_ids())), or notes.org_id = m.org_id inside of the sub-select",
        bad: "create table public.staff (org_id text not null, user_id text not null, primary key (user_id, org_id)); alter table public.staff enable row level security; create table public.tickets (id bigint primary key, org_id text not null); create index on public.tickets (org_id); alter table public.tickets enable row level security; grant select on public.tickets to authenticated; create policy members on public.tickets for select to authenticated using (exists (select 1 from public.staff as m where m.user_id = (select clerk.user_id())));",
        good: "create table public.staff (org_id text not null, user_id text not null, primary key (user_id, org_id)); alter table public.staff enable row level security; create table public.tickets (id bigint primary key, org_id text not null); create index on public.tickets (org_id); alter table public.tickets enable row level security; grant select on public.tickets to authenticated; create policy members on public.tickets for select to authenticated using (org_id in (select m.org_id from public.staff as m where m.user_id = (select clerk.user_id())));";
    "blind-function" Error, "a policy asks a function that does not look at the caller",
        why: "The function answers the same to everybody: its body is `true`, or it reads memberships with its owner's rights (`security definer`) and never asks whose they are.",
        fix: "ask for the caller inside of it, with clerk.user_id(), or use clerk.my_org_ids()",
        bad: "create function private.may_read() returns boolean language sql stable security definer set search_path = '' as $$ select true $$; create policy members on public.notes for select to authenticated using ((select private.may_read()));",
        good: "create function private.may_read() returns boolean language sql stable security definer set search_path = '' as $$ select exists (select from clerk.my_memberships()) $$; create policy members on public.notes for select to authenticated using (org_id = (select clerk.org_id()) and (select private.may_read()));";
    "null-comparison" Error, "something is compared with null",
        why: "`= null` is never true and never false: it is null, which a policy counts as false. Nobody gets in.",
        fix: "is null, or is not null",
        bad: "create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()) and deleted_at = null);",
        good: "create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()) and deleted_at is null);";
    "open-on-null" Error, "who lacks a claim is let in",
        why: "A claim that is not in the token is null: without an active organization `clerk.org_id()` is. `coalesce(…, true)`, `… is not false` and `or clerk.org_id() is null` make of that a yes, to every row.",
        fix: "let null count as no: drop it, or ask something of the row for those callers, too",
        bad: "create policy members on public.notes for select to authenticated using (org_id = (select clerk.org_id()) or (select clerk.org_id()) is null);",
        good: "create policy members on public.notes for select to authenticated using (org_id = (select clerk.org_id()) or (select clerk.org_id()) is null and user_id = (select clerk.user_id()));";
    "tenant-unchecked" Error, "a policy for writing does not ask about the organization",
        why: "The table's rows belong to organizations, and the policy lets a row be put into any of them: whoever joins themselves to an organization's rows so becomes a member, or an owner.",
        fix: "compare the organization's column with (select clerk.org_id())",
        bad: "create table public.members (org_id text, user_id text, role text, primary key (user_id, org_id)); alter table public.members enable row level security; grant insert on public.members to authenticated; create policy join_them on public.members for insert to authenticated with check (user_id = (select clerk.user_id()));",
        good: "create table public.members (org_id text, user_id text, role text, primary key (user_id, org_id)); alter table public.members enable row level security; grant insert on public.members to authenticated; create policy join_them on public.members for insert to authenticated with check (user_id = (select clerk.user_id()) and org_id = (select clerk.org_id()));";
    "view-rights" Error, "a view reads past row-level security",
        why: "Unless `security_invoker` is set, a view reads with its owner's rights: its readers see every row of the tables below.",
        fix: "create view … with (security_invoker = true)",
        bad: "create view public.all_notes as select * from public.notes; grant select on public.all_notes to authenticated;",
        good: "create view public.all_notes with (security_invoker = true) as select * from public.notes; grant select on public.all_notes to authenticated;";
    "unprotected-relation" Error, "clients read a relation that cannot be protected",
        why: "Row-level security holds for tables. A materialized view or a foreign table that is granted shows all of itself to everybody.",
        fix: "revoke the grant; show it through a view with security_invoker over a table, or a function",
        bad: "create materialized view public.totals as select count(*) from public.notes; grant select on public.totals to authenticated;",
        good: "create materialized view public.totals as select count(*) from public.notes; grant select on public.totals to service_role;";
    "definer-search-path" Error, "a function with its owner's rights searches where the caller says",
        why: "A `security definer` function looks names up in the caller's search path. Whoever can make an object in a schema of that path is called with the owner's rights.",
        fix: "set search_path = '' and write schema names",
        bad: "create function private.peek() returns bigint language sql security definer as $$ select count(*) from public.notes $$;",
        good: "create function private.peek() returns bigint language sql security definer set search_path = '' as $$ select count(*) from public.notes $$;";
    "definer-callable" Warning, "every client may call a function with its owner's rights",
        why: "Functions in `public` are callable over the API, and a `security definer` function there sees past row-level security.",
        fix: "move it into a schema that clients cannot use, or revoke execute from public and grant it to whom it is for",
        bad: "create function public.peek() returns bigint language sql security definer set search_path = '' as $$ select count(*) from public.notes $$;",
        good: "create function public.peek() returns bigint language sql security definer set search_path = '' as $$ select count(*) from public.notes $$; revoke execute on function public.peek() from public;";
    "exposed-mirror" Error, "clients get at Rowlock's own tables",
        why: "Schema `rowlock` holds deliveries as they came, and `raw` in the mirror holds private metadata. Neither is for clients; nobody but Rowlock writes the mirror.",
        fix: "revoke it; what clients may read is granted by the migrations",
        bad: "grant select on rowlock.inbox to authenticated;",
        good: "grant select (id, name) on clerk.organizations to authenticated;";
    "audit-changeable" Error, "an audit can be changed",
        why: "What callers can change or remove proves nothing about them.",
        fix: "revoke update and delete; access = \"audit\" declares it",
        bad: "alter table public.audit_log enable row level security; grant update on public.audit_log to authenticated;",
        good: "alter table public.audit_log enable row level security; grant insert on public.audit_log to authenticated; create policy add on public.audit_log for insert to authenticated with check (actor = (select clerk.user_id()));";
    "truncate-grant" Error, "a grant that row-level security does not hold for",
        why: "`truncate` removes every row whatever policies say.",
        fix: "revoke truncate; grant select, insert, update, delete by name",
        bad: "alter table public.notes enable row level security; grant truncate on public.notes to authenticated;",
        good: "alter table public.notes enable row level security; grant truncate on public.notes to service_role;";
    "missing-grant" Warning, "a policy without a grant",
        why: "A policy chooses among rows; the grant opens the table. Without it the answer is: permission denied (42501). Supabase grants nothing by default any more.",
        fix: "grant select, … on … to authenticated",
        bad: "alter table public.notes enable row level security; create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()));",
        good: "alter table public.notes enable row level security; grant select on public.notes to authenticated; create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()));";
    "grant-without-policy" Warning, "a grant that no policy ever lets through",
        why: "With row-level security on, a command without a policy reaches no row, and says nothing: select answers an empty list. A later policy of another author may open it unawares.",
        fix: "revoke it, or write the policy",
        bad: "alter table public.notes enable row level security; grant select, delete on public.notes to authenticated; create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()));",
        good: "alter table public.notes enable row level security; grant select on public.notes to authenticated; create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()));";
    "no-check" Note, "a policy for changing that does not say what rows may become",
        why: "Without `with check` Postgres takes `using` for it. That is safe today; written out, nobody changes one and forgets the other.",
        fix: "write with check",
        bad: "create policy own on public.notes for update to authenticated using (user_id = (select clerk.user_id())); grant update on public.notes to authenticated;",
        good: "create policy own on public.notes for update to authenticated using (user_id = (select clerk.user_id())) with check (user_id = (select clerk.user_id())); grant update on public.notes to authenticated;";
    "no-role" Warning, "a policy for everybody asks about the caller",
        why: "Without `to`, a policy is asked for callers without a token, too: on 100 000 rows 8.9 ms instead of 0.04 ms, and one mistake less between them and the rows.",
        fix: "to authenticated",
        bad: "create policy own on public.notes for select using (user_id = (select clerk.user_id()));",
        good: "create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id())); grant select on public.notes to authenticated;";
    "several-permissive" Note, "several policies, of which one is enough",
        why: "Permissive policies add up: a row that any of them lets through is through. Each is evaluated, and whoever tightens one is surprised by the other.",
        fix: "one policy for each command, with `or` inside",
        bad: "grant select on public.notes to authenticated; create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id())); create policy shown on public.notes for select to authenticated using (is_public);",
        good: "grant select on public.notes to authenticated; create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()) or is_public);";
    "unwrapped-call" Warning, "a question about the caller is asked for every row",
        why: "Bare, the function is called for each row: 143 ms on 100 000 rows. In a sub-select Postgres asks once: 0.1 ms with an index.",
        fix: "write (select clerk.user_id())",
        bad: "create policy own on public.notes for select to authenticated using (user_id = clerk.user_id());",
        good: "create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()));";
    "row-by-row" Warning, "memberships are looked up for every row",
        why: "A function with a column as its argument, or `exists` about a column, is asked for each row: 891 and 346 ms on 100 000 rows. A list made once takes 0.9 ms.",
        fix: "org_id = any (array(select clerk.my_org_ids()))",
        bad: "create policy members on public.projects for select to authenticated using (clerk.is_member(org_id));",
        good: "create policy members on public.projects for select to authenticated using (org_id = any (array(select clerk.my_org_ids())));";
    "missing-index" Warning, "a policy's column has no index",
        why: "The policy is a condition of every query. Without an index that begins with its column, every query reads the whole table.",
        fix: "create index on … (the column)",
        bad: "create table public.notes (id bigint primary key, user_id text); alter table public.notes enable row level security; grant select on public.notes to authenticated; create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()));",
        good: "create table public.notes (id bigint primary key, user_id text); create index on public.notes (user_id); alter table public.notes enable row level security; grant select on public.notes to authenticated; create policy own on public.notes for select to authenticated using (user_id = (select clerk.user_id()));";
    "signed-in-writes" Error, "everybody who is signed in may change every row",
        why: "Being signed in is all that is asked, and everybody can sign up. Whoever does changes and removes everybody's rows.",
        fix: "name the owner or the organization",
        bad: "create policy members on public.notes for update to authenticated using ((select auth.jwt() ->> 'role') = 'authenticated') with check (true); grant update on public.notes to authenticated;",
        good: "create policy own on public.notes for update to authenticated using (user_id = (select clerk.user_id())) with check (user_id = (select clerk.user_id())); grant update on public.notes to authenticated;";
    "role-without-organization" Error, "a role is asked for in any organization",
        why: "Roles and permissions are those of the organization that is active in the token. Everybody can make an organization and is its admin: asked alone, the question lets all of them at all rows.",
        fix: "compare the row's organization with (select clerk.org_id()) beside it; for your own staff, name your own organization",
        bad: "create policy admins on public.notes for select to authenticated using ((select clerk.has_role('admin')));",
        good: "create policy admins on public.projects for select to authenticated using (org_id = (select clerk.org_id()) and (select clerk.has_role('admin')));";
    "private-readable" Warning, "a policy for reading does not ask the column that hides rows",
        why: "The table has a column that says which rows are shown, and `using (true)` shows all of them.",
        fix: "write the column into the policy: is_public or user_id = (select clerk.user_id())",
        bad: "create table public.pastes (id bigint primary key, user_id text, is_public boolean); create index on public.pastes (user_id); alter table public.pastes enable row level security; grant select on public.pastes to authenticated; create policy everybody on public.pastes for select to authenticated using (true);",
        good: "create table public.pastes (id bigint primary key, user_id text, is_public boolean); create index on public.pastes (user_id); alter table public.pastes enable row level security; grant select on public.pastes to authenticated; create policy shown on public.pastes for select to authenticated using (is_public or user_id = (select clerk.user_id()));";
    "self-granted" Warning, "people write into their own row what they may do",
        why: "The policy lets a person write their row, and the row holds what decides about the person: a role, a plan, metadata. Whoever sends `role = 'admin'` is one.",
        fix: "grant insert and update on the other columns only: grant update (name) on … to authenticated",
        bad: "create table public.people (id text primary key, name text, role text); alter table public.people enable row level security; grant update on public.people to authenticated; create policy own on public.people for update to authenticated using (id = (select clerk.user_id())) with check (id = (select clerk.user_id()));",
        good: "create table public.people (id text primary key, name text, role text); alter table public.people enable row level security; grant update (name) on public.people to authenticated; create policy own on public.people for update to authenticated using (id = (select clerk.user_id())) with check (id = (select clerk.user_id()));";
    "storage-owner" Error, "a file's owner is asked for as a uuid",
        why: "`storage.objects.owner` is a uuid and stays null for callers of Clerk. Their id is in `owner_id`, which is text.",
        fix: "owner_id = (select clerk.user_id())",
        bad: "create policy own_files on storage.objects for select to authenticated using (owner::text = (select clerk.user_id()));",
        good: "create policy own_files on storage.objects for select to authenticated using (owner_id = (select clerk.user_id()));";
    "bucket-listing" Warning, "everybody can list a bucket",
        why: "The policy asks for the bucket alone, so whoever may call the API reads the names of all its files. A public bucket serves its files without any policy.",
        fix: "drop the policy, or ask for the owner",
        bad: "create policy avatars on storage.objects for select using (bucket_id = 'avatars');",
        good: "create policy avatars on storage.objects for select to authenticated using (bucket_id = 'avatars' and owner_id = (select clerk.user_id()));";
    "hand-made-mirror" Warning, "a copy of what Clerk has",
        why: "Webhooks come late, twice and out of order. A row without a version takes an old state for the new one, a deleted user comes back with the next event, and a membership that is keyed by user and organization goes when the end of an older one arrives, or keeps the role that it began with.",
        fix: "read clerk.active_users and its siblings, which Rowlock keeps; keep what is your own in a table with the user's id",
        bad: "create table public.users (id bigint primary key, clerk_id text, email text, first_name text); alter table public.users enable row level security;",
        good: "create table public.preferences (user_id text primary key, theme text); alter table public.preferences enable row level security;";
    "unique-identity" Warning, "an address or a name may stand there once only",
        why: "Clerk hands e-mail addresses and user names on: the next holder's row is refused with 23505 until the last holder's event arrives, and a backfill stops there.",
        fix: "drop the constraint; the id is what is unique",
        bad: "create table public.users (id bigint primary key, clerk_id text, email text unique); alter table public.users enable row level security;",
        good: "create table public.preferences (user_id text primary key, theme text); alter table public.preferences enable row level security;";
    "identity-check" Warning, "the database checks what Clerk has accepted",
        why: "Clerk decides what an address or a name is: `o'brien@example.com`, addresses in other scripts, users without a name. What the database refuses is delivered again and again, and never arrives.",
        fix: "drop the check; validate where people type",
        bad: "create table public.users (id bigint primary key, clerk_id text, email text check (email ~ '^[a-z]+@[a-z]+$')); alter table public.users enable row level security;",
        good: "create table public.preferences (user_id text primary key, theme text); alter table public.preferences enable row level security;";
    "mirror-key" Warning, "a key makes events depend on their order",
        why: "A membership's event may come before its organization's and its user's. The key refuses it with 23503.",
        fix: "drop the key; rows find each other when both are there",
        bad: "create table public.users (id bigint, clerk_id text primary key, email text); alter table public.users enable row level security; create table public.organization_members (org_id text, user_id text references public.users (clerk_id), role text, primary key (org_id, user_id)); alter table public.organization_members enable row level security;",
        good: "create table public.preferences (user_id text primary key, theme text); alter table public.preferences enable row level security;";
    "own-clock" Warning, "a trigger replaces Clerk's clock by one's own",
        why: "`updated_at` is the object's version: which of two states is newer can be told by it alone. Overwritten with `now()`, an old event that comes late looks like the newest.",
        fix: "keep Clerk's `updated_at`; give the time of writing a column of its own",
        bad: "create table public.users (id bigint primary key, clerk_id text, email text, updated_at timestamptz); alter table public.users enable row level security; create function private.touch() returns trigger language plpgsql as $$ begin new.updated_at = now(); return new; end $$; create trigger touch before update on public.users for each row execute function private.touch();",
        good: "create table public.preferences (user_id text primary key, theme text, updated_at timestamptz); alter table public.preferences enable row level security; create function private.touch() returns trigger language plpgsql as $$ begin new.updated_at = now(); return new; end $$; create trigger touch before update on public.preferences for each row execute function private.touch();";
    "platform-schema" Error, "something is made in a schema of the platform",
        why: "Hosted Supabase lets nobody make functions or tables in `auth`, `storage` and their siblings: permission denied for schema.",
        fix: "use the functions of schema clerk, or a schema of your own",
        bad: "create function auth.clerk_user_id() returns text language sql stable as $$ select null::text $$;",
        good: "create function private.caller() returns text language sql stable as $$ select clerk.user_id() $$;";
    "unknown-extension" Warning, "an extension that nobody has",
        why: "Neither Postgres nor Supabase has an extension of that name: the migration stops there. (Supabase's foreign data wrappers are in `wrappers`.)",
        fix: "see select name from pg_available_extensions",
        bad: "create extension if not exists wasm;",
        good: "create extension if not exists pgcrypto;";
    "uuid-generate" Note, "a function of an extension is called without its schema",
        why: "`uuid_generate_v4()` is found only where `uuid-ossp` is installed and its schema is in the search path: not in a function that sets its own, and not on every Postgres. `gen_random_uuid()` is Postgres' own.",
        fix: "gen_random_uuid()",
        bad: "create table public.tickets (id uuid primary key default uuid_generate_v4()); alter table public.tickets enable row level security;",
        good: "create table public.tickets (id uuid primary key default gen_random_uuid()); alter table public.tickets enable row level security;";
    "no-policy" Note, "a table that nobody reaches",
        why: "With row-level security and without a policy every answer is empty, with status 200. If that is meant, say it with `revoke all … from anon, authenticated`.",
        fix: "write the policy (`rowlock policy add`), or revoke everything",
        bad: "create table public.tickets (id bigint primary key); alter table public.tickets enable row level security;",
        good: "create table public.tickets (id bigint primary key); alter table public.tickets enable row level security; revoke all on public.tickets from anon, authenticated;";
    "no-primary-key" Note, "a table without a primary key",
        why: "Its rows cannot be told apart: `rowlock policy test` cannot try it, changes cannot be replicated, and the data API cannot address a row.",
        fix: "add one: id bigint generated always as identity primary key",
        bad: "create table public.tickets (title text); alter table public.tickets enable row level security; revoke all on public.tickets from anon, authenticated;",
        good: "create table public.tickets (id bigint primary key, title text); alter table public.tickets enable row level security; revoke all on public.tickets from anon, authenticated;";
    "unindexed-key" Note, "a key without an index",
        why: "A policy that follows the key to the parent, and a delete of the parent, both read the whole table.",
        fix: "create index on … (the column)",
        bad: "create table public.comments (id bigint primary key, note_id bigint references public.notes (id)); alter table public.comments enable row level security; revoke all on public.comments from anon, authenticated;",
        good: "create table public.comments (id bigint primary key, note_id bigint references public.notes (id)); create index on public.comments (note_id); alter table public.comments enable row level security; revoke all on public.comments from anon, authenticated;";
    "duplicate-index" Note, "two indexes on the same columns",
        why: "Each is written with every row, and only one is ever read.",
        fix: "drop one of them",
        bad: "create table public.tickets (id bigint primary key, title text); create index one on public.tickets (title); create index two on public.tickets (title); alter table public.tickets enable row level security; revoke all on public.tickets from anon, authenticated;",
        good: "create table public.tickets (id bigint primary key, title text); create index one on public.tickets (title); alter table public.tickets enable row level security; revoke all on public.tickets from anon, authenticated;";
};

/// `docs/lint.md`.
#[cfg(test)]
pub(super) fn page() -> String {
    use std::fmt::Write as _;

    let mut page = String::from(
        "# What `rowlock policy lint` knows\n\n\
         The mistakes that people make with Clerk and row-level security. `rowlock policy lint migrations` reads SQL files, in the order of \
         their names, as one history; without an argument the database of `DATABASE_URL` is read. Findings of severity error and warning end \
         with exit code 1. `--fix` writes into the files what can be written without thinking. `--json` and `--sarif` are for machines.\n\n\
         A rule is silenced where it is wrong: by a comment `-- rowlock: allow <rule>` on the line before, or in `rowlock.toml` with \
         `[policies] allow = [\"missing-index public.notes\"]`.\n\n\
         In a `do $$ … $$` block, conditions are taken for true. What is put together at run time cannot be read and is not judged. Whether \
         policies do what they should, only `rowlock policy test` can show.\n\n\
         Supabase's own example for Clerk has four findings, each of them right: `uuid_generate_v4()` needs a search path, two policies \
         have no grant (nothing is granted by default any more), and the organization's column has no index. About its claims nothing is \
         said: they are read right, in both versions, and wrapped.\n\n\
         Of what a migration does beside policies, these are not looked at: the load of indexes and bloat (statistics), settings of the \
         platform, versions of extensions, and queues of `pgmq`. Five rules are about \
         files alone, not about a database: `own-clock`, `platform-schema`, `unknown-extension`, `uuid-generate` and `no-policy`.\n",
    );
    for rule in RULES {
        let sql = |text: &str| text.replace("; ", ";\n");
        // Writing into a text cannot fail.
        let _ = write!(
            page,
            "\n## {}\n\n**{}: {}.** {}\n\n```sql\n-- wrong\n{}\n\n-- right\n{}\n```\n\nFix: {}.\n",
            rule.id,
            rule.severity.as_str(),
            rule.title,
            rule.why,
            sql(rule.bad),
            sql(rule.good),
            rule.fix
        );
    }
    page
}
