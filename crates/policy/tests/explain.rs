//! The sentence a person needs, for every way to see nothing.

use clerk::{Clock as _, SystemClock};
use insta::assert_snapshot;
use policy::explain::{Answer, Caller, explain};
use policy::issuer::Issuer;
use postgres::testing::TestDatabase;
use serde_json::{Value, json};
use tokens::DatabaseRoles;

use crate::support::app::{execute, protected};

const ROWS: &str = "
    insert into clerk.users (id, primary_email_address, clerk_updated_at, event_at, delivery_id, synced_at, source) values
      ('user_ada', 'ada@example.com', 1, 1, 'msg', now(), 'webhook'), ('user_eve', 'eve@example.com', 1, 1, 'msg', now(), 'webhook');
    insert into clerk.organizations (id, slug, clerk_updated_at, event_at, delivery_id, synced_at, source) values
      ('org_acme', 'acme', 1, 1, 'msg', now(), 'webhook');
    insert into clerk.organization_memberships (id, organization_id, user_id, role, permissions, clerk_updated_at, event_at, delivery_id, synced_at, source) values
      ('orgmem_1', 'org_acme', 'user_ada', 'org:admin', '{org:sys_memberships:manage,org:projects:manage}', 1, 1, 'msg', now(), 'webhook');
    insert into public.projects (org_id, created_by, name) values ('org_acme', 'user_ada', 'Ours'), ('org_acme', 'user_ben', 'Ben''s'), ('org_globex', 'user_cleo', 'Theirs');
    insert into public.notes (user_id, body) values ('user_ada', 'mine'), ('user_ben', 'his');
    insert into public.invoices (org_id, cents) values ('org_acme', 100);";

async fn app() -> TestDatabase {
    let database = protected().await;
    execute(&database, ROWS).await;
    database
}

async fn caller(claims: Value) -> Caller {
    let (_, verified) =
        Issuer::new(SystemClock.now(), DatabaseRoles::default()).principal(claims.as_object().unwrap()).await.unwrap();
    Caller::of_token(&verified)
}

async fn told(database: &TestDatabase, caller: &Caller, select: &str) -> String {
    explain(&database.owner, caller, select).await.unwrap().sentence
}

