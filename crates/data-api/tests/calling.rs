//! Functions.

use crate::support::Harbour;

#[tokio::test]
async fn arguments_come_in_every_way() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.got("/rpc/add?a=1").await, @"200 11");
    insta::assert_snapshot!(harbour.got("/rpc/total?numbers=1&numbers=2&numbers=39").await, @"200 42");
    insta::assert_snapshot!(harbour.asked("POST /rpc/add", &[], r#"{"a":1,"b":2}"#).await, @"
    200
    content-range: 0-0/*
    content-type: application/json; charset=utf-8
    3
    ");
    insta::assert_snapshot!(harbour.asked("POST /rpc/add", &[("Content-Type", "application/x-www-form-urlencoded")], "a=1&b=3").await, @"
    200
    content-range: 0-0/*
    content-type: application/json; charset=utf-8
    4
    ");
    insta::assert_snapshot!(harbour.asked("POST /rpc/echo", &[], r#"[{"any":"thing"}]"#).await, @r#"
    200
    content-range: 0-0/*
    content-type: application/json; charset=utf-8
    [{"any":"thing"}]
    "#);
    insta::assert_snapshot!(harbour.asked("POST /rpc/christen?select=name,class", &[], r#"{"name":"Iona"}"#).await, @r#"
    200
    content-range: 0-0/*
    content-type: application/json; charset=utf-8
    {"name":"Iona","class":"barge"}
    "#);
}

#[tokio::test]
async fn a_get_never_writes() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.got("/rpc/sink").await, @r#"405 {"code":"25006","details":null,"hint":null,"message":"cannot execute DELETE in a read-only transaction"}"#);
    insta::assert_snapshot!(harbour.asked("OPTIONS /rpc/sink", &[], "").await, @"
    200
    access-control-allow-origin: *
    allow: OPTIONS,POST
    ");
    insta::assert_snapshot!(harbour.asked("POST /rpc/sink", &[], "").await, @"
    204
    content-range: 0-0/*
    ");
    insta::assert_snapshot!(harbour.got("/ships?select=id").await, @"200 []");
}

#[tokio::test]
async fn a_function_may_decide_the_answer() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.asked("POST /rpc/teapot", &[], "").await, @r#"
    418
    content-range: 0-0/*
    content-type: application/json; charset=utf-8
    x-tea: mint
    "short and stout"
    "#);
    insta::assert_snapshot!(harbour.asked("POST /rpc/refuse", &[], "").await, @r#"
    423
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=H01
    x-tide: low
    {"code":"H01","details":null,"hint":"come at high tide","message":"the harbour is closed"}
    "#);
}

#[tokio::test]
async fn what_fits_no_function_is_said_with_what_might() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.asked("POST /rpc/chrisen", &[], r#"{"name":"Iona"}"#).await, @r#"
    404
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST202
    {"code":"PGRST202","details":"Searched for the function harbour.chrisen with parameter name or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.","hint":"Perhaps you meant to call the function harbour.christen","message":"Could not find the function harbour.chrisen(name) in the schema cache"}
    "#);
    insta::assert_snapshot!(harbour.asked("POST /rpc/add", &[], r#"{"c":1}"#).await, @r#"
    404
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST202
    {"code":"PGRST202","details":"Searched for the function harbour.add with parameter c or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.","hint":null,"message":"Could not find the function harbour.add(c) in the schema cache"}
    "#);
    insta::assert_snapshot!(harbour.asked("DELETE /rpc/add", &[], "").await, @r#"
    405
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST101
    {"code":"PGRST101","details":null,"hint":null,"message":"Cannot use the DELETE method on RPC"}
    "#);
}
