//! Everything that Clerk has, once, whatever happens meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use clerk_api::RequestRate;
use mirror::{BackfillEvent, BackfillOptions, Mirror, ObjectKind, RunError};
use postgres::testing::TestDatabase;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::instance::Clerk;
use crate::support::{Test, deleted, event};

fn only(kinds: &[ObjectKind]) -> BackfillOptions {
    BackfillOptions { kinds: kinds.to_vec(), restart: false }
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[tokio::test]
async fn an_empty_mirror_shows_what_clerk_has() {
    let clerk = Clerk::start().await;
    let users = clerk.users(1203);
    let organizations = clerk.organizations(3, 400, &users);
    let test = Test::of(&clerk).await;
    let done = test.backfill().await.unwrap();
    assert_eq!(test.ids("users").await, sorted(users.clone()));
    assert_eq!(test.ids("organizations").await, sorted(organizations));
    assert_eq!(test.ids("organization_memberships").await.len(), 1200);
    let counts = |kind: ObjectKind| {
        let done = done.kinds.iter().find(|done| done.kind == kind).unwrap();
        (done.seen, done.written, done.refused)
    };
    assert_eq!(counts(ObjectKind::User), (1203, 1203, 0));
    assert_eq!(counts(ObjectKind::Membership), (1200, 1200, 0));
    // Rows are what events would have made of them.
    let shown = clerk.emulator.users().get(&users[7]).unwrap();
    let row = format!("select raw, first_name, source, clerk_updated_at from clerk.users where id = '{}'", users[7]);
    let expected = json!([{
        "raw": shown, "first_name": "Ada", "source": "backfill", "clerk_updated_at": shown["updated_at"],
    }]);
    assert_eq!(test.value(&row).await, expected);
    // A second one finds everything here.
    let again = test.backfill().await.unwrap();
    assert!(again.resumed.is_none());
    assert_eq!(again.kinds.iter().map(|done| done.refused).sum::<u64>(), 0);
    assert_eq!(
        test.value("select count(*) from rowlock.runs where finished_at is not null").await,
        json!([{ "count": 2 }])
    );
}

#[tokio::test]
async fn sessions_are_walked_by_user_when_asked_for() {
    let clerk = Clerk::start().await;
    let users = clerk.users(120);
    for user in &users {
        clerk.emulator.sessions().create(user, None).unwrap();
    }
    let test = Test::of(&clerk).await;
    test.backfill().await.unwrap();
    assert!(test.ids("sessions").await.is_empty());
    let stop = CancellationToken::new();
    let done = test.mirror.backfill(&only(&[ObjectKind::Session]), &stop, |_| {}).await.unwrap();
    assert_eq!((done.kinds[0].seen, done.kinds[0].written), (120, 120));
    assert_eq!(test.ids("sessions").await.len(), 120);
}

#[tokio::test]
async fn webhooks_go_on_meanwhile_and_win() {
    let clerk = Clerk::start().await;
    let users = clerk.users(600);
    let test = Test::of(&clerk).await;
    // One has ended, and of one a newer version is known.
    test.deliver(&event("user.deleted", 0, &deleted(&users[3], "user"))).await;
    let mut newer = clerk.emulator.users().get(&users[4]).unwrap();
    newer["first_name"] = json!("Newer");
    newer["updated_at"] = json!(newer["updated_at"].as_i64().unwrap() + 1);
    test.deliver(&event("user.updated", 0, &newer)).await;
    let done = test.backfill().await.unwrap();
    let of_users = done.kinds.iter().find(|done| done.kind == ObjectKind::User).unwrap();
    assert_eq!((of_users.seen, of_users.written), (600, 598));
    assert_eq!(test.ids("users").await.len(), 599);
    let name = format!("select first_name from clerk.users where id = '{}'", users[4]);
    assert_eq!(test.value(&name).await, json!([{ "first_name": "Newer" }]));
}

#[tokio::test]
async fn users_who_come_and_go_during_the_walk_move_nobody_out_of_sight() {
    let pages = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&pages);
    // Before each page some users go, the one that the walk stands on among them, and a new one comes.
    let clerk = Clerk::behind(move |path, emulator| {
        if path.starts_with("/v1/users?") {
            let page = counted.fetch_add(1, Ordering::SeqCst);
            let limit = [("limit", "500"), ("order_by", "created_at")];
            let Value::Array(oldest) = emulator.users().list(&limit).unwrap() else { panic!("a bare array") };
            for user in oldest.iter().skip(490).step_by(3).take(if page == 0 { 0 } else { 4 }) {
                emulator.users().delete(user["id"].as_str().unwrap()).unwrap();
            }
            emulator.users().create(&json!({ "email_address": [format!("late-{page}@example.com")] })).unwrap();
        }
        None
    })
    .await;
    clerk.users(2200);
    let test = Test::of(&clerk).await;
    test.backfill().await.unwrap();
    assert!(pages.load(Ordering::SeqCst) >= 5);
    let mut offset = 0;
    let mut alive = Vec::new();
    loop {
        let query = [("limit", "500"), ("order_by", "created_at"), ("offset", &offset.to_string())];
        let Value::Array(page) = clerk.emulator.users().list(&query).unwrap() else { panic!("a bare array") };
        alive.extend(
            page.iter()
                .filter(|user| !user["email_addresses"][0]["email_address"].as_str().unwrap().starts_with("late"))
                .map(crate::support::instance::id),
        );
        offset += page.len();
        if page.len() < 500 {
            break;
        }
    }
    let here = test.ids("users").await;
    let missed: Vec<_> = alive.iter().filter(|id| !here.contains(id)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[tokio::test]
async fn clerk_may_limit_the_rate_and_fail_for_a_while() {
    let requests = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&requests);
    let clerk = Clerk::behind(move |path, _| match counted.fetch_add(1, Ordering::SeqCst) % 4 {
        1 if path.contains("users") => Some((StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response()),
        2 if path.contains("users") => Some(StatusCode::BAD_GATEWAY.into_response()),
        _ => None,
    })
    .await;
    let users = clerk.users(1100);
    let test = Test::of(&clerk).await;
    test.backfill().await.unwrap();
    assert_eq!(test.ids("users").await, sorted(users));
}

#[tokio::test]
async fn the_limit_is_kept() {
    let clerk = Clerk::start().await;
    clerk.users(1000);
    let rate = RequestRate::per_ten_seconds(std::num::NonZeroU32::new(20).unwrap());
    let database = TestDatabase::create().await;
    let mirror = Mirror::new(database.owner.clone(), Some(clerk.api().at_rate(rate)));
    let began = std::time::Instant::now();
    let stop = CancellationToken::new();
    mirror.backfill(&only(&[ObjectKind::User]), &stop, |_| {}).await.unwrap();
    let (asked, took) = (clerk.asked(), began.elapsed().as_secs_f64());
    assert!(asked >= 4 && asked as f64 <= 1.0 + 2.0 * took, "{asked} requests in {took} s");
}

#[tokio::test]
async fn an_object_that_postgres_does_not_take_keeps_the_others_from_nothing() {
    let clerk = Clerk::start().await;
    let users = clerk.users(30);
    let test = Test::of(&clerk).await;
    test.execute(&format!("alter table clerk.users add constraint closed check (id <> '{}')", users[11])).await;
    let done = test.backfill().await.unwrap();
    let of_users = done.kinds.iter().find(|done| done.kind == ObjectKind::User).unwrap();
    assert_eq!((of_users.seen, of_users.written, of_users.refused), (30, 29, 1));
}

#[tokio::test]
async fn one_run_works_at_a_time_and_says_who() {
    let clerk = Clerk::start().await;
    clerk.users(10);
    let test = Test::of(&clerk).await;
    let other = test.database.owner.get().await.unwrap();
    other
        .batch_execute("set application_name = 'rowlock backfill, process 4711'; select pg_advisory_lock(9255)")
        .await
        .unwrap();
    let error = test.backfill().await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("another run is under way: rowlock backfill, process 4711 from 127.0.0.1, since 20"),
        "{error}"
    );
    other.batch_execute("select pg_advisory_unlock(9255)").await.unwrap();
    test.backfill().await.unwrap();
}

#[tokio::test]
async fn it_stops_when_told_and_goes_on_where_it_stood() {
    let clerk = Clerk::start().await;
    let users = clerk.users(2600);
    let test = Test::of(&clerk).await;
    let stop = CancellationToken::new();
    let told = stop.clone();
    let watch = move |event: BackfillEvent| {
        if let BackfillEvent::Advanced { .. } = event {
            told.cancel();
        }
    };
    let error = test.mirror.backfill(&BackfillOptions::default(), &stop, watch).await.unwrap_err();
    assert!(matches!(error, RunError::Stopped), "{error}");
    let done = test.backfill().await.unwrap();
    assert!(done.resumed.is_some());
    assert_eq!(done.kinds[0].seen, 2600, "nothing is counted twice");
    assert_eq!(test.ids("users").await, sorted(users));
}

#[tokio::test]
async fn without_a_user_list_there_is_no_backfill() {
    let clerk = Clerk::behind(|path, _| {
        let answer = || (StatusCode::UNPROCESSABLE_ENTITY, r#"{"errors":[{"code":"something_new"}]}"#).into_response();
        path.starts_with("/v1/users").then(answer)
    })
    .await;
    let test = Test::of(&clerk).await;
    let error = test.backfill().await.unwrap_err();
    assert!(error.to_string().contains("422 Unprocessable Entity (something_new) to /v1/users"), "{error}");
}

#[tokio::test]
async fn a_key_of_another_instance_is_refused() {
    let instance = |id: &'static str| {
        move |path: &str, _: &emulator::Emulator| {
            (path == "/v1/instance").then(|| format!(r#"{{"object":"instance","id":"{id}"}}"#).into_response())
        }
    };
    let (ours, theirs) = (Clerk::behind(instance("ins_ours")).await, Clerk::behind(instance("ins_theirs")).await);
    let test = Test::of(&ours).await;
    test.backfill().await.unwrap();
    let mirror = Mirror::new(test.database.owner.clone(), Some(theirs.api()));
    let error = mirror.backfill(&BackfillOptions::default(), &CancellationToken::new(), |_| {}).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "CLERK_SECRET_KEY is of Clerk instance `ins_theirs`; this database mirrors `ins_ours`"
    );
    test.backfill().await.unwrap();
}
