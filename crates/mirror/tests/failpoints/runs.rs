//! A crash at every boundary of a backfill and a reconciliation: the next run makes up for it.

use std::time::Duration;

use fail::FailScenario;
use mirror::ReconcileOptions;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::instance::Clerk;
use crate::support::{Test, deleted, event};

#[tokio::test]
async fn a_backfill_that_was_given_up_anywhere_goes_on() {
    for point in [
        "backfill-begun",
        "backfill-fetched",
        "write-applied",
        "backfill-written",
        "backfill-recorded",
        "backfill-kind-finished",
        "backfill-finished",
    ] {
        // The first page of users, then one in the middle.
        for skipped in ["", "1*off->"] {
            let scenario = FailScenario::setup();
            let clerk = Clerk::start().await;
            let users = clerk.users(620);
            clerk.organizations(2, 20, &users);
            let test = Test::of(&clerk).await;
            fail::cfg(point, &format!("{skipped}1*return->off")).unwrap();
            let first = test.backfill().await;
            assert!(first.is_err() || !skipped.is_empty(), "{point}: nothing has crashed");
            // A point that a run passes once was skipped by the first one.
            fail::remove(point);
            let done = test.backfill().await.unwrap();
            // One that had recorded its end before it crashed is followed by a new one.
            assert_eq!(done.resumed.is_some(), first.is_err() && point != "backfill-finished", "{point} {skipped}");
            let counts = "select (select count(*) from clerk.users) as users, (select count(*) from
                clerk.organization_memberships) as memberships, (select seen from rowlock.run_objects where object =
                'user' order by run_id desc limit 1) as seen, (select count(*) from rowlock.runs where finished_at is
                null) as open";
            let expected = json!([{ "users": 620, "memberships": 40, "seen": 620, "open": 0 }]);
            assert_eq!(test.value(counts).await, expected, "{point} {skipped}");
            scenario.teardown();
        }
    }
}

#[tokio::test]
async fn a_reconciliation_that_was_given_up_anywhere_is_made_again() {
    for point in [
        "reconcile-begun",
        "reconcile-compared",
        "reconcile-repaired",
        "reconcile-raised",
        "reconcile-verified",
        "reconcile-buried",
        "reconcile-kind-finished",
    ] {
        let scenario = FailScenario::setup();
        let clerk = Clerk::start().await;
        let users = clerk.users(30);
        let test = Test::of(&clerk).await;
        test.backfill().await.unwrap();
        clerk.users(2);
        clerk.emulator.users().delete(&users[0]).unwrap();
        test.deliver(&event("user.deleted", -86_400_000, &deleted(&users[3], "user"))).await;
        test.execute(&format!("update clerk.users set first_name = 'By hand' where id = '{}'", users[2])).await;
        let options = ReconcileOptions { repair: true, grace: Duration::ZERO, ..ReconcileOptions::default() };
        let stop = CancellationToken::new();
        fail::cfg(point, "1*return->off").unwrap();
        test.mirror.reconcile(&options, &stop, |_, _| {}).await.unwrap_err();
        test.mirror.reconcile(&options, &stop, |_, _| {}).await.unwrap();
        let found = test.mirror.reconcile(&options, &stop, |_, _| {}).await.unwrap();
        assert!(found.iter().all(|kind| kind.drift() == 0), "{point}: {found:?}");
        let rows = "select count(*), count(*) filter (where first_name = 'Ada') as untouched from clerk.active_users";
        assert_eq!(test.value(rows).await, json!([{ "count": 31, "untouched": 31 }]), "{point}");
        scenario.teardown();
    }
}
