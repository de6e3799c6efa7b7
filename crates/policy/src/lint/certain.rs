//! Conditions that look like a question and are none: they hold for every row, for nearly every row, or for every caller who lacks a
//! claim.
//!
//! They are read as trees: constants are folded ([`truth`](super::truth)), and names are looked up as Postgres
//! looks them up ([`names`](super::names)). A plain `true` is not in disguise; for writing it is `always-true`, for reading it may be meant.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::Diagnostic;
use super::callees::blind;
use super::loose::loose;
use super::names::{Lookup, Meaning};
use super::rules::rule;
use super::schema::{Place, Schema};
use super::syntax::{
    arguments, bare, called, child, claims_or_caller, descendants, has_token, is_null, is_true, operands, operator,
    reads_columns, reads_rows,
};
use super::truth::in_disguise;
use super::unrelated::unrelated;

pub(super) fn check(schema: &Schema, found: &mut Vec<Diagnostic>) {
    for (table, relation) in &schema.relations {
        let not_null = |column: &str| relation.columns.iter().any(|known| known.name == column && known.not_null);
        for policy in &relation.policies {
            for clause in policy.clauses() {
                let lookup = Lookup { schema, table, clause };
                let mut say = |id: &str, node: &SyntaxNode, label: String| {
                    let place = Place::of(clause.origin, node);
                    found.push(Diagnostic {
                        rule: Some(rule(id)),
                        source: place.source,
                        range: place.range,
                        label,
                        subject: Some(table.to_string()),
                        append: None,
                    });
                };
                for comparison in descendants(&clause.expression, SyntaxKind::BIN_EXPR) {
                    if let Some(label) = with_itself(&comparison, &lookup) {
                        say("self-comparison", &comparison, label);
                    }
                    if falls_back_to_itself(&comparison, &lookup) {
                        let label = "a caller without the claim is compared with the row's own value: always true";
                        say("open-on-null", &comparison, label.to_owned());
                    }
                    if is_with_null(&comparison) {
                        say("null-comparison", &comparison, "null for every row, which counts as false".to_owned());
                    }
                }
                let disguises = in_disguise(&clause.expression, &not_null);
                for disguised in &disguises {
                    say("tautology", disguised, "true for every row and every caller".to_owned());
                }
                for (call, label) in blind(&clause.expression, schema) {
                    say("blind-function", &call, label);
                }
                if policy.permissive {
                    let told = |part: &SyntaxNode| {
                        disguises.iter().any(|whole| whole.text_range().contains_range(part.text_range()))
                    };
                    let loose = loose(&clause.expression, &lookup);
                    for (comparison, label) in loose.into_iter().filter(|(comparison, _)| !told(comparison)) {
                        say("loose-comparison", &comparison, label.to_owned());
                    }
                    for (question, label) in unrelated(&clause.expression, &lookup) {
                        say("unrelated-sub-select", &question, label);
                    }
                }
                for (opening, label) in open_on_null(&clause.expression, policy.permissive) {
                    say("open-on-null", &opening, label);
                }
            }
        }
    }
}

/// What a comparison of something with itself comes to.
fn with_itself(comparison: &SyntaxNode, lookup: &Lookup<'_>) -> Option<String> {
    let answer = match operator(comparison).as_str() {
        "=" | "<=" | ">=" | "in" | "isnotdistinctfrom" | "~~" | "like" => "always true",
        "<>" | "!=" | "<" | ">" | "notin" | "isdistinctfrom" => "never true",
        _ => return None,
    };
    let (left, right) = operands(comparison)?;
    let left_atoms = atoms(&left, lookup);
    // What is the same for everybody without looking is a constant.
    let asks = reads_columns(&left) || claims_or_caller(&left);
    let same = |other: &SyntaxNode| atoms(other, lookup) == left_atoms;
    if !asks || !alternatives(&right).iter().any(same) {
        return None;
    }
    let what = match &left_atoms[..] {
        [Atom::Column(Meaning::Inner(..) | Meaning::Undecided(..))] if is_in_sub_select(comparison, lookup) => {
            "the inner table's column with itself"
        }
        [Atom::Column(meaning)] if !meaning.column().is_empty() => "the row's column with itself",
        _ => "something with itself",
    };
    Some(format!("compares {what}: {answer}"))
}

