//! What an operator asks the inbox: which deliveries there are, and what a replay would do.

use std::time::Duration;

use clerk::DeliveryId;
use mirror::{InboxFilter, MirrorError, Outcome};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{Test, deleted, event_under, membership, user};

fn id(text: &str) -> DeliveryId {
    DeliveryId::parse(text).unwrap()
}

async fn ids(test: &Test, filter: InboxFilter) -> Vec<String> {
    let found = test.mirror.deliveries(&filter, 100).await.unwrap();
    let mut ids: Vec<String> = found.into_iter().map(|entry| entry.delivery_id).collect();
    ids.sort();
    ids
}

/// Everything in the mirror's tables, the inbox and the inquiries.
async fn everything(test: &Test) -> Value {
    test.value(
        "select (select jsonb_agg(u order by id) from clerk.users u) as users,
           (select jsonb_agg(m order by id) from clerk.organization_memberships m) as memberships,
           (select jsonb_agg(o order by id) from clerk.organizations o) as organizations,
           (select jsonb_agg(i order by delivery_id) from rowlock.inbox i) as inbox,
           (select jsonb_agg(q order by object_id) from rowlock.inquiries q) as inquiries",
    )
    .await
}

#[tokio::test]
async fn deliveries_are_found_by_what_is_known_of_them() {
    let test = Test::start().await;
    test.deliver(&event_under("msg_1", "user.created", 1, &user("user_ada", 1, "Ada"))).await;
    test.deliver(&event_under("msg_2", "user.updated", 2, &user("user_bob", 2, "Bob"))).await;
    let member = membership("orgmem_1", "org_acme", "user_ada", 3, "org:admin");
    test.deliver(&event_under("msg_3", "organizationMembership.created", 3, &member)).await;
    test.deliver(&event_under("msg_4", "user.created", 4, &json!({}))).await;
    test.execute("update rowlock.inbox set received_at = now() - interval '3 hours' where delivery_id = 'msg_2'").await;
    let none = InboxFilter::default;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(ids(&test, none()).await, ["msg_1", "msg_2", "msg_3", "msg_4"]);
    assert_eq!(ids(&test, InboxFilter { event_type: text("user.*"), ..none() }).await, ["msg_1", "msg_2", "msg_4"]);
    assert_eq!(ids(&test, InboxFilter { event_type: text("user_created"), ..none() }).await, Vec::<String>::new());
    assert_eq!(ids(&test, InboxFilter { user_id: text("user_ada"), ..none() }).await, ["msg_1", "msg_3"]);
    assert_eq!(ids(&test, InboxFilter { object_id: text("user_ada"), ..none() }).await, ["msg_1"]);
    assert_eq!(ids(&test, InboxFilter { delivery_id: text("msg_3"), ..none() }).await, ["msg_3"]);
    assert_eq!(ids(&test, InboxFilter { state: text("dead"), ..none() }).await, ["msg_4"]);
    let hour_ago = clerk::Clock::now(&clerk::SystemClock).millis() - 60 * 60 * 1000;
    let recent = InboxFilter { since: Some(hour_ago), ..none() };
    assert_eq!(ids(&test, recent.clone()).await, ["msg_1", "msg_3", "msg_4"]);
    let waiting = test.mirror.waiting(&none(), 100).await.unwrap();
    assert_eq!((waiting.ids, waiting.total), (vec![id("msg_4")], 1));
    let watched = ["msg_2".to_owned()];
    let news = test.mirror.news(&none(), hour_ago, &watched).await.unwrap();
    let news: Vec<&str> = news.iter().map(|entry| entry.delivery_id.as_str()).collect();
    assert_eq!(news, ["msg_1", "msg_2", "msg_3", "msg_4"]);
}

