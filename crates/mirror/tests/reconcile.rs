//! What differs between Clerk and the mirror is found, told apart, and repaired.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::response::IntoResponse as _;
use mirror::{Arrival, KindReconciled, ObjectKind, ReconcileOptions, ReconcileSchedule, RunError};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::instance::Clerk;
use crate::support::{Test, deleted, event};

impl Test {
    async fn reconcile(&self, repair: bool) -> Result<Vec<KindReconciled>, RunError> {
        let options = ReconcileOptions { repair, grace: Duration::ZERO, ..ReconcileOptions::default() };
        self.mirror.reconcile(&options, &CancellationToken::new(), |_, _| {}).await
    }

    /// The drift of one kind, by name.
    async fn drift(&self, kind: ObjectKind, repair: bool) -> Vec<(&'static str, u64)> {
        let found = self.reconcile(repair).await.unwrap();
        let found = found.iter().find(|found| found.kind == kind).unwrap();
        let tallies = [
            ("missing", &found.missing),
            ("older", &found.older),
            ("different", &found.different),
            ("gone", &found.gone),
            ("buried", &found.buried),
            ("ahead", &found.ahead),
            ("unverified", &found.unverified),
        ];
        let counts = tallies.iter().map(|(name, tally)| (*name, tally.count));
        counts.chain([("remaining", found.remaining())]).filter(|(_, count)| *count > 0).collect()
    }
}

#[tokio::test]
async fn a_mirror_that_equals_clerk_shows_no_drift() {
    let clerk = Clerk::start().await;
    let users = clerk.users(620);
    clerk.organizations(3, 200, &users);
    let test = Test::of(&clerk).await;
    test.backfill().await.unwrap();
    let found = test.reconcile(false).await.unwrap();
    for kind in &found {
        assert_eq!((kind.drift(), kind.unverified.count, kind.refused), (0, 0, 0), "{kind:?}");
    }
    assert_eq!(found.iter().find(|found| found.kind == ObjectKind::Membership).unwrap().seen, 600);
    assert_eq!(test.value("select count(*) from rowlock.seen").await, json!([{ "count": 0 }]));
}

#[tokio::test]
async fn every_kind_of_drift_is_found_and_repaired() {
    let clerk = Clerk::start().await;
    let users = clerk.users(40);
    let test = Test::of(&clerk).await;
    test.backfill().await.unwrap();
    // Missing: created, and the webhook is lost. Gone: purged, and nobody says so.
    let late = clerk.users(2);
    clerk.emulator.users().delete(&users[0]).unwrap();
    // Older, and different at the same version.
    tokio::time::sleep(Duration::from_millis(5)).await;
    clerk.emulator.users().update(&users[1], &json!({ "first_name": "Newer" })).unwrap();
    test.execute(&format!("update clerk.users set first_name = 'By hand' where id = '{}'", users[2])).await;
    // Buried here, alive there.
    test.deliver(&event("user.deleted", -86_400_000, &deleted(&users[3], "user"))).await;
    let expected = [("missing", 2), ("older", 1), ("different", 1), ("gone", 1), ("buried", 1)];
    assert_eq!(test.drift(ObjectKind::User, false).await, [&expected[..], &[("remaining", 6)]].concat());
    assert_eq!(test.ids("users").await.len(), 39, "nothing was written");
    assert_eq!(test.drift(ObjectKind::User, true).await, expected);
    assert_eq!(test.drift(ObjectKind::User, false).await, []);
    let rows = test
        .value(&format!(
            "select first_name, source from clerk.users where id in ('{}', '{}', '{}', '{}') order by first_name",
            late[0], users[1], users[2], users[3]
        ))
        .await;
    assert_eq!(
        rows,
        json!([
            { "first_name": "Ada", "source": "reconcile" }, { "first_name": "Ada", "source": "reconcile" },
            { "first_name": "Ada", "source": "reconcile" }, { "first_name": "Newer", "source": "reconcile" },
        ])
    );
    let record =
        "select missing, older, different, gone, buried, repaired, run_objects.finished_at is not null as finished
                  from rowlock.run_objects join rowlock.runs using (run_id)
                  where object = 'user' and work = 'reconcile' order by run_id limit 2";
    assert_eq!(
        test.value(record).await,
        json!([
            { "missing": 2, "older": 1, "different": 1, "gone": 1, "buried": 1, "repaired": 0, "finished": true },
            { "missing": 2, "older": 1, "different": 1, "gone": 1, "buried": 1, "repaired": 6, "finished": true },
        ])
    );
}