/// `org_id = coalesce((select clerk.org_id()), org_id)`
fn falls_back_to_itself(comparison: &SyntaxNode, lookup: &Lookup<'_>) -> bool {
    let Some((left, right)) = operands(comparison).filter(|_| operator(comparison) == "=") else { return false };
    [(&left, &right), (&right, &left)].into_iter().any(|(column, other)| {
        let other = bare(other);
        let arguments = arguments(&other);
        called(&other).as_deref() == Some("coalesce")
            && arguments.iter().any(claims_or_caller)
            && arguments.last().is_some_and(|last| reads_columns(last) && atoms(last, lookup) == atoms(column, lookup))
    })
}

fn is_in_sub_select(node: &SyntaxNode, lookup: &Lookup<'_>) -> bool {
    node.ancestors()
        .take_while(|outer| *outer != lookup.clause.node)
        .any(|outer| outer.kind() == SyntaxKind::SELECT && child(&outer, SyntaxKind::FROM_CLAUSE).is_some())
}

/// What the left side may equal: one thing, each of a list, or what a sub-select selects.
fn alternatives(right: &SyntaxNode) -> Vec<SyntaxNode> {
    let right = bare(right);
    match right.kind() {
        SyntaxKind::TUPLE_EXPR | SyntaxKind::ARRAY_EXPR => {
            right.children().flat_map(|inside| alternatives(&inside)).collect()
        }
        // `= any (array[…])`, `= any (array(select …))`
        SyntaxKind::CALL_EXPR => match child(&right, SyntaxKind::ANY_FN) {
            Some(any) => any.children().flat_map(|inside| alternatives(&inside)).collect(),
            None => vec![right],
        },
        SyntaxKind::SELECT | SyntaxKind::PAREN_SELECT => descendants(&right, SyntaxKind::TARGET)
            .next()
            .and_then(|target| target.children().next())
            .into_iter()
            .collect(),
        _ => vec![right],
    }
}

/// An expression, flattened: columns by what they mean, everything else by its text, parentheses and casts left out.
#[derive(Debug, PartialEq, Eq)]
enum Atom {
    Column(Meaning),
    Word(String),
}

fn atoms(node: &SyntaxNode, lookup: &Lookup<'_>) -> Vec<Atom> {
    let mut atoms = Vec::new();
    flatten(&bare(node), lookup, &mut atoms);
    atoms
}

fn flatten(node: &SyntaxNode, lookup: &Lookup<'_>, atoms: &mut Vec<Atom>) {
    let is_function = node.parent().is_some_and(|parent| parent.kind() == SyntaxKind::CALL_EXPR);
    let is_column = matches!(node.kind(), SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR) && !is_function;
    if is_column {
        atoms.push(Atom::Column(lookup.meaning(node)));
        return;
    }
    for element in node.children_with_tokens() {
        if let Some(inner) = element.as_node() {
            flatten(&bare(inner), lookup, atoms);
        } else if let Some(token) = element.as_token().filter(|token| !token.kind().is_trivia()) {
            let text = token.text();
            atoms.push(Atom::Word(if text.starts_with('\'') { text.to_owned() } else { text.to_lowercase() }));
        }
    }
}

fn is_with_null(comparison: &SyntaxNode) -> bool {
    matches!(operator(comparison).as_str(), "=" | "<>" | "!=" | "<" | ">" | "<=" | ">=")
        && operands(comparison).is_some_and(|(left, right)| is_null(&left) || is_null(&right))
}

/// Where it lets in whoever lacks what it asks for.
fn open_on_null(expression: &SyntaxNode, permissive: bool) -> Vec<(SyntaxNode, String)> {
    let mut found = Vec::new();
    for call in
        descendants(expression, SyntaxKind::CALL_EXPR).filter(|call| called(call).as_deref() == Some("coalesce"))
    {
        let arguments = arguments(&call);
        let asks = arguments.iter().any(asks_elsewhere);
        if asks && arguments.last().is_some_and(is_true) {
            found.push((call, "true for a caller without the claim".to_owned()));
        }
    }
    for test in descendants(expression, SyntaxKind::BIN_EXPR) {
        let Some((left, right)) = operands(&test) else { continue };
        let right = bare(&right);
        let of_false = right.kind() == SyntaxKind::LITERAL && has_token(&right, SyntaxKind::FALSE_KW);
        if matches!(operator(&test).as_str(), "isnot" | "isdistinctfrom") && of_false && asks_elsewhere(&left) {
            found.push((test, "true for a caller without the claim: null is not false".to_owned()));
        }
    }
    // What is restricted for some callers only is no opening.
    alone(expression, !permissive, &mut found);
    found
}

/// Of the caller, or of another table: where there is no claim and no such row, the answer is null.
fn asks_elsewhere(node: &SyntaxNode) -> bool {
    claims_or_caller(node) || descendants(node, SyntaxKind::FROM_CLAUSE).next().is_some()
}

