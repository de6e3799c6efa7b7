//! `/rest/v1`: rows for whoever Clerk says it is.

use insta::assert_snapshot;
use reqwest::Method;

use crate::support::{Answer, TestServer, session};

const TASKS: &str = "
    create table public.tasks (id integer primary key, title text not null, owner text not null default clerk.user_id());
    alter table public.tasks enable row level security;
    create policy own on public.tasks to authenticated using ((select clerk.user_id()) = owner)
      with check ((select clerk.user_id()) = owner);
    grant select, insert, update, delete on public.tasks to authenticated;
    create table public.news (id integer primary key, said text not null);
    grant select on public.news to anon, authenticated;
    insert into public.tasks values (1, 'hers', 'user_ada'), (2, 'his', 'user_bob');
    insert into public.news values (1, 'the harbour is open');
    notify pgrst;
";

/// A server that knows of the tables.
async fn with_tasks() -> TestServer {
    let server = TestServer::start().await;
    server.execute(TASKS).await;
    let seen = async {
        while server.get("/rest/v1/news").await.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            server.execute("notify pgrst").await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, seen).await.expect("the schema is read anew");
    server
}

#[tokio::test]
async fn each_reads_and_writes_their_own() {
    let server = with_tasks().await;
    let ada = session().claim("sub", "user_ada").bearer();
    let mine = || server.request(Method::GET, "/rest/v1/tasks?select=id,title").header("authorization", &ada);
    assert_snapshot!(Answer::to(mine()).await, @r#"
    200
    [{"id":1,"title":"hers"}]
    "#);
    let post = |body: &'static str| {
        let request = server.request(Method::POST, "/rest/v1/tasks?select=id,owner");
        request.header("authorization", &ada).header("prefer", "return=representation").body(body)
    };
    assert_snapshot!(Answer::to(post(r#"{"id":3,"title":"new"}"#)).await, @r#"
    201
    [{"id":3,"owner":"user_ada"}]
    "#);
    assert_snapshot!(Answer::to(post(r#"{"id":4,"title":"forged","owner":"user_bob"}"#)).await, @r#"
    403
    {"code":"42501","details":null,"hint":null,"message":"new row violates row-level security policy for table \"tasks\""}
    "#);
    let gone = server.request(Method::DELETE, "/rest/v1/tasks?id=gt.0").header("authorization", &ada);
    assert_eq!(Answer::to(gone).await.status, 204);
    assert_snapshot!(server.rows("select id, owner from public.tasks").await, @r#"[{"id":2,"owner":"user_bob"}]"#);
    assert_snapshot!(server.rows("select id from clerk.users").await, @r#"[{"id":"user_ada"}]"#);
}

#[tokio::test]
async fn strangers_see_what_anon_may_and_a_bad_token_is_never_a_stranger() {
    let server = with_tasks().await;
    assert_snapshot!(server.get("/rest/v1/news").await, @r#"
    200
    [{"id":1,"said":"the harbour is open"}]
    "#);
    assert_snapshot!(server.get("/rest/v1/tasks").await, @r#"
    401
    www-authenticate: Bearer
    {"code":"42501","details":null,"hint":null,"message":"permission denied for table tasks"}
    "#);
    for header in [("apikey", "anon-key"), ("apikey", "sb_publishable_x")] {
        let request = server.request(Method::GET, "/rest/v1/news").header(header.0, header.1);
        let answer = Answer::to(request.header("authorization", format!("Bearer {}", header.1))).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
    for token in ["sb_secret_x", "forged.forged.forged", "x"] {
        let request = server.request(Method::GET, "/rest/v1/news").header("authorization", format!("Bearer {token}"));
        assert_eq!(Answer::to(request).await.status, 401, "{token}");
    }
    let claims = session().claim("role", "service_role").bearer();
    let request = server.request(Method::GET, "/rest/v1/tasks").header("authorization", claims);
    assert_snapshot!(Answer::to(request).await, @r#"
    401
    www-authenticate: Bearer error="invalid_token"
    {"code":"PGRST301","details":"token-role-not-allowed","hint":"add the role to `database_roles`, or remove the `role` claim from the token","message":"token asks for database role \"service_role\"; tokens may have authenticated"}
    "#);
}

#[tokio::test]
async fn what_is_too_large_or_switched_off_is_not_read() {
    let server = TestServer::with(|config| {
        if let Some(options) = &mut config.data_api {
            options.max_body_bytes = 2048;
        }
    })
    .await;
    let large = server.request(Method::POST, "/rest/v1/tasks").body("x".repeat(4096));
    assert_snapshot!(Answer::to(large).await, @r#"
    413
    {"code":"PGRST000","details":"body-too-large","hint":null,"message":"the body is larger than 2048 bytes"}
    "#);
    let server = TestServer::with(|config| config.data_api = None).await;
    assert_snapshot!(server.get("/rest/v1/tasks").await, @r#"
    404
    {"code":"PGRST000","details":"no-route","hint":"Clerk's webhooks are taken at `POST /webhooks/clerk`; `GET /whoami` shows a caller","message":"there is nothing at this address"}
    "#);
}