#[tokio::test]
async fn each_step_is_told_with_the_values_that_decided() {
    let database = app().await;
    let ada = Caller::of_mirror(&database.owner, "ada@example.com@acme").await.unwrap();
    assert_eq!(ada.described, "user_ada in org_acme as org:admin, as the mirror knows them");
    let explanation = explain(&database.owner, &ada, "select name from projects where name <> 'Ours'").await.unwrap();
    assert!(matches!(explanation.answer, Answer::Rows(1)));
    assert_snapshot!(serde_json::to_string_pretty(&explanation).unwrap(), @r#"
    {
      "role": "authenticated",
      "caller": [
        [
          "clerk.user_id()",
          "user_ada"
        ],
        [
          "clerk.org_id()",
          "org_acme"
        ],
        [
          "clerk.org_role()",
          "org:admin"
        ],
        [
          "clerk.permissions()",
          "{org:projects:manage}"
        ],
        [
          "array(select clerk.my_org_ids())",
          "{org_acme}"
        ],
        [
          "clerk.is_pending()",
          "false"
        ],
        [
          "clerk.is_impersonated()",
          "false"
        ],
        [
          "clerk.session_ok()",
          "true"
        ]
      ],
      "tables": [
        {
          "table": "public.projects",
          "row_security": true,
          "granted": true,
          "total": 3,
          "let_in": 2,
          "visible": 2,
          "policies": [
            {
              "name": "projects_not_pending",
              "asked_for": "select",
              "clause": "using",
              "condition": "(NOT ( SELECT clerk.is_pending() AS is_pending))",
              "permissive": false,
              "applies": true,
              "true_for": 3,
              "false_for": 0,
              "null_for": 0
            },
            {
              "name": "projects_select",
              "asked_for": "select",
              "clause": "using",
              "condition": "(org_id = ( SELECT clerk.org_id() AS org_id))",
              "permissive": true,
              "applies": true,
              "true_for": 2,
              "false_for": 1,
              "null_for": 0
            }
          ],
          "rows": [
            {
              "key": "3",
              "seen": false,
              "answers": [
                true,
                false
              ],
              "columns": [
                [
                  "org_id",
                  "org_globex"
                ]
              ]
            },
            {
              "key": "1",
              "seen": true,
              "answers": [
                true,
                true
              ],
              "columns": [
                [
                  "org_id",
                  "org_acme"
                ]
              ]
            },
            {
              "key": "2",
              "seen": true,
              "answers": [
                true,
                true
              ],
              "columns": [
                [
                  "org_id",
                  "org_acme"
                ]
              ]
            }
          ]
        }
      ],
      "answer": {
        "rows": 1
      },
      "sentence": "1 row: authenticated sees 2 of 3 rows of public.projects"
    }
    "#);
    // Nothing was left open.
    assert_snapshot!(told(&database, &Caller::nobody(), "select * from projects").await, @"refused: role is anon because no token was sent, and anon has no grant for public.projects");
}

#[tokio::test]
async fn every_way_to_see_nothing_has_its_sentence() {
    let database = app().await;
    let nobody = Caller::nobody();
    let ada = || json!({"sub": "user_ada", "v": 2, "o": {"id": "org_acme", "rol": "admin"}});
    let with = |more: Value| {
        let mut claims = ada();
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    let member = caller(ada()).await;
    let alone = caller(json!({"sub": "user_ada", "v": 2})).await;
    let stranger = caller(json!({"sub": "user_eve", "v": 2, "o": {"id": "org_initech", "rol": "admin"}})).await;
    let pending = caller(with(json!({"sts": "pending"}))).await;

    assert_snapshot!(told(&database, &nobody, "select * from public.announcements").await, @"0 rows: public.announcements is empty");
    execute(&database, "insert into public.announcements (author, body) values ('user_ada', 'hello')").await;
    assert_snapshot!(told(&database, &nobody, "select * from public.announcements").await, @"1 row: anon sees 1 of 1 rows of public.announcements");
    assert_snapshot!(told(&database, &nobody, "select * from public.notes").await, @"refused: role is anon because no token was sent, and anon has no grant for public.notes");
    assert_snapshot!(told(&database, &alone, "select * from projects").await, @"0 rows: no organization is active in the token, so clerk.org_id() is null; public.projects is for members of the row's organization");
    assert_snapshot!(told(&database, &stranger, "select * from projects").await, @"0 rows: none of the 3 rows of public.projects is of the organization org_initech, or what else its policies ask does not hold");
    assert_snapshot!(told(&database, &stranger, "select * from invoices").await, @"0 rows: the mirror knows no membership of user_eve, so clerk.my_org_ids() is empty");
    assert_snapshot!(told(&database, &pending, "select * from projects").await, @"0 rows: 2 rows let in, and taken away again by projects_not_pending");
    assert_snapshot!(told(&database, &member, "select * from projects where name = 'nope'").await, @"0 rows: the policies let rows through (2 of public.projects); the statement's own conditions left none of them");
    assert_snapshot!(told(&database, &member, "select p.name, n.body from projects as p join notes as n on n.user_id = p.created_by").await, @"1 row: authenticated sees 2 of 3 rows of public.projects and 1 of 2 rows of public.notes");
    execute(&database, "grant select on public.notes to anon; drop policy notes_select on public.notes").await;
    assert_snapshot!(told(&database, &nobody, "select * from public.notes").await, @"0 rows: role is anon because no token was sent, and nothing of public.notes is for anon");
    assert_snapshot!(told(&database, &member, "select * from public.notes").await, @"0 rows: row-level security is on for public.notes and no policy lets authenticated read");
    execute(
        &database,
        "alter policy projects_select on public.projects using (org_id = (select clerk.claims() ->> 'o.id'))",
    )
    .await;
    assert_snapshot!(told(&database, &member, "select * from projects").await, @"0 rows: every policy of public.projects is null for every row: it asks for a claim that the token does not have (`rowlock policy lint`)");
    execute(&database, "revoke select on public.projects from authenticated").await;
    assert_snapshot!(told(&database, &member, "select * from projects").await, @"refused: authenticated has no grant to select from public.projects; `grant select on public.projects to authenticated`");
    assert_snapshot!(told(&database, &member, "select 1 -- with a word at its end").await, @"1 row");
    assert_snapshot!(told(&database, &member, "select 1 where false").await, @"0 rows: the statement reads no table of this database");
}

#[tokio::test]
async fn who_cannot_be_is_told_who_can() {
    let database = app().await;
    let empty = protected().await;
    assert_snapshot!(Caller::of_mirror(&empty.owner, "ada@example.com@acme").await.unwrap_err(), @"the mirror knows nobody yet, and so no user `ada@example.com@acme`; `rowlock backfill` writes everybody whom Clerk has, and `--token` takes a session token instead");
    let refused = async |who: &str| Caller::of_mirror(&database.owner, who).await.unwrap_err();
    assert_snapshot!(refused("carol").await, @"the mirror knows no user `carol`; expected a user id, an e-mail address or a user name");
    assert_snapshot!(refused("user_ada@globex").await, @"user_ada is no member of `globex`; the mirror knows: org_acme (acme)");
    assert_snapshot!(refused("user_eve@acme").await, @"user_eve is no member of `acme`; the mirror knows: no organization of theirs");
    let odd = async |select: &str| explain(&database.owner, &Caller::nobody(), select).await.unwrap_err();
    assert_snapshot!(odd("truncate notes").await, @"this cannot be explained: found truncate; expected one `select`, `insert`, `update`, `delete` or `merge`");
    assert_snapshot!(odd("delete from nots").await, @"this cannot be explained: `public.nots` is no table of this database; expected the name of one");
    assert_snapshot!(odd("select 1; select 2").await, @"this cannot be explained: found 2 statements; expected one `select`, `insert`, `update`, `delete` or `merge`");
    assert_snapshot!(odd("select * form notes where").await, @"this cannot be explained: it cannot be read (missing comma); expected one `select`, `insert`, `update`, `delete` or `merge`");
}

#[tokio::test]
async fn an_update_that_reaches_nothing_is_told_why() {
    let database = app().await;
    let nobody = Caller::nobody();
    let ada = caller(json!({"sub": "user_ada", "v": 2, "o": {"id": "org_acme", "rol": "admin"}})).await;
    let ben = caller(json!({"sub": "user_ben", "v": 2, "o": {"id": "org_acme", "rol": "member"}})).await;
    let dan = caller(json!({"sub": "user_dan", "v": 2, "o": {"id": "org_acme", "rol": "member"}})).await;
    let cleo = caller(json!({"sub": "user_cleo", "v": 2, "o": {"id": "org_globex", "rol": "admin"}})).await;
    let alone = caller(json!({"sub": "user_ben", "v": 2})).await;
    let pending =
        caller(json!({"sub": "user_ben", "v": 2, "sts": "pending", "o": {"id": "org_acme", "rol": "member"}})).await;

    assert_snapshot!(told(&database, &ben, "update projects set name = 'x' where created_by = 'user_ben'").await, @"1 row updated");
    assert_snapshot!(told(&database, &ben, "update projects set name = 'x'").await, @"1 row updated, of 3 that the statement means, and policy projects_update does not let the caller update 2 of them: created_by is user_ada, the token's user is user_ben, clerk.has_permission('org:projects:manage') is false");
    assert_snapshot!(told(&database, &dan, "update projects set name = 'x' where id = 1").await, @"0 rows updated: the statement means 1 row of public.projects, and policy projects_update does not let the caller update it: created_by is user_ada, the token's user is user_dan, clerk.has_permission('org:projects:manage') is false");
    assert_snapshot!(told(&database, &dan, "update projects set name = 'x'").await, @"0 rows updated: the statement means 3 rows of public.projects, and policy projects_update does not let the caller update any of them: created_by is user_ada, the token's user is user_dan, clerk.has_permission('org:projects:manage') is false");
    assert_snapshot!(told(&database, &cleo, "update projects set name = 'x' where id = 1").await, @"0 rows updated: the statement means 1 row of public.projects, and policy projects_update does not let the caller update it: org_id is org_acme, created_by is user_ada, the token's organization is org_globex, the token's user is user_cleo, clerk.has_permission('org:projects:manage') is false");
    assert_snapshot!(told(&database, &alone, "update projects set name = 'x'").await, @"0 rows updated: the statement means 3 rows of public.projects, and policy projects_update does not let the caller update any of them: org_id is org_acme, created_by is user_ada, no organization is active in the token, the token's user is user_ben, clerk.has_permission('org:projects:manage') is false");
    assert_snapshot!(told(&database, &pending, "update projects set name = 'x'").await, @"0 rows updated: the statement means 3 rows of public.projects, and policy projects_not_pending does not let the caller update any of them: the session is pending");
    assert_snapshot!(told(&database, &nobody, "update projects set name = 'x'").await, @"refused: role is anon because no token was sent, and anon has no grant to update public.projects");
    assert_snapshot!(told(&database, &ben, "update projects set name = 'x' where id = 99").await, @"0 rows updated: the statement's own conditions hold for no row of public.projects, whoever asks");
    assert_snapshot!(told(&database, &ben, "delete from projects where id = 2").await, @"0 rows deleted: the statement means 1 row of public.projects, and policy projects_delete does not let the caller delete it: clerk.has_role('org:admin') is false");
    assert_snapshot!(told(&database, &ada, "delete from projects where id = 2 returning name").await, @"1 row deleted");
    assert_snapshot!(told(&database, &ada, "delete from public.projects as p using notes as n where n.user_id = p.created_by").await, @"1 row deleted");
    assert_snapshot!(told(&database, &ada, "with old as (select id from projects) update only public.projects as p set name = 'x' from old where old.id = p.id").await, @"1 row updated, of 3 that the statement means, and policy projects_update does not let the caller update 2 of them: created_by is user_ben, the token's user is user_ada, clerk.has_permission('org:projects:manage') is false");
    // Nothing of it stayed.
    assert_snapshot!(told(&database, &ada, "select * from projects where name <> 'x'").await, @"2 rows: authenticated sees 2 of 3 rows of public.projects");
}

#[tokio::test]
async fn a_row_that_may_not_be_is_told_with_the_values_that_decided() {
    let database = app().await;
    let ada = caller(json!({"sub": "user_ada", "v": 2, "o": {"id": "org_acme", "rol": "admin"}})).await;
    let ben = caller(json!({"sub": "user_ben", "v": 2, "o": {"id": "org_acme", "rol": "member"}})).await;
    let alone = caller(json!({"sub": "user_ben", "v": 2})).await;
    let insert = |organization: &str, user: &str| {
        format!("insert into projects (org_id, created_by, name) values ('{organization}', '{user}', 'New')")
    };

    assert_snapshot!(told(&database, &ben, &insert("org_acme", "user_ben")).await, @"1 row inserted");
    assert_snapshot!(told(&database, &ben, &insert("org_globex", "user_ben")).await, @"new row refused by WITH CHECK of policy projects_insert: org_id is org_globex, the token's organization is org_acme");
    assert_snapshot!(told(&database, &ben, &insert("org_acme", "user_ada")).await, @"new row refused by WITH CHECK of policy projects_insert: created_by is user_ada, the token's user is user_ben");
    assert_snapshot!(told(&database, &alone, &insert("org_acme", "user_ben")).await, @"new row refused by WITH CHECK of policy projects_insert: org_id is org_acme, no organization is active in the token");
    assert_snapshot!(told(&database, &Caller::nobody(), &insert("org_acme", "user_ben")).await, @"refused: role is anon because no token was sent, and anon has no grant to insert into public.projects");
    assert_snapshot!(told(&database, &ben, "insert into projects (org_id, created_by, name) values ('org_acme', 'user_ben', '')").await, @r#"refused: Postgres refused the statement: new row for relation "projects" violates check constraint "projects_name_check" (23514)"#);
    assert_snapshot!(told(&database, &ben, "update projects set org_id = 'org_globex' where id = 2").await, @"new row refused by WITH CHECK of policy projects_update: org_id is org_globex, the token's organization is org_acme, clerk.has_permission('org:projects:manage') is false");
    assert_snapshot!(told(&database, &ben, "update projects set created_by = 'user_ada'").await, @"new row refused by WITH CHECK of policy projects_update: created_by is user_ada, the token's user is user_ben, clerk.has_permission('org:projects:manage') is false");
    assert_snapshot!(told(&database, &ada, "insert into audit_log (org_id, actor, action) values ('org_acme', 'user_ben', 'x')").await, @"new row refused by WITH CHECK of policy audit_log_insert: actor is user_ben, the token's user is user_ada");
    assert_snapshot!(told(&database, &ada, "update audit_log set action = 'y'").await, @"refused: authenticated has no grant to update public.audit_log; if it is meant: `grant update on public.audit_log to authenticated`");
    assert_snapshot!(told(&database, &ben, "insert into invoices (org_id, cents) values ('org_acme', 5)").await, @"new row refused by WITH CHECK of policy invoices_insert: org_id is org_acme, clerk.my_org_ids_with('org:invoices:manage') is {}");

    // The gotcha of every soft delete: the row may be written, and may not be lost from sight.
    execute(&database, "alter table public.notes add column deleted_at timestamptz; alter policy notes_select on public.notes using (user_id = (select clerk.user_id()) and deleted_at is null)").await;
    assert_snapshot!(told(&database, &ada, "update notes set deleted_at = '2026-01-01' where id = 1").await, @"new row refused: authenticated would not see it afterwards (policy notes_select), and a statement that reads the row (`where: id`) may not leave such a row behind: deleted_at is 2026-01-01 00:00:00+00");
    assert_snapshot!(told(&database, &ada, "update notes set deleted_at = '2026-01-01'").await, @"1 row updated, of 2 that the statement means, and policy notes_update does not let the caller update 1 of them: user_id is user_ben, the token's user is user_ada");
    assert_snapshot!(told(&database, &ada, "insert into notes (user_id, body, deleted_at) values ('user_ada', 'x', '2026-01-01') returning id").await, @"new row refused: authenticated would not see it afterwards (policy notes_select), and a statement that reads the row (`returning: id`) may not leave such a row behind: deleted_at is 2026-01-01 00:00:00+00");
    assert_snapshot!(told(&database, &ada, "insert into notes (user_id, body, deleted_at) values ('user_ada', 'x', '2026-01-01')").await, @"1 row inserted");

    // Grants of columns.
    execute(
        &database,
        "revoke update on public.notes from authenticated; grant update (body) on public.notes to authenticated",
    )
    .await;
    assert_snapshot!(told(&database, &ada, "update notes set body = 'x', deleted_at = null").await, @"refused: authenticated may not update deleted_at of public.notes (for `what it writes`), only other columns; if it is meant: `grant update (deleted_at) on public.notes to authenticated`");
    execute(
        &database,
        "revoke select on public.notes from authenticated; grant select (id) on public.notes to authenticated",
    )
    .await;
    assert_snapshot!(told(&database, &ada, "update notes set body = 'x' where user_id = 'user_ada'").await, @"refused: authenticated may not select user_id of public.notes (for `where`), only other columns; if it is meant: `grant select (user_id) on public.notes to authenticated`");
    assert_snapshot!(told(&database, &ada, "delete from notes returning *").await, @"refused: authenticated may not select user_id, body, deleted_at of public.notes (for `returning`), only other columns; if it is meant: `grant select (user_id, body, deleted_at) on public.notes to authenticated`");
}

#[tokio::test]
async fn an_upsert_is_told_in_three_steps() {
    let database = app().await;
    execute(&database, "insert into public.profiles (user_id, handle, is_public) values ('user_ada', 'ada', false), ('user_ben', 'ben', true)").await;
    let ada = caller(json!({"sub": "user_ada", "v": 2})).await;
    let upsert = |user: &str| {
        format!(
            "insert into profiles (user_id, handle) values ('{user}', 'new') on conflict (user_id) do update set handle = excluded.handle"
        )
    };
    assert_snapshot!(told(&database, &ada, &upsert("user_ada")).await, @"1 row inserted or updated");
    assert_snapshot!(told(&database, &ada, &upsert("user_ben")).await, @"the row that the insert proposes is refused by WITH CHECK of policy profiles_insert: user_id is user_ben, the token's user is user_ada");
    assert_snapshot!(told(&database, &ada, "insert into profiles (user_id, handle) values ('user_ada', 'ben') on conflict (handle) do update set is_public = true").await, @"the row user_ben exists already, and policy profiles_update does not let the caller update it: user_id is user_ben, the token's user is user_ada");
    assert_snapshot!(told(&database, &ada, "insert into profiles (user_id, handle) values ('user_ada', 'x') on conflict do nothing").await, @r#"refused: Postgres refused the statement: new row for relation "profiles" violates check constraint "profiles_handle_check" (23514)"#);
    let explanation = explain(&database.owner, &ada, &upsert("user_ada")).await.unwrap();
    let steps = &explanation.changes[0].steps;
    let told: Vec<_> = steps.iter().map(|step| (step.step, step.total, step.passed)).collect();
    assert_snapshot!(format!("{told:?}"), @"[(Proposed, 1, 1), (Existing, 1, 1), (Written, 1, 1)]");
}

#[tokio::test]
async fn each_action_of_a_merge_is_told() {
    let database = app().await;
    let ada = caller(json!({"sub": "user_ada", "v": 2, "o": {"id": "org_acme", "rol": "admin"}})).await;
    let ben = caller(json!({"sub": "user_ben", "v": 2, "o": {"id": "org_acme", "rol": "member"}})).await;
    let merge = |ids: &str, rest: &str| {
        format!("merge into projects as p using (select unnest(array[{ids}]) as id) as s on p.id = s.id {rest}")
    };
    let rename = "when matched then update set name = 'x'";
    let add = "when not matched then insert (id, org_id, created_by, name) overriding system value values (s.id, 'org_acme', 'user_ben', 'New')";
    assert_snapshot!(told(&database, &ben, &merge("2", rename)).await, @"update public.projects: 1 row updated");
    assert_snapshot!(told(&database, &ben, &merge("1, 2", rename)).await, @"refused: the row 1 is there, and policy projects_update does not let the caller update it: created_by is user_ada, the token's user is user_ben, clerk.has_permission('org:projects:manage') is false");
    // Another organization's row is not seen, and so not matched.
    assert_snapshot!(told(&database, &ben, &merge("2, 3", rename)).await, @"update public.projects: 1 row updated, of 2 that the statement means, and policy projects_select does not let the caller see 1 of them (the statement reads the row: `where: id`): org_id is org_globex, the token's organization is org_acme");
    assert_snapshot!(told(&database, &ben, &merge("2, 9", &format!("{rename} {add}"))).await, @"update public.projects: 1 row updated; insert public.projects: 1 row inserted");
    assert_snapshot!(told(&database, &ada, &merge("2, 9", &format!("{rename} {add}"))).await, @"update public.projects: refused: the row 2 is there, and policy projects_update does not let the caller update it: created_by is user_ben, the token's user is user_ada, clerk.has_permission('org:projects:manage') is false");
    assert_snapshot!(told(&database, &ben, &merge("1, 2", "when matched and p.id = 2 then update set org_id = 'org_globex' when matched then do nothing")).await, @"new row refused by WITH CHECK of policy projects_update: org_id is org_globex, the token's organization is org_acme, clerk.has_permission('org:projects:manage') is false");
    assert_snapshot!(told(&database, &ben, &merge("2", "when matched and s.id > 5 then update set name = 'x' when matched then delete")).await, @"delete public.projects: refused: the row 2 is there, and policy projects_delete does not let the caller delete it: clerk.has_role('org:admin') is false");
    assert_snapshot!(told(&database, &Caller::nobody(), &merge("2", rename)).await, @"refused: role is anon because no token was sent, and anon has no grant to update public.projects");
    let explanation = explain(&database.owner, &ben, &merge("2, 9", &format!("{rename} {add}"))).await.unwrap();
    let told: Vec<_> = explanation
        .changes
        .iter()
        .map(|change| {
            (change.command, change.steps.iter().map(|step| (step.step, step.total, step.passed)).collect::<Vec<_>>())
        })
        .collect();
    assert_snapshot!(format!("{told:?}"), @r#"[("update", [(Meant, 1, 1), (Written, 1, 1)]), ("insert", [(Written, 1, 1)])]"#);
}

#[tokio::test]
async fn each_part_of_a_with_that_writes_is_told() {
    let database = app().await;
    let ada = caller(json!({"sub": "user_ada", "v": 2, "o": {"id": "org_acme", "rol": "admin"}})).await;
    let ben = caller(json!({"sub": "user_ben", "v": 2, "o": {"id": "org_acme", "rol": "member"}})).await;
    let both = "with mine as (select id from projects where created_by = 'user_ben'),
          renamed as (update projects as p set name = 'x' from mine where p.id = mine.id returning p.id),
          noted as (insert into notes (user_id, body) values ('user_ben', 'renamed'))
        select count(*) from renamed";
    assert_snapshot!(told(&database, &ben, both).await, @"update public.projects: 1 row updated; insert public.notes: 1 row inserted");
    assert_snapshot!(told(&database, &ada, both).await, @"insert public.notes: new row refused by WITH CHECK of policy notes_insert: user_id is user_ben, the token's user is user_ada");
    let moved = "with gone as (delete from projects where id = 2 returning org_id, name)
        insert into audit_log (org_id, actor, action) select org_id, 'user_ada', name from gone";
    let explanation = explain(&database.owner, &ada, moved).await.unwrap();
    assert_snapshot!(explanation.sentence, @"delete public.projects: 1 row deleted; not explained is the statement itself: it reads rows that another part of the statement returns, which are not there yet");
    assert_snapshot!(explanation.left_out.join("; "), @"the statement itself: it reads rows that another part of the statement returns, which are not there yet");
    assert!(matches!(explanation.answer, Answer::Changed(1)), "{:?}", explanation.answer);
    let inner = "with outer_one as (with inner_one as (select 1) update notes set body = 'x') select 1";
    assert_snapshot!(explain(&database.owner, &ada, inner).await.unwrap().left_out.join("; "), @"`outer_one`: it has a `with` of its own inside of the `with`");
    // Nothing of it stayed.
    assert_snapshot!(told(&database, &ada, "select * from projects where name <> 'x'").await, @"2 rows: authenticated sees 2 of 3 rows of public.projects");
}
