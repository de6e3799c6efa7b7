//! Whatever happens in Clerk, and however its webhooks come, the mirror ends up showing what Clerk has.
//!
//! The histories are random, thousands of steps over every kind of object, and made by the emulator, not by us. Their
//! deliveries come permuted, some of them twice, and several at a time.

mod clerk_has;
mod world;

use clerk::{DeliveryHeaders, Timestamp, verify_delivery};
use clerk_api::BackendApi;
use mirror::{Delivery, KindReconciled, Mirror, ObjectKind, Outcome, ReconcileOptions, Source};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{DAY, Test};
use clerk_has::{LISTS, clerk_has, differences, mirror_has};
use world::World;

const STEPS: usize = 1500;
/// Deliveries on their way at a time.
const IN_FLIGHT: usize = 48;

/// Signed messages of everything that has happened, as deliveries.
fn deliveries(world: &World) -> Vec<Delivery> {
    let secret = world.emulator.webhook_secret();
    let messages = world.emulator.webhooks().take();
    let delivery = |message: emulator::RawMessage| {
        let headers = message.headers();
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).unwrap().1.as_str();
        let (id, timestamp, signatures) = (header("svix-id"), header("svix-timestamp"), header("svix-signature"));
        let headers = DeliveryHeaders { id, timestamp, signatures };
        let tolerance = std::time::Duration::from_secs(300);
        let secrets = std::slice::from_ref(secret);
        let signed = verify_delivery(secrets, &headers, &message.body, message.signed_at, tolerance).unwrap();
        Delivery::new(signed, message.body)
    };
    messages.into_iter().map(delivery).collect()
}

/// In any order, every tenth of them twice.
fn disturbed(mut deliveries: Vec<Delivery>, world: &mut World) -> Vec<Delivery> {
    let twice: Vec<Delivery> = deliveries.iter().step_by(10).cloned().collect();
    deliveries.extend(twice);
    for last in (1..deliveries.len()).rev() {
        deliveries.swap(last, world.below(last + 1));
    }
    deliveries
}

async fn deliver(mirror: &Mirror, deliveries: Vec<Delivery>) {
    let mut senders = JoinSet::new();
    let settle = |outcome: Result<Outcome, mirror::MirrorError>| {
        let outcome = outcome.unwrap();
        assert!(outcome.reason().is_none(), "{outcome:?}");
    };
    for delivery in deliveries {
        if senders.len() == IN_FLIGHT {
            settle(senders.join_next().await.unwrap().unwrap());
        }
        let mirror = mirror.clone();
        senders.spawn(async move { mirror.deliver(&delivery).await });
    }
    for outcome in senders.join_all().await {
        settle(outcome);
    }
}

/// What was there before the first webhook: roles and permissions that every instance has from its beginning.
async fn backfill(mirror: &Mirror, world: &World) {
    for (kind, path) in
        [(ObjectKind::Role, "/v1/organization_roles"), (ObjectKind::Permission, "/v1/organization_permissions")]
    {
        let objects = world.emulator.backend().list_all(path, &[]).unwrap();
        let objects: Vec<_> = objects.iter().map(|object| serde_json::value::to_raw_value(object).unwrap()).collect();
        let shown = mirror.write(kind, &objects, Timestamp::from_millis(DAY), Source::Backfill).await.unwrap();
        assert!(!shown.is_empty() && shown.iter().all(|shown| *shown == Ok(true)));
    }
}

fn api(world: &World) -> BackendApi {
    let url = world.emulator.issuer().parse().unwrap();
    BackendApi::new(url, clerk::SecretKey::parse(world.emulator.secret_key()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_loss_webhooks_alone_are_enough() {
    for seed in 1..=2 {
        let test = Test::start().await;
        let mut world = World::new(seed, 60_000).await;
        backfill(&test.mirror, &world).await;
        world.live(STEPS);
        assert_eq!(world.never(), Vec::<&str>::new(), "seed {seed}");
        let deliveries = deliveries(&world);
        assert!(deliveries.len() > STEPS / 2, "{}", deliveries.len());
        deliver(&test.mirror, disturbed(deliveries, &mut world)).await;
        let (clerk, mirror) = (clerk_has(&world.emulator), mirror_has(&test).await);
        assert!(clerk.len() > 200, "{}", clerk.len());
        let tables: BTreeSet<&str> = clerk.keys().map(|(table, _)| *table).collect();
        assert_eq!(tables.len(), LISTS.len(), "{tables:?}");
        assert_eq!(differences(&clerk, &mirror), Vec::<String>::new(), "seed {seed}");
    }
}

/// Several changes to one object within a millisecond carry the same times: Clerk is asked which of them holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_within_a_millisecond_are_asked_about() {
    let test = Test::start().await;
    let mut world = World::new(3, 0).await;
    backfill(&test.mirror, &world).await;
    world.live(STEPS / 2);
    let mirror = Mirror::new(test.database.owner.clone(), Some(api(&world)));
    let deliveries = deliveries(&world);
    deliver(&mirror, disturbed(deliveries, &mut world)).await;
    assert_ne!(test.value("select object from rowlock.inquiries where cause = 'tie'").await, serde_json::json!([]));
    test.execute("update rowlock.inquiries set next_attempt_at = now()").await;
    while mirror.inquire().await.unwrap() {}
    assert_eq!(test.value("select object, object_id, reason from rowlock.inquiries").await, serde_json::json!([]));
    let (clerk, mirror) = (clerk_has(&world.emulator), mirror_has(&test).await);
    assert_eq!(differences(&clerk, &mirror), Vec::<String>::new());
}

/// Every fifth delivery never comes; what comes, comes in any order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_loss_a_repair_makes_it_whole() {
    let test = Test::start().await;
    let mut world = World::new(4, 60_000).await;
    world.live(STEPS / 2);
    let mirror = Mirror::new(test.database.owner.clone(), Some(api(&world)));
    let mut deliveries = disturbed(deliveries(&world), &mut world);
    deliveries.truncate(deliveries.len() * 4 / 5);
    deliver(&mirror, deliveries).await;
    let clerk = clerk_has(&world.emulator);
    assert_ne!(differences(&clerk, &mirror_has(&test).await), Vec::<String>::new(), "nothing was lost");
    let options = |repair| ReconcileOptions { kinds: ObjectKind::ALL.to_vec(), repair, grace: Duration::ZERO };
    let stop = CancellationToken::new();
    // Dry by default: it says what is wrong and leaves it.
    let found = mirror.reconcile(&options(false), &stop, |_, _| ()).await.unwrap();
    assert!(found.iter().map(KindReconciled::drift).sum::<u64>() > 0);
    assert_ne!(differences(&clerk, &mirror_has(&test).await), Vec::<String>::new());
    mirror.reconcile(&options(true), &stop, |_, _| ()).await.unwrap();
    assert_eq!(differences(&clerk, &mirror_has(&test).await), Vec::<String>::new());
    let found = mirror.reconcile(&options(false), &stop, |_, _| ()).await.unwrap();
    assert_eq!(found.iter().map(KindReconciled::drift).sum::<u64>(), 0, "{found:#?}");
}
