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
              "condition": "(NOT ( SELECT clerk.is_pending() AS is_pending))",
              "permissive": false,
              "applies": true,
              "true_for": 3,
              "false_for": 0,
              "null_for": 0
            },
            {
              "name": "projects_select",
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
    assert_snapshot!(told(&database, &member, "select 1 where false").await, @"0 rows: the statement reads no table of this database");
}

#[tokio::test]
async fn who_cannot_be_is_told_who_can() {
    let database = app().await;
    let refused = async |who: &str| Caller::of_mirror(&database.owner, who).await.unwrap_err();
    assert_snapshot!(refused("carol").await, @"the mirror knows no user `carol`; expected a user id, an e-mail address or a user name");
    assert_snapshot!(refused("user_ada@globex").await, @"user_ada is no member of `globex`; the mirror knows: org_acme (acme)");
    assert_snapshot!(refused("user_eve@acme").await, @"user_eve is no member of `acme`; the mirror knows: no organization of theirs");
    let odd = async |select: &str| explain(&database.owner, &Caller::nobody(), select).await.unwrap_err();
    assert_snapshot!(odd("delete from notes").await, @"this cannot be explained: found delete; expected one `select`");
    assert_snapshot!(odd("select 1; select 2").await, @"this cannot be explained: found 2 statements; expected one `select`");
    assert_snapshot!(odd("select * form notes where").await, @"this cannot be explained: it cannot be read (missing comma); expected one `select`");
}
