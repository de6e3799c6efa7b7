//! The root document, `OPTIONS`, plans, and pages of other origins.

use crate::support::Harbour;

#[tokio::test]
async fn the_root_shows_what_the_caller_may_use() {
    let harbour = Harbour::open().await;
    let document = harbour.got("/").await;
    let document: serde_json::Value = serde_json::from_str(document.strip_prefix("200 ").unwrap()).unwrap();
    let definitions: Vec<&String> = document["definitions"].as_object().unwrap().keys().collect();
    insta::assert_snapshot!(format!("{definitions:?}"), @r#"["berths", "big_ships", "captains", "port_calls", "ports", "ships"]"#);
    insta::assert_snapshot!(document["definitions"]["ships"]["properties"]["captain_id"], @r#"{"description":"Note:\nThis is a Foreign Key to `captains.id`.<fk table='captains' column='id'/>","format":"int32","type":"integer"}"#);
    insta::assert_snapshot!(document["paths"]["/rpc/add"]["get"]["parameters"], @r#"[{"format":"int32","in":"query","name":"a","required":true,"type":"integer"},{"format":"int32","in":"query","name":"b","required":false,"type":"integer"}]"#);
}

#[tokio::test]
async fn options_say_what_may_be_done() {
    let harbour = Harbour::open().await;
    for (path, allowed) in [
        ("/ships", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        ("/big_ships", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        ("/rpc/add", "OPTIONS,POST"),
        ("/", "OPTIONS,GET,HEAD"),
    ] {
        let answer = harbour.asked(&format!("OPTIONS {path}"), &[], "").await;
        if path != "/rpc/add" {
            assert!(answer.contains(&format!("allow: {allowed}")), "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn plans_are_shown_where_that_is_allowed() {
    let plan = ("Accept", "application/vnd.pgrst.plan+json");
    let harbour = Harbour::open_with(&[("DB_PLAN_ENABLED", "true")]).await;
    let answer = harbour.asked("GET /ships", &[plan], "").await;
    assert!(answer.starts_with("200") && answer.contains("\"Total Cost\""), "{answer}");
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.asked("GET /ships", &[plan], "").await, @r#"
    406
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST107
    {"code":"PGRST107","details":null,"hint":null,"message":"None of these media types are available: application/vnd.pgrst.plan+json; for=\"application/json\""}
    "#);
}

#[tokio::test]
async fn pages_of_listed_origins_may_call() {
    let harbour = Harbour::open_with(&[("SERVER_CORS_ALLOWED_ORIGINS", "https://quay.example")]).await;
    let asked = |origin: &'static str| {
        let harbour = &harbour;
        async move {
            let headers = [("Origin", origin), ("Access-Control-Request-Method", "POST")];
            harbour.asked("OPTIONS /ships", &headers, "").await
        }
    };
    insta::assert_snapshot!(asked("https://quay.example").await, @"
    200
    access-control-allow-credentials: true
    access-control-allow-headers: Authorization, Accept, Accept-Language, Content-Language
    access-control-allow-methods: GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD
    access-control-allow-origin: https://quay.example
    access-control-max-age: 86400
    ");
    assert!(!asked("https://elsewhere.example").await.contains("access-control-allow-credentials"));
}
