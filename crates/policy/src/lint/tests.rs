//! Each rule on its own examples, and all of them on what we write ourselves.

use insta::assert_snapshot;

use super::{Diagnostic, RULES, Severity, Source, lint, render, to_json, to_sarif};
use crate::generator::{Existing, migration};
use crate::model::Model;

fn source(text: &str) -> [Source; 1] {
    [Source::file("migrations/1_notes.sql", text)]
}

fn ids(found: &[Diagnostic]) -> Vec<&'static str> {
    found.iter().map(Diagnostic::id).collect()
}

#[test]
fn each_rule_finds_its_bad_example_and_leaves_the_good_one() {
    for rule in RULES {
        let bad = ids(&lint(&source(rule.bad)));
        assert!(bad.contains(&rule.id), "{} in {}: {bad:?}", rule.id, rule.bad);
        let good = ids(&lint(&source(rule.good)));
        assert!(!good.contains(&rule.id), "{} in {}: {good:?}", rule.id, rule.good);
        assert!(!good.contains(&"syntax") && !bad.contains(&"syntax"), "{}", rule.id);
    }
}

#[test]
fn what_the_generator_writes_is_clean() {
    let model = Model::parse(include_str!("../../tests/app/rowlock.toml")).unwrap();
    let schema = include_str!("../../tests/app/schema.sql");
    let generated = migration(&model, model.tables.iter().map(|table| (table, Existing::default())));
    let both = [Source::file("1_schema.sql", schema), Source::file("2_policies.sql", generated)];
    let found = lint(&both);
    let told: Vec<String> = found.iter().map(|diagnostic| render(diagnostic, &both, false)).collect();
    assert!(found.is_empty(), "{}", told.join("\n\n"));
    // Generated a second time, it says the same, and nothing is there twice.
    let again = [both[0].clone(), both[1].clone(), both[1].clone()];
    assert_eq!(ids(&lint(&again)), Vec::<&str>::new());
    // Without the policies the same schema is not.
    assert_eq!(ids(&lint(&both[..1])).iter().filter(|id| **id == "rls-off").count(), 8);
}

