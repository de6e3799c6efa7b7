//! What cannot be applied is kept, with its reason, and can be tried again.

use std::time::Duration;

use clerk::DeliveryId;
use futures_util::future::join_all;
use mirror::{Mirror, MirrorError, Outcome};
use postgres::{Pool, PoolOptions};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{Test, deleted, delivery_of, event, event_under, membership, user};

#[tokio::test]
async fn verified_bytes_of_any_kind_are_kept() {
    let test = Test::start().await;
    let bodies: [(&str, Vec<u8>); 8] = [
        ("msg_text", b"hello".to_vec()),
        ("msg_empty", Vec::new()),
        ("msg_truncated", br#"{"type":"user.created","data":{"id":"us"#.to_vec()),
        ("msg_latin1", b"{\"type\":\"user.created\",\"data\":{\"id\":\"user_\xe9\"}}".to_vec()),
        ("msg_nul", b"\0\0\0".to_vec()),
        ("msg_types", br#"{"type":7,"data":[]}"#.to_vec()),
        ("msg_noid", br#"{"type":"user.created","data":{"first_name":"Ada"}}"#.to_vec()),
        (
            "msg_deep",
            format!(
                r#"{{"type":"user.created","data":{{"id":"user_deep","x":{}1{}}}}}"#,
                "[".repeat(100_000),
                "]".repeat(100_000)
            )
            .into_bytes(),
        ),
    ];
    for (id, body) in bodies {
        let outcome = test.deliver(&delivery_of(id, body.clone())).await;
        assert!(matches!(outcome, Outcome::Dead(_)), "{id}: {outcome:?}");
        let kept =
            format!("select length(body) as length from rowlock.inbox where delivery_id = '{id}' and reason <> ''");
        assert_eq!(test.value(&kept).await, json!([{ "length": body.len() }]));
    }
    let reasons =
        test.value("select reason from rowlock.inbox where delivery_id in ('msg_noid', 'msg_types') order by 1").await;
    assert!(reasons[0]["reason"].as_str().unwrap().contains("`type`"), "{reasons}");
}

#[tokio::test]
async fn unknown_events_and_those_without_a_table_are_kept() {
    let test = Test::start().await;
    let tomorrow = event("agent.summoned", 1, &json!({ "id": "agent_1" }));
    assert_eq!(test.deliver(&tomorrow).await, Outcome::Kept);
    let email = event("email.created", 1, &json!({ "id": "ema_1" }));
    assert_eq!(test.deliver(&email).await, Outcome::Kept);
    let rows = test.value("select event_type, object_id, state from rowlock.inbox order by 1").await;
    let expected = json!([
        { "event_type": "agent.summoned", "object_id": "agent_1", "state": "kept" },
        { "event_type": "email.created", "object_id": "ema_1", "state": "kept" },
    ]);
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn trouble_of_the_database_is_retried_until_it_is_over() {
    let test = Test::start().await;
    test.execute("alter table clerk.users rename to users_elsewhere").await;
    let ada = event_under("msg_ada", "user.created", 1, &user("user_ada", 1, "Ada"));
    let outcome = test.deliver(&ada).await;
    assert_eq!(outcome, Outcome::Failed("relation \"clerk.users\" does not exist (42P01)".to_owned()));
    assert_eq!(test.deliver(&ada).await, Outcome::Duplicate);
    test.execute("alter table clerk.users_elsewhere rename to users; update rowlock.inbox set next_attempt_at = now()")
        .await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn({
        let (mirror, stop) = (test.mirror.clone(), stop.clone());
        async move { mirror.work(stop).await }
    });
    let state = "select state, attempts, next_attempt_at from rowlock.inbox";
    let applied = json!([{ "state": "applied", "attempts": 2, "next_attempt_at": null }]);
    for _ in 0..100 {
        if test.value(state).await == applied {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(test.value(state).await, applied);
    assert_eq!(test.value("select first_name from clerk.users").await, json!([{ "first_name": "Ada" }]));
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_dead_letter_is_replayed_on_demand() {
    let test = Test::start().await;
    test.execute("alter table clerk.users add constraint no_ada check (first_name <> 'Ada')").await;
    let outcome = test.deliver(&event_under("msg_ada", "user.created", 1, &user("user_ada", 1, "Ada"))).await;
    assert!(
        matches!(&outcome, Outcome::Dead(reason) if reason.contains("no_ada") && reason.contains("23514")),
        "{outcome:?}"
    );
    let id = DeliveryId::parse("msg_ada").unwrap();
    assert!(matches!(test.mirror.replay(&id).await.unwrap(), Outcome::Dead(_)));
    test.execute("alter table clerk.users drop constraint no_ada").await;
    assert_eq!(test.mirror.replay(&id).await.unwrap(), Outcome::Applied);
    assert!(matches!(test.mirror.replay(&id).await.unwrap_err(), MirrorError::NotWaiting { .. }));
    let health = test.mirror.health().await.unwrap();
    assert_eq!((health.failed, health.dead), (0, 0));
}

#[tokio::test]
async fn a_failure_never_repeats_personal_data() {
    let test = Test::start().await;
    // As Postgres words it when somebody's own trigger casts a name to a number.
    test.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin
           raise exception 'invalid input syntax for type integer: \"%\"', new.first_name using errcode = '22P02';
         end $$;
         create trigger refuse before insert on clerk.users for each row execute function refuse()",
    )
    .await;
    let outcome = test.deliver(&event("user.created", 1, &user("user_ada", 1, "Augusta"))).await;
    let reason = outcome.reason().unwrap_or_else(|| panic!("{outcome:?}")).to_owned();
    let odd = test.deliver(&event("user.created", 1, &json!({ "id": "ada@example.com" }))).await;
    assert!(odd.reason().is_some_and(|reason| !reason.contains("ada")), "{odd:?}");
    assert_eq!(reason, "invalid input syntax for type integer (22P02)");
}

/// The commit goes out behind the inbox's rows without waiting: where these are refused, it must end nothing but in a rollback.
#[tokio::test]
async fn a_delivery_that_the_inbox_refuses_leaves_no_trace_and_takes_nobody_along() {
    let test = Test::start().await;
    test.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
         create trigger refuse before insert on rowlock.inbox for each row
         when (new.delivery_id = 'msg_bob') execute function refuse()",
    )
    .await;
    let deliveries = ["ada", "bob", "carol"]
        .map(|name| event_under(&format!("msg_{name}"), "user.created", 1, &user(&format!("user_{name}"), 1, name)));
    // All three wait before the first is written: they are one batch.
    let told = join_all(deliveries.iter().map(|delivery| test.mirror.deliver(delivery))).await;
    assert!(matches!(told[..], [Ok(Outcome::Applied), Err(_), Ok(Outcome::Applied)]), "{told:?}");
    let others = json!([{ "id": "user_ada" }, { "id": "user_carol" }]);
    assert_eq!(test.value("select id from clerk.users order by id").await, others);
    assert_eq!(test.value("select unnest(object_ids) as id from rowlock.changes order by 1").await, others);
    test.execute("drop trigger refuse on rowlock.inbox").await;
    assert_eq!(test.deliver(&deliveries[1]).await, Outcome::Applied);
}

#[tokio::test]
async fn a_database_that_is_away_leaves_no_trace() {
    let test = Test::start().await;
    test.execute("alter table rowlock.inbox rename to inbox_elsewhere").await;
    let ada = event_under("msg_ada", "user.created", 1, &user("user_ada", 1, "Ada"));
    assert!(test.mirror.deliver(&ada).await.is_err());
    assert_eq!(test.value("select id from clerk.users").await, json!([]));
    test.execute("alter table rowlock.inbox_elsewhere rename to inbox").await;
    assert_eq!(test.deliver(&ada).await, Outcome::Applied);
}

#[tokio::test]
async fn ids_and_types_of_any_length_are_kept() {
    let test = Test::start().await;
    // Letters that do not compress: an index entry is limited to 2,704 bytes after compression.
    let mut state = 1_u32;
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + u8::try_from(state >> 24).unwrap() % 26)
    };
    let long: String = (0..6000).map(|_| letter()).collect();
    for (kind, id) in [("session.created", long.as_str()), ("user.created", long.as_str()), (long.as_str(), "x_1")] {
        let outcome = test.deliver(&event(kind, 1, &json!({ "id": id }))).await;
        assert!(matches!(outcome, Outcome::Kept | Outcome::Dead(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_deletion_with_an_odd_time_is_a_deletion() {
    let test = Test::start().await;
    for (number, time) in ["1e300", "-1e300", "1795305600000000000", "\"soon\""].into_iter().enumerate() {
        let body =
            format!(r#"{{"type":"user.deleted","timestamp":{time},"data":{{"id":"user_{number}","deleted":true}}}}"#);
        assert_eq!(test.deliver(&delivery_of(&format!("msg_{number}"), body)).await, Outcome::Applied, "{time}");
    }
}

#[tokio::test]
async fn a_delivery_that_is_given_up_does_not_hold_up_others() {
    let test = Test::start().await;
    let mut holder = test.database.owner.get().await.unwrap();
    let held = holder.transaction().await.unwrap();
    held.execute("select pg_advisory_xact_lock(hashtextextended('user_ada', 0))", &[]).await.unwrap();
    let url = &test.database.url;
    let pool = Pool::new(url, &PoolOptions { size: 1, ..PoolOptions::default() }).unwrap();
    let mirror = Mirror::new(pool, None);
    let ada = event("user.created", 1, &user("user_ada", 1, "Ada"));
    assert!(tokio::time::timeout(Duration::from_millis(300), mirror.deliver(&ada)).await.is_err(), "it waits");
    let bob = event("user.created", 1, &user("user_bob", 1, "Bob"));
    let delivered = tokio::time::timeout(Duration::from_secs(3), mirror.deliver(&bob)).await;
    assert_eq!(delivered.expect("it does not stand behind the other").unwrap(), Outcome::Applied);
    // And whoever goes on waiting is told to come back.
    assert!(mirror.deliver(&ada).await.is_err());
    held.rollback().await.unwrap();
    assert_eq!(mirror.deliver(&ada).await.unwrap(), Outcome::Applied);
}

#[tokio::test]
async fn a_stricter_default_isolation_changes_nothing() {
    let test = Test::start().await;
    let name = test.value("select current_database() as name").await[0]["name"].as_str().unwrap().to_owned();
    test.execute(&format!("alter database {name} set default_transaction_isolation = 'repeatable read'")).await;
    let pool = Pool::new(&test.database.url, &PoolOptions::default()).unwrap();
    let mirror = Mirror::new(pool, None);
    for round in 0..10 {
        let (user_id, member) = (format!("user_{round}"), format!("orgmem_{round}"));
        let end = event("user.deleted", 2, &deleted(&user_id, "user"));
        let join =
            event("organizationMembership.created", 1, &membership(&member, "org_acme", &user_id, 1, "org:admin"));
        let (ended, joined) = tokio::join!(mirror.deliver(&end), mirror.deliver(&join));
        assert!(ended.is_ok() && joined.is_ok(), "{ended:?} {joined:?}");
    }
    assert_eq!(test.value("select id from clerk.active_organization_memberships").await, json!([]));
}

#[tokio::test]
async fn who_waits_for_somebodys_lock_does_not_hold_up_the_others() {
    let test = Test::start().await;
    let mut holder = test.database.owner.get().await.unwrap();
    let holding = holder.transaction().await.unwrap();
    holding.execute("select pg_advisory_xact_lock(hashtextextended('user_ada', 0))", &[]).await.unwrap();
    let mirror = test.mirror.clone();
    let ada = event("user.created", 1, &user("user_ada", 1, "Ada"));
    let waiting = tokio::spawn(async move { mirror.deliver(&ada).await });
    let waits = "select count(*) from pg_locks join pg_database on pg_database.oid = pg_locks.database
                 where datname = current_database() and locktype = 'advisory' and not granted";
    while test.value(waits).await == json!([{ "count": 0 }]) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let bob = event("user.created", 1, &user("user_bob", 1, "Bob"));
    assert_eq!(test.deliver(&bob).await, Outcome::Applied);
    assert!(!waiting.is_finished(), "nobody has let go of the lock");
    holding.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Outcome::Applied);
}
