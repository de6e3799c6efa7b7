//! A crash at every boundary of taking, retrying and writing: nothing lost, nothing twice.
//!
//! A fail-point gives up there, with the transaction open, as a process does that is killed: the connection is closed, and
//! Postgres ends what was begun. Fail-points belong to the whole process, so these tests are a program of their own, and
//! take turns.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "failpoints/runs.rs"]
mod runs;
#[path = "support/mod.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use clerk::{DeliveryId, Timestamp};
use fail::FailScenario;
use mirror::{Delivery, ObjectKind, Outcome, Source};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use support::{DAY, Test, event_under, membership, user};

/// Counts every write to a row of the mirror, by the delivery that wrote it.
const COUNT_WRITES: &str = "
create table public.writes (delivery_id text not null);
create function public.count_write() returns trigger language plpgsql as $$
  begin insert into public.writes values (new.delivery_id); return null; end $$;
create trigger count_write after insert or update on clerk.users for each row execute function public.count_write()";

async fn start() -> Test {
    let test = Test::start().await;
    test.execute(COUNT_WRITES).await;
    test
}

fn ada() -> Delivery {
    event_under("msg_ada", "user.created", 1, &user("user_ada", 1, "Ada"))
}

async fn counts(test: &Test) -> Value {
    test.value(
        "select (select count(*) from rowlock.inbox where state = 'applied') as applied,
                (select count(*) from public.writes) as writes",
    )
    .await
}