#[test]
fn a_finding_is_shown_as_rustc_shows_its_own() {
    let sources = source(
        "alter table public.projects enable row level security;\ngrant select on public.projects to authenticated;\n\ncreate policy members on public.projects\n  for select to authenticated\n  using (org_id = (select auth.jwt() ->> 'o.id'));\n",
    );
    let found = lint(&sources);
    assert_eq!(ids(&found), ["claim-path"]);
    assert_snapshot!(render(&found[0], &sources, false), @"
    error[claim-path]: public.projects: a claim is asked for by a path
     --> migrations/1_notes.sql:6:27
      |
    6 |   using (org_id = (select auth.jwt() ->> 'o.id'));
      |                           ^^^^^^^^^^^^^^^^^^^^^ there is no claim called `o.id`; a path is written step by step
      |
      = note: `->> 'o.id'` asks for a claim that is called `o.id`. There is none, the answer is always null, and the policy quietly lets nobody in.
    help: use (select clerk.org_id()), or go step by step: -> 'o' ->> 'id' (docs/lint.md#claim-path)
    ");
    assert_snapshot!(serde_json::to_string_pretty(&to_json(&found[0], &sources)).unwrap(), @r#"
    {
      "column": 27,
      "fix": "use (select clerk.org_id()), or go step by step: -> 'o' ->> 'id'",
      "found": "there is no claim called `o.id`; a path is written step by step",
      "line": 6,
      "page": "docs/lint.md#claim-path",
      "rule": "claim-path",
      "severity": "error",
      "source": "migrations/1_notes.sql",
      "subject": "public.projects",
      "text": "auth.jwt() ->> 'o.id'",
      "why": "`->> 'o.id'` asks for a claim that is called `o.id`. There is none, the answer is always null, and the policy quietly lets nobody in."
    }
    "#);
    let sarif = to_sarif(&found, &sources);
    assert_snapshot!(serde_json::to_string_pretty(&sarif["runs"][0]["results"]).unwrap(), @r#"
    [
      {
        "level": "error",
        "locations": [
          {
            "physicalLocation": {
              "artifactLocation": {
                "uri": "migrations/1_notes.sql"
              },
              "region": {
                "endColumn": 48,
                "endLine": 6,
                "startColumn": 27,
                "startLine": 6
              }
            }
          }
        ],
        "message": {
          "text": "public.projects: there is no claim called `o.id`; a path is written step by step"
        },
        "ruleId": "claim-path",
        "ruleIndex": 3
      }
    ]
    "#);
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().len(), RULES.len());
}

#[test]
fn a_file_that_cannot_be_read_says_where() {
    let sources = source("create policy own on public.notes for select to authenticated using (user_id = ;\n");
    let found = lint(&sources);
    let syntax = found.iter().find(|diagnostic| diagnostic.id() == "syntax").unwrap();
    assert_eq!(syntax.severity(), Severity::Error);
    assert_snapshot!(render(syntax, &sources, false), @"
    error[syntax]: this SQL cannot be read
     --> migrations/1_notes.sql:1:78
      |
    1 | create policy own on public.notes for select to authenticated using (user_id = ;
      |                                                                              ^ expected an expression, found SEMICOLON
    ");
}

#[test]
fn files_are_one_history() {
    let sources = [
        Source::file(
            "1.sql",
            "create table notes (id bigint primary key, user_id text);\ncreate policy \"Enable all\" on notes using (true);",
        ),
        Source::file(
            "2.sql",
            "drop policy if exists \"Enable all\" on public.notes;\nalter table notes enable row level security;",
        ),
    ];
    assert_eq!(ids(&lint(&sources[..1])), ["no-check", "policies-without-rls", "always-true"]);
    // Nobody has a policy any more: closed, and perhaps more than was meant.
    assert_eq!(ids(&lint(&sources)), ["no-policy"]);
}

#[test]
fn a_comment_allows_one_rule_in_one_place() {
    let policy = "create policy anybody on public.notes for insert to authenticated with check (true);\ngrant insert on public.notes to authenticated;";
    assert_eq!(ids(&lint(&source(policy))), ["always-true"]);
    assert_eq!(ids(&lint(&source(&format!("-- rowlock: allow always-true\n{policy}")))), Vec::<&str>::new());
    assert_eq!(ids(&lint(&source(&format!("-- rowlock: allow no-check\n{policy}")))), ["always-true"]);
}

/// The forms that others flag and should not, and miss and should not.
#[test]
fn calls_are_wrapped_when_postgres_makes_an_init_plan() {
    let found = |condition: &str| {
        let text = format!(
            "create policy p on public.notes for select to authenticated using ({condition}); grant select on public.notes to authenticated;"
        );
        ids(&lint(&source(&text)))
    };
    for wrapped in [
        "(select auth.jwt() ->> 'sub') = user_id",
        "((select auth.jwt()) ->> 'sub') = user_id",
        "user_id in (select clerk.user_id())",
        "org_id = any (array(select clerk.my_org_ids()))",
        "org_id in (select mine.id from clerk.my_org_ids() as mine (id))",
        "project_id in (select id from public.projects where org_id = (select clerk.org_id()))",
        "lower(title) = 'x'",
    ] {
        assert_eq!(found(wrapped), Vec::<&str>::new(), "{wrapped}");
    }
    for bare in [
        "auth.jwt() ->> 'sub' = user_id",
        "(select clerk.user_id()) = user_id and clerk.has_role('admin')",
        "user_id = (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')",
        "project_id in (select id from public.projects where org_id = clerk.org_id())",
    ] {
        assert_eq!(found(bare), ["unwrapped-call"], "{bare}");
    }
    assert_eq!(
        found(
            "exists (select 1 from public.members where members.org_id = notes.org_id and members.user_id = (select clerk.user_id()))"
        ),
        ["row-by-row"]
    );
}

/// The page is made of the rules: `ROWLOCK_WRITE_DOCS=1 cargo test -p policy the_page` writes it.
#[test]
fn the_page_holds_every_rule() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/lint.md");
    let page = super::rules::page();
    if std::env::var_os("ROWLOCK_WRITE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == page, "docs/lint.md is not what the rules say; see this test");
}

#[test]
fn a_sub_select_about_the_row_is_found_however_its_column_is_written() {
    const TABLES: &str = "create table public.tickets (id bigint primary key, org_id text not null);
        create table public.comments (id bigint primary key, ticket_id bigint not null references public.tickets (id));
        create policy read on public.comments for select to authenticated using";
    for (condition, by_row) in [
        ("exists (select 1 from public.tickets as t where t.id = comments.ticket_id)", true),
        ("exists (select 1 from public.tickets as t where t.id = ticket_id)", true),
        (
            "exists (select 1 from public.tickets where tickets.id = ticket_id and org_id = (select clerk.org_id()))",
            true,
        ),
        ("exists (select 1 from public.tickets where org_id = (select clerk.org_id()))", false),
        ("ticket_id in (select id from public.tickets)", false),
    ] {
        let found = lint(&source(&format!("{TABLES} ({condition});")));
        assert_eq!(ids(&found).contains(&"row-by-row"), by_row, "{condition}: {:?}", ids(&found));
    }
}
