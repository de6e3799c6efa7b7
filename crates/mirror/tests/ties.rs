//! Two states with the same times: Clerk is asked.

use axum::Router;
use axum::routing::get;
use clerk::SecretKey;
use clerk_api::BackendApi;
use mirror::{Mirror, Outcome};
use serde_json::{Value, json};

use crate::support::{Test, event_under, user};

async fn api(answer: Option<Value>) -> BackendApi {
    let router = match answer {
        Some(answer) => Router::new().route("/v1/users/{id}", get(move || async move { axum::Json(answer) })),
        None => Router::new(),
    };
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
        test.value("select object, object_id from rowlock.ties").await,
        json!([{ "object": "user", "object_id": "user_ada" }])
    );
    test
}

#[tokio::test]
async fn clerk_decides_a_tie() {
    let test = tied().await;
    let mirror = Mirror::new(test.database.owner.clone(), Some(api(Some(user("user_ada", 1, "Left"))).await));
    assert!(mirror.settle_ties().await.unwrap());
    assert!(!mirror.settle_ties().await.unwrap(), "nothing is left");
    assert_eq!(
        test.value("select first_name, source from clerk.users").await,
        json!([{ "first_name": "Left", "source": "reconcile" }])
    );
}

#[tokio::test]
async fn a_tied_user_whom_clerk_has_no_more_is_buried() {
    let test = tied().await;
    let mirror = Mirror::new(test.database.owner.clone(), Some(api(None).await));
    assert!(mirror.settle_ties().await.unwrap());
    assert_eq!(test.value("select id from clerk.active_users").await, json!([]));
}

#[tokio::test]
async fn what_happens_after_asking_still_wins() {
    let test = tied().await;
    let mirror = Mirror::new(test.database.owner.clone(), Some(api(Some(user("user_ada", 1, "Left"))).await));
    mirror.settle_ties().await.unwrap();
    let later = event_under("msg_c", "user.updated", 5, &user("user_ada", 5, "Later"));
    assert_eq!(test.deliver(&later).await, Outcome::Applied);
}

#[tokio::test]
async fn the_same_content_twice_is_no_tie() {
    let test = Test::start().await;
    for id in ["msg_a", "msg_b"] {
        test.deliver(&event_under(id, "user.updated", 1, &user("user_ada", 1, "Ada"))).await;
    }
    assert_eq!(test.value("select object_id from rowlock.ties").await, json!([]));
}