#[tokio::test]
async fn a_delivery_that_was_given_up_anywhere_is_taken_the_next_time() {
    for (point, then) in [
        ("ingest-begin", Outcome::Applied),
        ("ingest-applied", Outcome::Applied),
        // Between the effect and the answer.
        ("ingest-committed", Outcome::Duplicate),
    ] {
        let scenario = FailScenario::setup();
        let test = start().await;
        fail::cfg(point, "1*return->off").unwrap();
        assert!(test.mirror.deliver(&ada()).await.is_err(), "{point}: the sender is told nothing good");
        assert_eq!(test.deliver(&ada()).await, then, "{point}");
        assert_eq!(test.deliver(&ada()).await, Outcome::Duplicate, "{point}");
        assert_eq!(counts(&test).await, json!([{ "applied": 1, "writes": 1 }]), "{point}");
        scenario.teardown();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_with_crashes_everywhere_are_each_there_once() {
    const USERS: usize = 200;
    let scenario = FailScenario::setup();
    let test = start().await;
    for point in ["ingest-begin", "ingest-applied", "ingest-committed"] {
        // The first one in any case: few batches may be enough for all.
        fail::cfg(point, "1*return->20%return").unwrap();
    }
    let mut senders = JoinSet::new();
    for number in 0..USERS {
        let mirror = test.mirror.clone();
        senders.spawn(async move {
            let id = format!("user_{number}");
            let delivery = event_under(&format!("msg_{number}"), "user.created", 1, &user(&id, 1, "Ada"));
            // As a sender does: again until somebody says yes.
            let mut refusals = 0;
            while mirror.deliver(&delivery).await.is_err() {
                refusals += 1;
            }
            refusals
        });
    }
    let refusals: usize = senders.join_all().await.iter().sum();
    assert!(refusals > 0, "nothing has crashed");
    scenario.teardown();
    assert_eq!(counts(&test).await, json!([{ "applied": USERS, "writes": USERS }]));
}

#[tokio::test]
async fn a_batch_that_panics_takes_no_other_with_it() {
    let scenario = FailScenario::setup();
    let test = start().await;
    fail::cfg("ingest-applied", "1*panic->off").unwrap();
    let mirror = test.mirror.clone();
    let unlucky = tokio::spawn(async move { mirror.deliver(&ada()).await });
    // On one thread: it is queued, then its writer takes it and asks Postgres. Who comes now waits behind it.
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    let bob = event_under("msg_bob", "user.created", 1, &user("user_bob", 1, "Bob"));
    assert_eq!(test.deliver(&bob).await, Outcome::Applied);
    assert!(unlucky.await.unwrap().is_err());
    scenario.teardown();
    assert_eq!(counts(&test).await, json!([{ "applied": 1, "writes": 1 }]));
}

#[tokio::test]
async fn a_retry_that_was_given_up_anywhere_is_made_again() {
    for point in ["retry-taken", "retry-applied", "retry-settled"] {
        let scenario = FailScenario::setup();
        let test = start().await;
        test.execute("alter table clerk.users add constraint no_ada check (first_name <> 'Ada')").await;
        assert!(matches!(test.deliver(&ada()).await, Outcome::Dead(_)));
        test.execute("alter table clerk.users drop constraint no_ada").await;
        fail::cfg(point, "1*return->off").unwrap();
        let id = DeliveryId::parse("msg_ada").unwrap();
        assert!(test.mirror.replay(&id).await.is_err(), "{point}");
        assert_eq!(test.mirror.replay(&id).await.unwrap(), Outcome::Applied, "{point}");
        assert_eq!(counts(&test).await, json!([{ "applied": 1, "writes": 1 }]), "{point}");
        scenario.teardown();
    }
}

#[tokio::test]
async fn a_page_that_was_given_up_is_written_again() {
    let scenario = FailScenario::setup();
    let test = start().await;
    fail::cfg("write-applied", "1*return->off").unwrap();
    let page = vec![serde_json::value::to_raw_value(&user("user_ada", 1, "Ada")).unwrap()];
    let now = Timestamp::from_millis(DAY);
    assert!(test.mirror.write(ObjectKind::User, &page, now, Source::Backfill).await.is_err());
    assert_eq!(test.value("select id from clerk.users").await, json!([]));
    assert_eq!(test.mirror.write(ObjectKind::User, &page, now, Source::Backfill).await.unwrap(), [Ok(true)]);
    // The webhook of the same state comes later, and is the newer one by its own time at most.
    assert!(matches!(test.deliver(&ada()).await, Outcome::Applied | Outcome::Stale));
    assert_eq!(test.value("select first_name from clerk.users").await, json!([{ "first_name": "Ada" }]));
    scenario.teardown();
}

#[tokio::test]
async fn one_that_postgres_refuses_takes_none_of_its_neighbours_along() {
    const NEIGHBOURS: usize = 60;
    let scenario = FailScenario::setup();
    let test = start().await;
    test.execute("alter table clerk.users add constraint no_eve check (first_name <> 'Eve')").await;
    // Everything waits while the first batch sleeps, and then goes together.
    fail::cfg("ingest-begin", "1*sleep(300)->off").unwrap();
    let mut senders = JoinSet::new();
    for number in 0..NEIGHBOURS {
        let mirror = test.mirror.clone();
        let name = if number % 20 == 7 { "Eve" } else { "Ada" };
        let id = format!("user_{number}");
        let delivery = event_under(&format!("msg_{number}"), "user.created", 1, &user(&id, 1, name));
        senders.spawn(async move { mirror.deliver(&delivery).await.unwrap() });
    }
    let outcomes = senders.join_all().await;
    let dead = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Dead(_))).count();
    let applied = outcomes.iter().filter(|outcome| **outcome == Outcome::Applied).count();
    assert_eq!((dead, applied), (3, NEIGHBOURS - 3));
    assert_eq!(counts(&test).await, json!([{ "applied": NEIGHBOURS - 3, "writes": NEIGHBOURS - 3 }]));
    scenario.teardown();
}

#[tokio::test]
async fn the_states_of_one_object_in_one_batch_come_one_after_the_other() {
    let scenario = FailScenario::setup();
    let test = start().await;
    fail::cfg("ingest-begin", "2*sleep(300)->off").unwrap();
    let mut senders = JoinSet::new();
    for number in 0..30 {
        let mirror = test.mirror.clone();
        let delivery = match number % 3 {
            2 => event_under(
                &format!("msg_{number}"),
                "organizationMembership.updated",
                number,
                &membership("orgmem_1", "org_acme", "user_ada", number, "org:admin"),
            ),
            _ => event_under(
                &format!("msg_{number:02}"),
                "user.updated",
                number,
                &user("user_ada", number, &number.to_string()),
            ),
        };
        senders.spawn(async move { mirror.deliver(&delivery).await.unwrap() });
    }
    let outcomes = senders.join_all().await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Applied | Outcome::Stale)), "{outcomes:?}");
    assert_eq!(
        test.value("select first_name, stub from clerk.users").await,
        json!([{ "first_name": "28", "stub": false }])
    );
    // The membership has made a stub of its organization.
    assert_eq!(
        test.value("select name, stub from clerk.organizations").await,
        json!([{ "name": "Acme", "stub": true }])
    );
    scenario.teardown();
}
