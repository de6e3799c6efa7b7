//! Who the database takes a caller for.

use std::time::Duration;

use axum::http::HeaderValue;
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Answer, Delivery, TestServer, event, session};

#[tokio::test]
async fn without_a_token_a_caller_is_anonymous_and_told_why() {
    let server = TestServer::start().await;
    assert_snapshot!(server.get("/whoami").await, @r#"
    200
    {"hint":"no `Authorization` header was sent","mirrored":null,"organization":null,"role":"anon","user_id":null}
    "#);
    assert_snapshot!(server.whoami("Bearer null").await, @r#"
    200
    {"hint":"the token sent is empty: the user is signed out","mirrored":null,"organization":null,"role":"anon","user_id":null}
    "#);
    let hint = server.whoami("Bearer null").await.ok()["hint"].clone();
    for empty in ["Bearer undefined", "Bearer", "Bearer ", "bearer   "] {
        let answer = server.whoami(empty).await.ok();
        assert_eq!((&answer["role"], &answer["hint"]), (&json!("anon"), &hint), "{empty:?}");
    }
    let answer = server.whoami("").await.ok();
    assert_eq!(answer["role"], "anon");
}

#[tokio::test]
async fn the_answer_is_what_postgres_says() {
    let server = TestServer::start().await;
    assert_snapshot!(server.whoami(session().bearer()).await, @r#"
    200
    {"mirrored":null,"organization":null,"organizations":[],"role":"authenticated","session_id":"sess_1","token":{"authorized_party":"https://app.example.com","claims_version":2,"expires_in_seconds":60,"impersonated_by":null,"issuer":"https://clerk.example.com"},"user_id":"user_ada"}
    "#);
    let in_organization = session().claim("o", json!({ "id": "org_acme", "slg": "acme", "rol": "admin" }));
    assert_snapshot!(server.whoami(in_organization.bearer()).await, @r#"
    200
    {"mirrored":null,"organization":{"id":"org_acme","role":"org:admin","slug":"acme"},"organizations":[],"role":"authenticated","session_id":"sess_1","token":{"authorized_party":"https://app.example.com","claims_version":2,"expires_in_seconds":60,"impersonated_by":null,"issuer":"https://clerk.example.com"},"user_id":"user_ada"}
    "#);
    let v1 = session()
        .claim("v", json!(null))
        .claim("org_id", "org_acme")
        .claim("org_slug", "acme")
        .claim("org_role", "org:admin");
    assert_snapshot!(server.whoami(v1.bearer()).await, @r#"
    200
    {"mirrored":null,"organization":{"id":"org_acme","role":"org:admin","slug":"acme"},"organizations":[],"role":"authenticated","session_id":"sess_1","token":{"authorized_party":"https://app.example.com","claims_version":1,"expires_in_seconds":60,"impersonated_by":null,"issuer":"https://clerk.example.com"},"user_id":"user_ada"}
    "#);
}

#[tokio::test]
async fn a_mirrored_row_appears_after_the_webhook() {
    let server = TestServer::start().await;
    let bearer = session().bearer();
    assert_eq!(server.whoami(&bearer).await.ok()["mirrored"], json!(null));
    server.deliver(&Delivery::user_created("ada")).await.ok();
    server.deliver(&Delivery::user_created("bob")).await.ok();
    let membership = event(
        "organizationMembership.created",
        &json!({
            "id": "orgmem_1", "object": "organization_membership", "role": "org:admin", "created_at": 1, "updated_at": 1,
            "organization": { "id": "org_acme" }, "public_user_data": { "user_id": "user_ada" },
        }),
    );
    assert_eq!(server.deliver(&Delivery::of("msg_membership", membership)).await.ok()["outcome"], "applied");
    let answer = server.whoami(&bearer).await;
    assert_eq!(answer.headers["cache-control"], "no-store", "it is about a person");
    let answer = answer.ok();
    let mirrored = json!({ "primary_email_address": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace" });
    assert_eq!(answer["mirrored"], mirrored);
    assert_eq!(answer["organizations"], json!([{ "id": "org_acme", "role": "org:admin" }]));
}

#[tokio::test]
async fn an_impersonated_session_says_by_whom() {
    let server = TestServer::start().await;
    let support = json!({ "iss": "https://dashboard.clerk.com", "sid": "sess_2", "sub": "user_support" });
    let answer = server.whoami(session().claim("act", support).bearer()).await.ok();
    assert_eq!(answer["token"]["impersonated_by"], "user_support");
}

#[tokio::test]
async fn the_scheme_is_written_in_any_case() {
    let server = TestServer::start().await;
    for scheme in ["bearer", "BEARER"] {
        let answer = server.whoami(format!("{scheme} {}", session().signed())).await.ok();
        assert_eq!(answer["user_id"], "user_ada");
    }
}

#[tokio::test]
async fn a_token_that_is_not_accepted_ends_the_request() {
    let server = TestServer::start().await;
    let good = session().signed();
    // The first letter of the signature: the last one has bits that mean nothing.
    let (message, signature) = good.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{message}.{other}{}", &signature[1..]);
    let callers = [
        ("another scheme", "Basic YWRhOmh1c2g=".to_owned()),
        ("no scheme", good.clone()),
        ("quoted", format!("\"Bearer {good}\"")),
        ("no token", "Bearer hush".to_owned()),
        ("expired", session().claim("exp", crate::support::NOW - 60).bearer()),
        ("of another instance", session().header("kid", "ins_other").bearer()),
        ("of another issuer", session().claim("iss", "https://clerk.example.org").bearer()),
        ("a template", session().header("cat", "cl_B7d4PD222AAA").claim("sid", json!(null)).bearer()),
        ("changed", format!("Bearer {changed}")),
        ("pending", session().claim("sts", "pending").bearer()),
        ("a powerful role", session().claim("role", "service_role").bearer()),
    ];
    let mut said = String::new();
    for (name, authorization) in callers {
        said += &format!("--- {name}\n{}\n", server.whoami(authorization).await);
    }
    assert_snapshot!(said, @r#"
    --- another scheme
    401
    www-authenticate: Bearer
    {"error":{"code":"authorization-malformed","hint":"send one `Authorization: Bearer <the result of getToken()>`","message":"`Authorization` is not of the form `Bearer <token>`"}}
    --- no scheme
    401
    www-authenticate: Bearer
    {"error":{"code":"authorization-malformed","hint":"send one `Authorization: Bearer <the result of getToken()>`","message":"`Authorization` is not of the form `Bearer <token>`"}}
    --- quoted
    401
    www-authenticate: Bearer
    {"error":{"code":"authorization-malformed","hint":"send one `Authorization: Bearer <the result of getToken()>`","message":"`Authorization` is not of the form `Bearer <token>`"}}
    --- no token
    401
    www-authenticate: Bearer error="invalid_token"
    {"error":{"code":"token-invalid","hint":null,"message":"this is not a JSON Web Token: expected 3 parts between dots, found 1"}}
    --- expired
    401
    www-authenticate: Bearer error="invalid_token"
    {"error":{"code":"token-expired","hint":"session tokens live 60 s: call `getToken()` for each request","message":"token expired 60 s ago"}}
    --- of another instance
    401
    www-authenticate: Bearer error="invalid_token"
    {"error":{"code":"jwk-kid-mismatch","hint":"compare the application's publishable key with this server's issuer: development and production differ","message":"token is of instance \"ins_other\"; this server trusts `ins_test` (issuer `https://clerk.example.com`)"}}
    --- of another issuer
    401
    www-authenticate: Bearer error="invalid_token"
    {"error":{"code":"token-invalid-issuer","hint":"compare the application's publishable key with this server's issuer: development and production differ","message":"token was issued by \"https://clerk.example.org\"; this server trusts `https://clerk.example.com`"}}
    --- a template
    401
    www-authenticate: Bearer error="invalid_token"
    {"error":{"code":"token-type-mismatch","hint":"send what `getToken()` gives without a template: no other token says who is signed in","message":"token is a JWT-template token; expected a session token"}}
    --- changed
    401
    www-authenticate: Bearer error="invalid_token"
    {"error":{"code":"token-invalid-signature","hint":null,"message":"token signature is not of key \"ins_test\": the token was changed, or signed by somebody else"}}
    --- pending
    401
    www-authenticate: Bearer error="invalid_token"
    {"error":{"code":"session-pending","hint":"let the user finish the task, or set `accept_pending` to let such sessions in","message":"session is pending: the user has a task to finish, such as choosing an organization"}}
    --- a powerful role
    401
    www-authenticate: Bearer error="invalid_token"
    {"error":{"code":"token-role-not-allowed","hint":"add the role to `database_roles`, or remove the `role` claim from the token","message":"token asks for database role \"service_role\"; tokens may have authenticated"}}
    "#);
}

#[tokio::test]
async fn an_authorization_that_is_not_one_readable_header_is_none() {
    let server = TestServer::start().await;
    let latin1 = HeaderValue::from_bytes(b"Bearer caf\xe9").unwrap();
    let answer = Answer::to(server.request(reqwest::Method::GET, "/whoami").header("authorization", latin1)).await;
    assert_eq!(answer.verdict(), "401 authorization-malformed");
    let request = server.request(reqwest::Method::GET, "/whoami").header("authorization", session().bearer());
    let answer = Answer::to(request.header("authorization", session().claim("sub", "user_eve").bearer())).await;
    assert_eq!(answer.verdict(), "401 authorization-malformed");
}

#[tokio::test]
async fn time_runs_out() {
    let server = TestServer::start().await;
    let bearer = session().bearer();
    assert_eq!(server.whoami(&bearer).await.ok()["token"]["expires_in_seconds"], 60);
    server.clock.advance(Duration::from_secs(30));
    assert_eq!(server.whoami(&bearer).await.ok()["token"]["expires_in_seconds"], 30);
    server.clock.advance(Duration::from_secs(35));
    assert_eq!(server.whoami(&bearer).await.verdict(), "401 token-expired");
}

#[tokio::test]
async fn a_caller_who_is_faster_than_the_webhook_has_a_row_at_once() {
    let server = TestServer::start().await;
    let bearer = session().claim("o", json!({ "id": "org_acme", "slg": "acme", "rol": "admin" })).bearer();
    let rows = "select id, source, stub from clerk.users union all select id, source, stub from clerk.organizations order by 1";
    let answers = futures_util::future::join_all((0..4).map(|_| server.whoami(&bearer))).await;
    assert!(answers.iter().all(|answer| answer.ok()["user_id"] == "user_ada"));
    let made = json!([
        { "id": "org_acme", "source": "token", "stub": true }, { "id": "user_ada", "source": "token", "stub": true },
    ]);
    assert_eq!(server.rows(rows).await, made);
    // Clerk is to be asked for the rest, once.
    let asked = "select object, cause from rowlock.inquiries order by 1";
    let expected = json!([{ "object": "organization", "cause": "stub" }, { "object": "user", "cause": "stub" }]);
    assert_eq!(server.rows(asked).await, expected);
    // And whatever a webhook says is newer.
    server.deliver(&Delivery::user_created("ada")).await.ok();
    let whole = json!([
        { "id": "org_acme", "source": "token", "stub": true }, { "id": "user_ada", "source": "webhook", "stub": false },
    ]);
    assert_eq!(server.rows(rows).await, whole);
}

#[tokio::test]
async fn a_caller_whom_clerk_has_deleted_gets_no_new_row() {
    let server = TestServer::start().await;
    let gone = event("user.deleted", &json!({ "id": "user_ada", "deleted": true }));
    server.deliver(&Delivery::of("msg_gone", gone)).await.ok();
    server.whoami(session().bearer()).await;
    let rows = server.rows("select source, deleted_at is not null as gone from clerk.users").await;
    assert_eq!(rows, json!([{ "source": "webhook", "gone": true }]));
}
