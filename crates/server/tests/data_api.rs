//! `/rest/v1`: rows for whoever Clerk says it is.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insta::assert_snapshot;
use reqwest::Method;
use serde_json::{Value, json};
use tokens::ApiKeys;

use crate::support::{Answer, Issuer, TestServer, session};

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
    seeing_tasks(server).await
}

async fn seeing_tasks(server: TestServer) -> TestServer {
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

/// Keys as long as Supabase's.
const PUBLISHABLE: &str = "sb_publishable_of-an-application";
const SECRET: &str = "sb_secret_of-at-least-32-characters";
const LEGACY_SECRET: &str = "a-secret-that-a-project's-services-share";

async fn with_keys() -> TestServer {
    let server = TestServer::with(|config| {
        let keys = ApiKeys::default().with_publishable(PUBLISHABLE).unwrap();
        config.api_keys = keys.with_secret(SECRET).unwrap().with_legacy_secret(LEGACY_SECRET).unwrap();
    })
    .await;
    server.execute(TASKS).await;
    server.execute("grant select on public.tasks to service_role, anon").await;
    seeing_tasks(server).await
}

/// `{"role": …}`, signed as legacy keys are.
fn legacy(claims: Value) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(&claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, LEGACY_SECRET.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes())))
}

#[tokio::test]
async fn a_secret_key_sees_all_and_beside_a_users_token_no_more_than_the_user() {
    let server = with_keys().await;
    let ada = session().claim("sub", "user_ada").bearer();
    let (service, anonymous) = (legacy(json!({ "role": "service_role" })), legacy(json!({ "role": "anon" })));
    let bearer = |key: &str| format!("Bearer {key}");
    let cases = [
        ("secret", None, Some(SECRET)),
        ("secret, twice", Some(bearer(SECRET)), Some(SECRET)),
        ("secret and a user", Some(ada), Some(SECRET)),
        ("publishable", None, Some(PUBLISHABLE)),
        ("publishable, twice", Some(bearer(PUBLISHABLE)), Some(PUBLISHABLE)),
        ("legacy service_role", Some(bearer(&service)), Some(service.as_str())),
        ("legacy service_role, as apikey alone", None, Some(service.as_str())),
        ("legacy anon", Some(bearer(&anonymous)), Some(anonymous.as_str())),
        ("unknown publishable", None, Some("sb_publishable_of-somebody-else")),
        ("unknown secret", None, Some("sb_secret_of-somebody-else-altogether")),
        ("secret in place of a token", Some(bearer(SECRET)), None),
    ];
    let mut table = String::new();
    for (what, authorization, api_key) in cases {
        let mut request = server.request(Method::GET, "/rest/v1/tasks?select=id&order=id");
        for (name, value) in [("authorization", authorization.as_deref()), ("apikey", api_key)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer = Answer::to(request).await;
        let because = answer.headers.get("x-rowlock-anonymous").map_or("", |because| because.to_str().unwrap());
        let said = if answer.status == 200 { answer.text.clone() } else { answer.json()["details"].to_string() };
        writeln!(table, "{what:<37} {} {said} {because}", answer.status.as_u16()).unwrap();
    }
    assert_snapshot!(table, @r#"
    secret                                200 [{"id":1}, 
     {"id":2}] 
    secret, twice                         200 [{"id":1}, 
     {"id":2}] 
    secret and a user                     200 [{"id":1}] 
    publishable                           200 [] only a publishable key was sent, and no token
    publishable, twice                    200 [] only a publishable key was sent, and no token
    legacy service_role                   200 [{"id":1}, 
     {"id":2}] 
    legacy service_role, as apikey alone  200 [] a legacy key was sent as `apikey` alone: it counts in `Authorization`
    legacy anon                           200 [] the only key sent is the application's own
    unknown publishable                   200 [] only a key that is not known here was sent, and no token
    unknown secret                        401 "api-key-unknown" 
    secret in place of a token            401 "api-key-unknown"
    "#);
}

#[tokio::test]
async fn an_expired_token_says_so_in_postgrests_words() {
    let server = with_keys().await;
    let expired = session().claim("exp", crate::support::NOW - 60).bearer();
    let request = server.request(Method::GET, "/rest/v1/tasks").header("authorization", expired);
    assert_snapshot!(Answer::to(request).await, @r#"
    401
    www-authenticate: Bearer error="invalid_token", error_description="JWT expired"
    {"code":"PGRST303","details":"token expired 60 s ago","hint":"session tokens live 60 s: call `getToken()` for each request","message":"JWT expired"}
    "#);
    let expired = legacy(json!({ "role": "anon", "exp": crate::support::NOW - 60 }));
    let request = server.request(Method::GET, "/rest/v1/tasks").header("authorization", format!("Bearer {expired}"));
    assert_snapshot!(Answer::to(request).await, @r#"
    401
    www-authenticate: Bearer error="invalid_token", error_description="JWT expired"
    {"code":"PGRST303","details":"token expired 60 s ago","hint":"session tokens live 60 s: call `getToken()` for each request","message":"JWT expired"}
    "#);
}

#[tokio::test]
async fn a_second_issuers_users_may_call_and_leave_no_rows_in_the_mirror() {
    let second = Issuer::start().await;
    let server = TestServer::with(|config| config.further_issuers = vec![second.base()]).await;
    server.execute(TASKS).await;
    let server = seeing_tasks(server).await;
    let rows = async |issuer: &str| {
        let token = session().claim("iss", issuer).bearer();
        Answer::to(server.request(Method::GET, "/rest/v1/tasks?select=id").header("authorization", token)).await
    };
    assert_snapshot!(rows(&second.base()).await, @r#"
    200
    [{"id":1}]
    "#);
    assert_snapshot!(server.rows("select id from clerk.users").await, @"[]");
    assert_snapshot!(rows(crate::support::ISSUER).await, @r#"
    200
    [{"id":1}]
    "#);
    assert_snapshot!(server.rows("select id from clerk.users").await, @r#"[{"id":"user_ada"}]"#);
    assert_snapshot!(rows("https://clerk.stranger.example").await, @r#"
    401
    www-authenticate: Bearer error="invalid_token"
    {"code":"PGRST301","details":"token-invalid-issuer","hint":"compare the application's publishable key with this server's issuer: development and production differ","message":"token was issued by \"https://clerk.stranger.example\"; this server trusts `https://clerk.example.com`"}
    "#);
}

#[tokio::test]
async fn an_answer_without_rows_says_that_nobody_is_signed_in() {
    let server = with_keys().await;
    let because = async |path: &str, accept: &str| {
        let request =
            server.request(Method::GET, path).header("accept", accept).header("origin", "https://app.example.com");
        let answer = Answer::to(request).await;
        let exposed = answer.headers.get_all("access-control-expose-headers").iter();
        let exposed = exposed.filter(|names| names.to_str().unwrap().contains("x-rowlock-anonymous")).count();
        (answer.status.as_u16(), answer.headers.contains_key("x-rowlock-anonymous"), exposed)
    };
    assert_eq!(because("/rest/v1/tasks", "*/*").await, (200, true, 1));
    assert_eq!(because("/rest/v1/tasks", "application/vnd.pgrst.object+json").await, (406, true, 1));
    assert_eq!(because("/rest/v1/news", "*/*").await, (200, false, 0));
}

#[tokio::test]
async fn what_is_set_for_supabases_login_holds_here_too() {
    let server = with_tasks().await;
    let sum = async || server.get("/rest/v1/news?select=id.sum()").await;
    assert_eq!(sum().await.verdict(), "400 PGRST123");
    let authenticator = "do $$ begin create role authenticator; exception when duplicate_object then null; end $$;
        alter role authenticator in database :database set pgrst.db_aggregates_enabled = 'true';
        alter role authenticator in database :database set pgrst.jwt_secret = 'no business of its';
        notify pgrst, 'reload config'";
    let database =
        server.rows("select quote_ident(current_database()) as name").await[0]["name"].as_str().unwrap().to_owned();
    server.execute(&authenticator.replace(":database", &database)).await;
    crate::support::eventually("aggregates are there", async || sum().await.status == 200).await;
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
    {"code":"PGRST125","details":"no-route","hint":"Clerk's webhooks are taken at `POST /webhooks/clerk`; `GET /whoami` shows a caller","message":"there is nothing at this address"}
    "#);
}

#[tokio::test]
async fn a_service_of_supabases_that_is_not_here_says_what_to_do_instead() {
    let server = TestServer::start().await;
    assert_snapshot!(server.get("/auth/v1/user").await, @r#"
    501
    {"code":"PGRST000","details":"not-served","hint":null,"message":"there is no Supabase Auth: users sign in with Clerk; pass `accessToken` to createClient and leave `supabase.auth` alone"}
    "#);
    assert_eq!(server.get("/authors/v1").await.verdict(), "404 no-route");
}
