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
        why: "`unsafe_metadata` and `user_metadata` are written by the user, from the browser. Whoever asks them for a role gives that role to everybody.",
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
};

/// `docs/lint.md`.
#[cfg(test)]
pub(super) fn page() -> String {
    use std::fmt::Write as _;

    let mut page = String::from(
        "# What `rowlock policy lint` knows\n\n\
         The mistakes that people make with Clerk and row-level security. `rowlock policy lint migrations` reads SQL files, in the order of \
         their names, as one history; without an argument the database of `DATABASE_URL` is read. Findings of severity error and warning end \
         with exit code 1. `--json` and `--sarif` are for machines.\n\n\
         A rule is silenced where it is wrong: by a comment `-- rowlock: allow <rule>` on the line before, or in `rowlock.toml` with \
         `[policies] allow = [\"missing-index public.notes\"]`.\n\n\
         What stands in `do $$ … $$` or is put together as text cannot be read and is not judged. Whether policies do what they should, only \
         `rowlock policy test` can show.\n",
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