#[tokio::test]
async fn a_rehearsal_shows_what_the_replay_then_does_and_leaves_nothing() {
    let test = Test::start().await;
    test.deliver(&event_under("msg_1", "user.created", 1, &user("user_ada", 1, "Ada"))).await;
    test.execute("alter table clerk.users add constraint closed check (first_name = 'Ada')").await;
    let renamed = event_under("msg_2", "user.updated", 2, &user("user_ada", 2, "Augusta"));
    assert!(matches!(test.deliver(&renamed).await, Outcome::Dead(_)));
    let refused = test.mirror.rehearse(&id("msg_2")).await.unwrap();
    assert!(matches!(refused.outcome, Outcome::Dead(_)), "{refused:?}");
    assert_eq!(refused.differences, []);

    test.execute("alter table clerk.users drop constraint closed").await;
    let before = everything(&test).await;
    let rehearsal = test.mirror.rehearse(&id("msg_2")).await.unwrap();
    assert_eq!(everything(&test).await, before);
    assert_eq!((&rehearsal.outcome, rehearsal.exists), (&Outcome::Applied, true));
    assert_eq!(rehearsal.row, Some(("users", "user_ada".to_owned())));
    let places: Vec<&str> = rehearsal.differences.iter().map(|difference| difference.place.as_str()).collect();
    let expected = ["clerk_updated_at", "delivery_id", "event_at", "first_name", "raw.first_name", "raw.updated_at"];
    assert_eq!(places, expected);
    assert_eq!(test.mirror.replay(&id("msg_2")).await.unwrap(), Outcome::Applied);
    for difference in rehearsal.differences.iter().filter(|difference| !difference.place.contains('.')) {
        let now = test.value(&format!("select {} as value from clerk.users", difference.place)).await;
        assert_eq!(now[0]["value"], difference.after, "{}", difference.place);
    }
}

#[tokio::test]
async fn a_rehearsal_shows_what_goes_and_what_comes_with_it() {
    let test = Test::start().await;
    test.deliver(&event_under("msg_1", "user.created", 1, &user("user_ada", 1, "Ada"))).await;
    test.execute("alter table clerk.organization_memberships rename to elsewhere").await;
    let member = membership("orgmem_1", "org_acme", "user_ada", 3, "org:admin");
    let member = event_under("msg_2", "organizationMembership.created", 3, &member);
    assert!(matches!(test.deliver(&member).await, Outcome::Failed(_)));
    assert!(matches!(test.mirror.rehearse(&id("msg_2")).await.unwrap().outcome, Outcome::Failed(_)));
    test.execute("alter table clerk.elsewhere rename to organization_memberships").await;
    let rehearsal = test.mirror.rehearse(&id("msg_2")).await.unwrap();
    assert_eq!(rehearsal.stubs, [("organizations", "org_acme".to_owned())]);
    assert!(!rehearsal.exists);
    assert_eq!(test.mirror.replay(&id("msg_2")).await.unwrap(), Outcome::Applied);

    test.execute("alter table clerk.users add constraint closed check (deleted_at is null)").await;
    let end = event_under("msg_3", "user.deleted", 9, &deleted("user_ada", "user"));
    assert!(matches!(test.deliver(&end).await, Outcome::Dead(_)));
    test.execute("alter table clerk.users drop constraint closed").await;
    let rehearsal = test.mirror.rehearse(&id("msg_3")).await.unwrap();
    assert_eq!(rehearsal.buried_with_it, [("organization_memberships", 1)]);
    let first_name = rehearsal.differences.iter().find(|difference| difference.place == "first_name").unwrap();
    assert_eq!((&first_name.before, &first_name.after), (&json!("Ada"), &Value::Null));
}