#[tokio::test]
async fn what_belongs_to_others_is_found_too() {
    let clerk = Clerk::start().await;
    let users = clerk.users(12);
    let organizations = clerk.organizations(2, 6, &users);
    let test = Test::of(&clerk).await;
    test.backfill().await.unwrap();
    clerk.emulator.memberships().delete(&organizations[0], &users[0]).unwrap();
    clerk.emulator.organizations().delete(&organizations[1]).unwrap();
    // Six memberships went with their organization, one by itself.
    assert_eq!(test.drift(ObjectKind::Membership, false).await, [("gone", 7), ("remaining", 7)]);
    test.reconcile(true).await.unwrap();
    assert_eq!(test.ids("organizations").await, [organizations[0].clone()]);
    assert_eq!(test.ids("organization_memberships").await.len(), 5);
    let found = test.reconcile(false).await.unwrap();
    assert_eq!(found.iter().map(KindReconciled::drift).sum::<u64>(), 0);
}

#[tokio::test]
async fn what_changed_just_now_is_in_flight_and_no_drift() {
    let clerk = Clerk::start().await;
    clerk.users(5);
    let test = Test::of(&clerk).await;
    let options = ReconcileOptions { kinds: vec![ObjectKind::User], ..ReconcileOptions::default() };
    let found = test.mirror.reconcile(&options, &CancellationToken::new(), |_, _| {}).await.unwrap();
    assert_eq!((found[0].drift(), found[0].in_flight), (0, 5));
}

#[tokio::test]
async fn a_list_that_lacks_nearly_everybody_buries_nobody() {
    let empty = Arc::new(AtomicBool::new(false));
    let lies = Arc::clone(&empty);
    let clerk = Clerk::behind(move |path, _| {
        (lies.load(Ordering::SeqCst) && path.starts_with("/v1/users?")).then(|| "[]".into_response())
    })
    .await;
    clerk.users(60);
    let test = Test::of(&clerk).await;
    test.backfill().await.unwrap();
    empty.store(true, Ordering::SeqCst);
    assert_eq!(test.drift(ObjectKind::User, true).await, [("unverified", 60)]);
    assert_eq!(test.ids("users").await.len(), 60);
}

#[tokio::test]
async fn a_list_that_lacks_a_few_is_asked_about_each() {
    let empty = Arc::new(AtomicBool::new(false));
    let lies = Arc::clone(&empty);
    let clerk = Clerk::behind(move |path, _| {
        (lies.load(Ordering::SeqCst) && path.starts_with("/v1/users?")).then(|| "[]".into_response())
    })
    .await;
    clerk.users(15);
    let test = Test::of(&clerk).await;
    test.backfill().await.unwrap();
    empty.store(true, Ordering::SeqCst);
    assert_eq!(test.drift(ObjectKind::User, true).await, []);
    assert_eq!(test.ids("users").await.len(), 15);
}

#[tokio::test]
async fn a_row_ahead_of_clerk_is_told_and_left() {
    let clerk = Clerk::start().await;
    let users = clerk.users(3);
    let test = Test::of(&clerk).await;
    test.backfill().await.unwrap();
    let ahead = "update clerk.users set clerk_updated_at = clerk_updated_at + 1000, synced_at = now() - interval '1 h'";
    test.execute(&format!("{ahead} where id = '{}'", users[0])).await;
    assert_eq!(test.drift(ObjectKind::User, true).await, [("ahead", 1), ("remaining", 1)]);
}