/// `… or clerk.org_id() is null`, where nothing else is asked of the row.
fn alone(expression: &SyntaxNode, limited: bool, found: &mut Vec<(SyntaxNode, String)>) {
    let expression = bare(expression);
    let Some((left, right)) = operands(&expression) else { return };
    match operator(&expression).as_str() {
        "or" => {
            alone(&left, limited, found);
            alone(&right, limited, found);
        }
        "and" => {
            alone(&left, limited || reads_rows(&right), found);
            alone(&right, limited || reads_rows(&left), found);
        }
        "is" if !limited && is_null(&right) && claims_or_caller(&left) && !reads_rows(&left) => {
            found.push((expression, "whoever lacks it is let in, to every row".to_owned()));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Source, lint};

    /// What is found about a condition of `notes`; whether `members` is known decides what names mean.
    fn found(condition: &str) -> Vec<&'static str> {
        const TABLES: &str = "create table public.notes (id bigint primary key, org_id text not null, user_id text, status text, deleted_at timestamptz);
            create index on public.notes (org_id); create index on public.notes (user_id);
            alter table public.notes enable row level security; grant select on public.notes to authenticated;
            create table public.people (id bigint primary key, user_id text not null);
            alter table public.people enable row level security; revoke all on public.people from anon, authenticated;
            create table public.staff (org_id text not null, user_id text not null, role text, primary key (user_id, org_id));
            alter table public.staff enable row level security; revoke all on public.staff from anon, authenticated;
            create table public.operators (user_id text primary key);
            alter table public.operators enable row level security; revoke all on public.operators from anon, authenticated;
            create function public.anybody() returns boolean language plpgsql as $$ begin return true; end $$;
            create function public.nearly_anybody(org text) returns boolean language plpgsql as $$ begin if org = '' then return false; end if; return true; end $$;
            create function public.is_staffed(org text) returns boolean language sql security definer set search_path = ''
              as $$ select exists (select from public.staff where org_id = org) $$;
            create function public.is_mine(org text) returns boolean language sql security definer set search_path = ''
              as $$ select exists (select from public.staff where org_id = org and user_id = public.caller()) $$;
            create function public.caller() returns text language sql stable as $$ select clerk.user_id() $$;
            create function public.has(org text, who text) returns boolean language sql security definer set search_path = ''
              as $$ select exists (select from public.staff where org_id = org and user_id = who) $$;
            create function public.is_open(org text) returns boolean language sql security definer set search_path = ''
              as $$ select exists (select from public.people) $$;";
        let policy = format!("create policy p on public.notes for select to authenticated using ({condition});");
        let rules = [
            "tautology",
            "self-comparison",
            "null-comparison",
            "open-on-null",
            "loose-comparison",
            "unrelated-sub-select",
            "blind-function",
            "syntax",
        ];
        let all = lint(&[Source::file("1.sql", TABLES), Source::file("2.sql", policy)]);
        all.iter().map(|diagnostic| diagnostic.id()).filter(|id| rules.contains(id)).collect()
    }

    #[test]
    fn what_is_always_true_is_found_however_it_is_written() {
        for condition in [
            "org_id = (select clerk.org_id()) or true",
            "true or org_id = (select clerk.org_id())",
            "(org_id = (select clerk.org_id())) or (1 = 1)",
            "1 = 1",
            "1 <> 2",
            "'a' = 'a'",
            "not false",
            "not (not true)",
            "(select true) and true",
            "true is true",
            "null is null",
            "'t'::boolean",
            "cast('yes' as boolean)",
            "coalesce(true, org_id = (select clerk.org_id()))",
            "case when org_id = (select clerk.org_id()) then true else true end",
            "org_id is not null",
            "not (org_id is null)",
            "id is not null",
            "user_id = (select clerk.user_id()) and (org_id = (select clerk.org_id()) or true)",
            "exists (select 1 from public.members as m where m.user_id = (select clerk.user_id()) or true)",
        ] {
            assert_eq!(found(condition), ["tautology"], "{condition}");
        }
    }

    #[test]
    fn what_asks_something_is_not() {
        for condition in [
            "true",
            "(true)",
            "org_id = (select clerk.org_id())",
            "1 = 1 and org_id = (select clerk.org_id())",
            "status = 'true' and org_id = (select clerk.org_id())",
            "status is not null",
            "org_id is not null and org_id = (select clerk.org_id())",
            "coalesce(status = 'open', true)",
            "case when status = 'open' then true end",
            "case when status = 'open' then true else user_id = (select clerk.user_id()) end",
            "not (select clerk.is_pending())",
            "not coalesce((select clerk.is_pending()), false)",
            "1 = 2",
        ] {
            assert_eq!(found(condition), Vec::<&str>::new(), "{condition}");
        }
    }

    #[test]
    fn a_comparison_of_something_with_itself_is_found_where_names_say_so() {
        for condition in [
            "org_id = org_id",
            "notes.org_id = org_id",
            "(org_id)::text = notes.org_id",
            "org_id in (org_id, 'org_1')",
            "org_id = any (array[org_id])",
            "org_id is not distinct from org_id",
            "lower(org_id) = lower(notes.org_id)",
            "(select clerk.org_id()) = clerk.org_id()",
            "org_id <> org_id",
            // Of `members` nothing is known but that it has the column, for it is named so.
            "exists (select 1 from public.members where members.org_id = org_id)",
            "exists (select 1 from public.members as m where m.org_id = org_id and m.user_id = (select clerk.user_id()))",
            "exists (select 1 from public.members where org_id = org_id)",
            "org_id in (select m.org_id from public.members as m where m.user_id = user_id)",
            "exists (select 1 from public.members as m where m.org_id = m.org_id)",
            "exists (select 1 from public.a join public.b on a.id = a.id)",
            // `people` is known and has no such column: both are the row's.
            "exists (select 1 from public.people where org_id = notes.org_id)",
            "org_id in (select org_id from public.people where people.user_id = (select clerk.user_id()))",
            "org_id = any (array(select org_id from public.people))",
        ] {
            assert!(found(condition).contains(&"self-comparison"), "{condition}");
        }
    }

    #[test]
    fn a_comparison_of_two_things_is_left_alone() {
        for condition in [
            "exists (select 1 from public.members as m where m.org_id = notes.org_id)",
            "org_id in (select org_id from public.members where user_id = (select clerk.user_id()))",
            "org_id in (select m.org_id from public.members as m)",
            "exists (select 1 from public.people where people.user_id = notes.user_id)",
            "user_id in (select user_id from public.people)",
            "exists (select 1 from public.a join public.b on a.id = b.id)",
            "user_id = org_id",
            "exists (select 1 from public.notes as other where other.id = notes.id)",
            "org_id = any (array(select clerk.my_org_ids()))",
            "(select clerk.user_id()) = user_id",
            "exists (select 1 from (select org_id from public.members) as m where m.org_id = notes.org_id)",
            "'a' || status = status || 'a'",
        ] {
            assert_eq!(found(condition), Vec::<&str>::new(), "{condition}");
        }
    }

    #[test]
    fn null_opens_and_null_closes() {
        for condition in [
            "org_id = (select clerk.org_id()) or (select clerk.org_id()) is null",
            "coalesce(org_id = (select clerk.org_id()), true)",
            "(org_id = (select clerk.org_id())) is not false",
            "(org_id = (select clerk.org_id())) is distinct from false",
            "(current_setting('request.jwt.claims', true) is null or org_id = (select clerk.org_id())) and not (select clerk.is_pending())",
            "(select auth.jwt() ->> 'sub') is null",
            "org_id = coalesce((select clerk.org_id()), org_id)",
            "coalesce((select auth.jwt() ->> 'org_id'), notes.org_id) = org_id",
        ] {
            assert_eq!(found(condition), ["open-on-null"], "{condition}");
        }
        for condition in [
            "org_id = (select clerk.org_id()) or (select clerk.org_id()) is null and user_id = (select clerk.user_id())",
            "user_id = (select clerk.user_id()) and ((select clerk.org_id()) is null or org_id = (select clerk.org_id()))",
            "(select clerk.user_id()) is not null",
            "coalesce(status = 'open', true)",
            "deleted_at is null",
            "org_id = coalesce((select auth.jwt() ->> 'org_id'), (select auth.jwt() -> 'o' ->> 'id'))",
            "(org_id = (select clerk.org_id())) is true",
        ] {
            assert_eq!(found(condition), Vec::<&str>::new(), "{condition}");
        }
        for condition in ["deleted_at = null", "null <> status", "deleted_at = (null)::timestamptz"] {
            assert_eq!(found(condition), ["null-comparison"], "{condition}");
        }
    }

    #[test]
    fn what_nearly_every_row_meets_is_found() {
        for condition in [
            "user_id is not null",
            "not (user_id is null)",
            "org_id like '%'",
            "org_id ilike '%%'",
            "org_id ~ '.*'",
            "org_id >= ''",
            "'' <= org_id",
            "org_id > ''",
            "org_id <> ''",
            "'none' != org_id",
            "org_id is distinct from 'org_1'",
            "not (org_id = 'org_1')",
            "org_id not in ('org_1', 'org_2')",
            "org_id not like 'test%'",
            "user_id <> (select clerk.user_id())",
            "(select clerk.user_id()) <> user_id",
            "notes.user_id <> 'nobody'",
            "(select clerk.org_id()) <> 'org_1'",
            "(select clerk.user_id()) ilike '%'",
            "(select auth.jwt() ->> 'sub') <> 'nobody'",
            "org_id = (select clerk.org_id()) or user_id is not null",
            "org_id <> '' and not (select clerk.is_pending())",
            "org_id <> '' and user_id is not null and (select auth.jwt() ->> 'role') = 'authenticated'",
        ] {
            let found = found(condition);
            assert!(found.contains(&"loose-comparison"), "{condition}: {found:?}");
            assert!(!found.contains(&"syntax"), "{condition}");
        }
        for condition in [
            "user_id is not null and user_id = (select clerk.user_id())",
            "org_id <> '' and org_id = (select clerk.org_id())",
            "user_id <> 'nobody' and status = 'open'",
            "status <> 'draft'",
            "status ilike '%'",
            "status is not null",
            "org_id like 'org\\_%' and org_id = (select clerk.org_id())",
            "user_id <> (select clerk.user_id()) and org_id = (select clerk.org_id())",
            "(select clerk.user_id()) is not null",
            "user_id is null",
            "(select auth.jwt() -> 'fva' ->> 1) <> '-1' and org_id = (select clerk.org_id())",
            "exists (select 1 from public.people as p where p.user_id is not null and p.user_id = notes.user_id)",
        ] {
            assert_eq!(found(condition), Vec::<&str>::new(), "{condition}");
        }
    }

    #[test]
    fn a_restriction_may_be_loose() {
        let sql = "create table public.notes (id bigint primary key, org_id text not null); alter table public.notes enable row level security;
            create policy p on public.notes as restrictive for select to authenticated using (org_id <> 'org_suspended');";
        let found = lint(&[Source::file("1.sql", sql)]);
        assert!(!found.iter().any(|diagnostic| diagnostic.id() == "loose-comparison"));
    }

    #[test]
    fn a_membership_of_any_organization_is_found() {
        for condition in [
            "exists (select 1 from public.staff where user_id = (select clerk.user_id()))",
            "exists (select 1 from public.staff as m where m.user_id = (select auth.jwt() ->> 'sub') and m.role = 'admin')",
            "user_id = (select clerk.user_id()) or exists (select from public.staff as s where s.user_id = (select clerk.user_id()))",
            "not (select clerk.is_pending()) and exists (select from public.staff as s where s.user_id = (select clerk.user_id()))",
        ] {
            assert_eq!(found(condition), ["unrelated-sub-select"], "{condition}");
        }
        for condition in [
            // A list of the application's own staff has no organization.
            "exists (select 1 from public.operators where user_id = (select clerk.user_id()))",
            "exists (select 1 from public.staff as m where m.user_id = (select clerk.user_id()) and m.org_id = notes.org_id)",
            "exists (select 1 from public.staff as m where m.user_id = (select clerk.user_id()) and m.org_id = 'org_ours')",
            "exists (select 1 from public.staff as m where m.user_id = (select clerk.user_id())) and org_id = (select clerk.org_id())",
            "exists (select 1 from public.staff as m where m.user_id = (select clerk.user_id()) and m.role = notes.status)",
        ] {
            assert_eq!(found(condition), Vec::<&str>::new(), "{condition}");
        }
    }

    #[test]
    fn a_function_that_does_not_look_at_the_caller_is_found() {
        for condition in [
            "(select public.anybody())",
            "anybody() and org_id = (select clerk.org_id())",
            "public.is_staffed(org_id)",
            "user_id = (select clerk.user_id()) or public.is_staffed(org_id)",
        ] {
            assert_eq!(found(condition), ["blind-function"], "{condition}");
        }
        for condition in [
            "public.is_mine(org_id)",
            "public.has(org_id, (select clerk.user_id()))",
            "public.is_staffed(org_id) and user_id = (select clerk.user_id())",
            "public.nearly_anybody(org_id)",
            "public.is_open(org_id)",
        ] {
            assert_eq!(found(condition), Vec::<&str>::new(), "{condition}");
        }
    }
}
