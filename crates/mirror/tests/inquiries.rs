//! Two states with the same times: Clerk is asked.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use clerk::SecretKey;
use clerk_api::BackendApi;
use mirror::{Mirror, Outcome};
use serde_json::{Value, json};

use crate::support::{Test, event_under, user};

const GONE: &str = r#"{"errors":[{"code":"resource_not_found"}]}"#;

async fn api(answer: Option<Value>) -> BackendApi {
    let router = match answer {
        Some(answer) => Router::new().route("/v1/users/{id}", get(move || async move { axum::Json(answer) })),
        None => Router::new().route("/v1/users/{id}", get(async || (StatusCode::NOT_FOUND, GONE))),
    };
    serve(router).await
}

async fn serve(router: Router) -> BackendApi {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    BackendApi::new(base, SecretKey::parse("sk_test_0123456789").unwrap()).unwrap()
}

async fn tied() -> Test {
    let test = Test::start().await;
    for (id, name) in [("msg_b", "Right"), ("msg_a", "Left")] {
        test.deliver(&event_under(id, "user.updated", 1, &user("user_ada", 1, name))).await;
    }
    // Without asking, every order shows the same state: that of the greater delivery id.
    assert_eq!(test.value("select first_name from clerk.users").await, json!([{ "first_name": "Right" }]));
    assert_eq!(
        test.value("select object, object_id from rowlock.inquiries").await,
        json!([{ "object": "user", "object_id": "user_ada" }])
    );
    test
}

#[tokio::test]
async fn clerk_decides_a_tie() {
    let test = tied().await;
    let mirror = Mirror::new(test.database.owner.clone(), Some(api(Some(user("user_ada", 1, "Left"))).await));
    assert!(mirror.inquire().await.unwrap());
    assert!(!mirror.inquire().await.unwrap(), "nothing is left");
    assert_eq!(
        test.value("select first_name, source from clerk.users").await,
        json!([{ "first_name": "Left", "source": "reconcile" }])
    );
}

#[tokio::test]
async fn a_tied_user_whom_clerk_has_no_more_waits_for_the_event_that_says_so() {
    let test = tied().await;
    let mirror = Mirror::new(test.database.owner.clone(), Some(api(None).await));
    assert!(mirror.inquire().await.unwrap());
    assert_eq!(test.value("select object_id from rowlock.inquiries").await, json!([]));
    assert_eq!(test.value("select id from clerk.active_users").await, json!([{ "id": "user_ada" }]));
}

#[tokio::test]
async fn what_happens_after_asking_still_wins() {
    let test = tied().await;
    let mirror = Mirror::new(test.database.owner.clone(), Some(api(Some(user("user_ada", 1, "Left"))).await));
    mirror.inquire().await.unwrap();
    let later = event_under("msg_c", "user.updated", 5, &user("user_ada", 5, "Later"));
    assert_eq!(test.deliver(&later).await, Outcome::Applied);
}

#[tokio::test]
async fn the_same_content_twice_is_no_tie() {
    let test = Test::start().await;
    for id in ["msg_a", "msg_b"] {
        test.deliver(&event_under(id, "user.updated", 1, &user("user_ada", 1, "Ada"))).await;
    }
    assert_eq!(test.value("select object_id from rowlock.inquiries").await, json!([]));
}

#[tokio::test]
async fn an_answer_that_cannot_be_stored_leaves_the_tie_with_its_reason() {
    let test = tied().await;
    let mut answer = user("user_ada", 1, "Left");
    answer["public_metadata"] = json!({ "x": 0 });
    let answer = answer.to_string().replace("\"x\":0", "\"x\":1e200000");
    let router = Router::new().route("/v1/users/{id}", get(move || async move { answer }));
    let mirror = Mirror::new(test.database.owner.clone(), Some(serve(router).await));
    assert!(mirror.inquire().await.unwrap());
    assert!(!mirror.inquire().await.unwrap(), "it is left alone for a while");
    let ties = test.value("select attempts, reason <> '' as explained from rowlock.inquiries").await;
    assert_eq!(ties, json!([{ "attempts": 1, "explained": true }]));
}

#[tokio::test]
async fn a_404_of_somebody_else_buries_nobody() {
    let test = tied().await;
    let mirror = Mirror::new(test.database.owner.clone(), Some(serve(Router::new()).await));
    assert!(mirror.inquire().await.unwrap());
    assert_eq!(test.value("select id from clerk.active_users").await, json!([{ "id": "user_ada" }]));
}

#[tokio::test]
async fn deliveries_do_not_wait_while_clerk_is_asked() {
    let test = tied().await;
    let slow = get(|| async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        axum::Json(user("user_ada", 1, "Left"))
    });
    let mirror =
        Mirror::new(test.database.owner.clone(), Some(serve(Router::new().route("/v1/users/{id}", slow)).await));
    let settling = tokio::spawn(async move { mirror.inquire().await.unwrap() });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let again = event_under("msg_c", "user.updated", 1, &user("user_ada", 1, "Third"));
    let delivered = tokio::time::timeout(Duration::from_secs(2), test.deliver(&again)).await;
    assert_eq!(delivered.expect("it does not wait for Clerk"), Outcome::Applied);
    assert!(settling.await.unwrap());
    // It was noticed again while Clerk was asked: the answer does not end that.
    assert_eq!(test.value("select object_id from rowlock.inquiries").await, json!([{ "object_id": "user_ada" }]));
}