#[tokio::test]
async fn old_bodies_go_and_their_ids_stay() {
    let test = Test::start().await;
    let ada = event_under("msg_1", "user.created", 1, &user("user_ada", 1, "Ada"));
    test.deliver(&ada).await;
    test.deliver(&event_under("msg_2", "user.created", 1, &json!({}))).await;
    test.deliver(&event_under("msg_3", "agent.summoned", 1, &json!({ "id": "agent_1" }))).await;
    test.deliver(&event_under("msg_4", "user.created", 1, &user("user_bob", 1, "Bob"))).await;
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    test.execute("update rowlock.inbox set received_at = now() - interval '31 days' where delivery_id <> 'msg_4'")
        .await;
    let stop = CancellationToken::new();
    let mut workers = JoinSet::new();
    for _ in 0..3 {
        let (mirror, stop) = (test.mirror.clone().keeping_bodies_for(Some(month)), stop.clone());
        workers.spawn(async move { mirror.work(stop).await });
    }
    let with_body = "select delivery_id from rowlock.inbox where body is not null order by 1";
    for _ in 0..100 {
        if test.value(with_body).await.as_array().unwrap().len() < 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    workers.join_all().await;
    // The dead letter's body is all that is left of its event; the other is young.
    assert_eq!(test.value(with_body).await, json!([{ "delivery_id": "msg_2" }, { "delivery_id": "msg_4" }]));
    assert_eq!(test.deliver(&ada).await, Outcome::Duplicate);
    assert_eq!(test.value(with_body).await.as_array().unwrap().len(), 2);
}

/// Svix lets its user send everything of the last month again, and a dead letter may wait for longer than that.
#[tokio::test]
async fn what_comes_again_after_thirty_days_changes_nothing_and_a_dead_letter_still_replays() {
    let test = Test::start().await;
    let created = event_under("msg_1", "user.created", 1, &user("user_ada", 1, "Ada"));
    let renamed = event_under("msg_2", "user.updated", 2, &user("user_ada", 2, "Augusta"));
    let ended = event_under("msg_3", "user.deleted", 2, &json!({ "id": "user_bob", "deleted": true }));
    test.execute("alter table clerk.users add constraint nobody_new check (first_name <> 'Grace')").await;
    let refused = event_under("msg_4", "user.created", 1, &user("user_grace", 1, "Grace"));
    for delivery in [&created, &renamed, &ended, &refused] {
        test.deliver(delivery).await;
    }
    test.execute("update rowlock.inbox set received_at = now() - interval '31 days'").await;
    test.execute("update rowlock.inbox set state = 'dead', next_attempt_at = null where state = 'failed'").await;
    test.mirror.drop_bodies(Duration::from_secs(30 * 24 * 60 * 60)).await.unwrap();

    for delivery in [&created, &renamed, &ended] {
        assert_eq!(test.deliver(delivery).await, Outcome::Duplicate);
    }
    // Under new ids, as a second endpoint or an export would send them.
    let again = event_under("msg_5", "user.created", 1, &user("user_ada", 1, "Ada"));
    let risen = event_under("msg_6", "user.updated", 1, &user("user_bob", 1, "Bob"));
    assert_eq!((test.deliver(&again).await, test.deliver(&risen).await), (Outcome::Stale, Outcome::Stale));
    test.execute("alter table clerk.users drop constraint nobody_new").await;
    assert_eq!(test.mirror.replay(&DeliveryId::parse("msg_4").unwrap()).await.unwrap(), Outcome::Applied);
    let rows = test.value("select id, first_name, deleted_at is not null as gone from clerk.users order by id").await;
    assert_eq!(
        rows,
        json!([
            { "id": "user_ada", "first_name": "Augusta", "gone": false },
            { "id": "user_bob", "first_name": null, "gone": true },
            { "id": "user_grace", "first_name": "Grace", "gone": false },
        ])
    );
}

#[tokio::test]
async fn many_old_bodies_go_in_batches_and_none_twice() {
    let test = Test::start().await;
    test.execute(
        "insert into rowlock.inbox (delivery_id, body, state, sent_at, received_at, settled_at)
         select 'msg_' || n, 'x', 'applied', now(), now() - interval '2 days', now() from generate_series(1, 1200) as n",
    )
    .await;
    let day = Duration::from_secs(24 * 60 * 60);
    let (first, second) = tokio::join!(test.mirror.drop_bodies(day), test.mirror.drop_bodies(day));
    assert_eq!((first.unwrap(), second.unwrap()), (500, 500));
    assert_eq!(test.mirror.drop_bodies(day).await.unwrap(), 200);
    assert_eq!(test.mirror.drop_bodies(day).await.unwrap(), 0);
}

#[tokio::test]
async fn the_status_counts_what_is_there() {
    let test = Test::start().await;
    test.deliver(&event_under("msg_1", "user.created", 1, &user("user_ada", 1, "Ada"))).await;
    test.deliver(&event_under("msg_2", "user.created", 1, &user("user_bob", 1, "Bob"))).await;
    test.deliver(&event_under("msg_3", "user.deleted", 2, &deleted("user_bob", "user"))).await;
    test.deliver(&event_under("msg_4", "user.created", 1, &json!({}))).await;
    let member = membership("orgmem_1", "org_acme", "user_ada", 3, "org:admin");
    test.deliver(&event_under("msg_5", "organizationMembership.created", 3, &member)).await;
    test.execute(
        "insert into rowlock.runs (work, finished_at) values ('backfill', now());
         insert into rowlock.runs (work, reason) values ('reconcile', 'it was told to stop');
         insert into rowlock.run_objects (run_id, object, missing, older, repaired) values (2, 'user', 2, 1, 1)",
    )
    .await;
    let status = test.mirror.status().await.unwrap();
    let users = status.tables.iter().find(|table| table.table == "users").unwrap();
    assert_eq!((users.live, users.tombstones, users.estimated), (1, 1, false));
    assert_eq!(status.tables.len(), 13);
    assert_eq!((status.last_hour.applied, status.last_hour.dead), (4, 1));
    assert!(status.last_hour.lag_p50 <= status.last_hour.lag_p99 && status.last_hour.lag_p50.is_some());
    assert_eq!((status.waiting.len(), status.waiting[0].count), (1, 1));
    assert_eq!((status.inquiries[0].cause.as_str(), status.inquiries[0].count), ("stub", 1));
    assert!(status.last_success.webhook.is_some() && status.last_success.backfill.is_some());
    assert_eq!((status.last_success.reconcile, status.last_success.token), (None, None));
    let reconcile = status.runs.iter().find(|run| run.work == "reconcile").unwrap();
    assert_eq!((reconcile.drift, reconcile.repaired, reconcile.finished_at), (3, 1, None));
    let questions = test.mirror.questions().await.unwrap();
    assert_eq!((questions.stub_users, questions.stub_organizations), (0, 1));
}

#[tokio::test]
async fn the_inbox_says_how_long_something_has_been_wrong() {
    let test = Test::start().await;
    let health = test.mirror.health().await.unwrap();
    assert_eq!((health.silent_for_seconds, health.overdue_for_seconds, health.failing_for_seconds), (None, None, None));
    test.execute("alter table clerk.users rename to elsewhere").await;
    test.deliver(&event_under("msg_1", "user.created", 1, &user("user_ada", 1, "Ada"))).await;
    test.execute(
        "update rowlock.inbox set received_at = now() - interval '1 hour', next_attempt_at = now() - interval '10 minutes'",
    )
    .await;
    let health = test.mirror.health().await.unwrap();
    let about =
        |found: Option<i64>, expected: i64| found.is_some_and(|found| (expected..expected + 30).contains(&found));
    assert!(about(health.silent_for_seconds, 3600), "{health:?}");
    assert!(about(health.overdue_for_seconds, 600), "{health:?}");
    assert!(about(health.failing_for_seconds, 3600), "{health:?}");
}

#[tokio::test]
async fn what_cannot_be_replayed_says_why() {
    let test = Test::start().await;
    let why = async |text: &str| test.mirror.replay(&id(text)).await.unwrap_err().to_string();
    assert_eq!(why("msg_1").await, "no delivery `msg_1` was ever received");
    test.deliver(&event_under("msg_1", "user.created", 1, &user("user_ada", 1, "Ada"))).await;
    assert_eq!(why("msg_1").await, "delivery `msg_1` does not wait: it is applied already");
    test.deliver(&event_under("msg_2", "user.created", 1, &json!({}))).await;
    test.execute("update rowlock.inbox set body = null").await;
    assert!(matches!(test.mirror.replay(&id("msg_2")).await.unwrap_err(), MirrorError::BodyGone(_)));
    assert!(matches!(test.mirror.rehearse(&id("msg_2")).await.unwrap_err(), MirrorError::BodyGone(_)));
}