#[tokio::test]
async fn invitations_to_the_application_have_no_event_and_are_found_all_the_same() {
    let clerk = Clerk::start().await;
    let invite = |address: &str| {
        let body = json!({ "email_address": address, "notify": false });
        clerk.emulator.backend().post("/v1/invitations", &body).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (ada, bob) = (invite("ada@example.com"), invite("bob@example.com"));
    let revoke =
        |id: &str| clerk.emulator.backend().post(&format!("/v1/invitations/{id}/revoke"), &json!(null)).unwrap();
    revoke(&ada);
    let test = Test::of(&clerk).await;
    test.backfill().await.unwrap();
    let rows = "select id, status from clerk.invitations order by status";
    let row = |id: &str, status: &str| json!({ "id": id, "status": status });
    assert_eq!(test.value(rows).await, json!([row(&bob, "pending"), row(&ada, "revoked")]));
    tokio::time::sleep(Duration::from_millis(5)).await;
    let eve = invite("eve@example.com");
    revoke(&bob);
    let drift = test.drift(ObjectKind::Invitation, true).await;
    assert_eq!(drift, [("missing", 1), ("older", 1)]);
    let expected = [row(&eve, "pending"), row(&ada, "revoked"), row(&bob, "revoked")];
    let rows = "select id, status from clerk.invitations order by status, email_address";
    assert_eq!(test.value(rows).await, json!(expected));
}

#[tokio::test]
async fn a_user_whom_no_webhook_brought_raises_the_alarm() {
    let clerk = Clerk::start().await;
    let test = Test::of(&clerk).await;
    let look = async |grace| test.mirror.newest_user_arrived(grace).await.unwrap();
    assert_eq!(look(Duration::ZERO).await, Arrival::Unknown, "there is nobody");
    let mut users = clerk.users(1);
    // Of two who are made in one millisecond nobody is the newest.
    tokio::time::sleep(Duration::from_millis(5)).await;
    users.extend(clerk.users(1));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(look(Duration::from_secs(60)).await, Arrival::Unknown, "they are too young");
    let found = look(Duration::ZERO).await;
    assert!(matches!(&found, Arrival::Stalled { user_id, created_at: Some(_) } if *user_id == users[1]), "{found:?}");
    // A row that a token made is no sign of webhooks.
    let stub = "insert into clerk.users (id, clerk_updated_at, event_at, delivery_id, source, synced_at, stub)";
    test.execute(&format!("{stub} values ('{}', 0, 0, '', 'token', now(), true)", users[1])).await;
    assert!(matches!(look(Duration::ZERO).await, Arrival::Stalled { .. }));
    test.deliver(&event("user.created", 0, &clerk.emulator.users().get(&users[1]).unwrap())).await;
    assert_eq!(look(Duration::ZERO).await, Arrival::Arrives);
}

#[tokio::test]
async fn of_many_servers_one_compares_when_it_is_due() {
    let clerk = Clerk::start().await;
    clerk.users(3);
    let test = Test::of(&clerk).await;
    let (schedule, stop) =
        (ReconcileSchedule { every: Duration::from_secs(1), repair: false }, CancellationToken::new());
    let long = ReconcileSchedule { every: Duration::from_secs(3600), ..schedule };
    let runs = async || {
        test.value("select count(*) from rowlock.runs where finished_at is not null").await[0]["count"]
            .as_u64()
            .unwrap()
    };
    let servers = async {
        tokio::join!(
            test.mirror.reconcile_regularly(schedule, stop.clone()),
            test.mirror.reconcile_regularly(schedule, stop.clone()),
            // Not due for an hour, and not at once.
            test.mirror.reconcile_regularly(long, stop.clone()),
        )
    };
    let watched = async {
        while runs().await < 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(servers, watched) };
    Box::pin(tokio::time::timeout(Duration::from_secs(30), both)).await.unwrap();
    assert_eq!(test.value("select distinct reason from rowlock.runs").await, json!([{ "reason": null }]));
}
