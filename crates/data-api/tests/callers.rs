//! Who asks.

use crate::support::{Harbour, token};

#[tokio::test]
async fn postgres_decides_what_each_sees() {
    let harbour = Harbour::open().await;
    let (ada, bob) =
        (token(r#"{"role":"authenticated","sub":"ada"}"#), token(r#"{"role":"authenticated","sub":"bob"}"#));
    insta::assert_snapshot!(harbour.asked("GET /secrets?select=said", &[("Authorization", &ada)], "").await, @r#"
    200
    content-location: /secrets?select=said
    content-range: 0-0/*
    content-type: application/json; charset=utf-8
    [{"said":"the key is under the mat"}]
    "#);
    insta::assert_snapshot!(harbour.asked("GET /secrets?select=said", &[("Authorization", &bob)], "").await, @r#"
    200
    content-location: /secrets?select=said
    content-range: 0-0/*
    content-type: application/json; charset=utf-8
    [{"said":"the mat is gone"}]
    "#);
    insta::assert_snapshot!(harbour.asked("GET /secrets?select=said", &[], "").await, @r#"
    401
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=42501
    www-authenticate: Bearer
    {"code":"42501","details":null,"hint":null,"message":"permission denied for table secrets"}
    "#);
}

#[tokio::test]
async fn a_token_names_no_role_that_the_login_may_not_become() {
    let harbour = Harbour::open().await;
    for role in ["postgres", "rowlock_client", "nobody", "none"] {
        let claims = format!(r#"{{"role":"{role}","sub":"ada"}}"#);
        let answer = harbour.asked("GET /secrets?select=said", &[("Authorization", &token(&claims))], "").await;
        assert!(!answer.contains("the key"), "{role}: {answer}");
        assert!(!answer.starts_with('2'), "{role}: {answer}");
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_with_the_reason() {
    let harbour = Harbour::open().await;
    let expired = token(r#"{"role":"authenticated","exp":1}"#);
    let foreign = token(r#"{"role":"authenticated"}"#).replace('A', "B");
    insta::assert_snapshot!(harbour.asked("GET /ships", &[("Authorization", &expired)], "").await, @r#"
    401
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST303
    www-authenticate: Bearer error="invalid_token", error_description="JWT expired"
    {"code":"PGRST303","details":null,"hint":null,"message":"JWT expired"}
    "#);
    insta::assert_snapshot!(harbour.asked("GET /ships", &[("Authorization", "Bearer a.b")], "").await, @r#"
    401
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST301
    www-authenticate: Bearer error="invalid_token", error_description="Expected 3 parts in JWT; got 2"
    {"code":"PGRST301","details":null,"hint":null,"message":"Expected 3 parts in JWT; got 2"}
    "#);
    let answer = harbour.asked("GET /ships", &[("Authorization", &foreign)], "").await;
    assert!(answer.starts_with("401"), "{answer}");
}

#[tokio::test]
async fn without_an_anonymous_role_strangers_are_not_let_in() {
    let harbour = Harbour::open_with(&[("DB_ANON_ROLE", "")]).await;
    insta::assert_snapshot!(harbour.asked("GET /ships", &[], "").await, @r#"
    401
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST302
    www-authenticate: Bearer
    {"code":"PGRST302","details":null,"hint":null,"message":"Anonymous access is disabled"}
    "#);
}
