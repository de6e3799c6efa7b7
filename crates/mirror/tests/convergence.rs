//! Any order, with duplicates, ends in the same rows.

use mirror::{Delivery, Outcome};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::support::{Test, deleted, event_under, membership, organization, user};

/// A history for case number `case`: the same for every case but for the ids.
type History = fn(case: usize) -> Vec<Delivery>;

fn life_of_a_user(case: usize) -> Vec<Delivery> {
    let id = format!("user_case{case}");
    let delivery = |step: &str| format!("msg_{case}-{step}");
    vec![
        event_under(&delivery("created"), "user.created", 1, &user(&id, 1, "Ada")),
        event_under(&delivery("updated"), "user.updated", 2, &user(&id, 2, "Augusta")),
        // Within the same millisecond of the object's clock: the event's clock decides.
        event_under(&delivery("again"), "user.updated", 3, &user(&id, 2, "Augusta Ada")),
        event_under(&delivery("deleted"), "user.deleted", 4, &deleted(&id, "user")),
    ]
}

fn life_without_an_end(case: usize) -> Vec<Delivery> {
    let mut history = life_of_a_user(case);
    history.truncate(3);
    history
}

fn leaving_and_coming_back(case: usize) -> Vec<Delivery> {
    let (org, ada) = (format!("org_case{case}"), format!("user_case{case}"));
    let (first, second) = (format!("orgmem_case{case}a"), format!("orgmem_case{case}b"));
    let delivery = |step: &str| format!("msg_{case}-{step}");
    vec![
        event_under(&delivery("organization"), "organization.created", 1, &organization(&org, 1, "Acme")),
        event_under(
            &delivery("joined"),
            "organizationMembership.created",
            2,
            &membership(&first, &org, &ada, 2, "org:member"),
        ),
        event_under(
            &delivery("promoted"),
            "organizationMembership.updated",
            3,
            &membership(&first, &org, &ada, 3, "org:admin"),
        ),
        // Clerk sends the whole membership, and its updated_at may be older than a row that is there already.
        event_under(
            &delivery("left"),
            "organizationMembership.deleted",
            4,
            &membership(&first, &org, &ada, 2, "org:admin"),
        ),
        event_under(
            &delivery("returned"),
            "organizationMembership.created",
            5,
            &membership(&second, &org, &ada, 5, "org:member"),
        ),
    ]
}

fn an_organization_that_ends(case: usize) -> Vec<Delivery> {
    let (org, ada) = (format!("org_case{case}"), format!("user_case{case}"));
    let delivery = |step: &str| format!("msg_{case}-{step}");
    let member = format!("orgmem_case{case}");
    vec![
        event_under(&delivery("user"), "user.created", 1, &user(&ada, 1, "Ada")),
        event_under(&delivery("organization"), "organization.created", 2, &organization(&org, 2, "Acme")),
        event_under(
            &delivery("joined"),
            "organizationMembership.created",
            3,
            &membership(&member, &org, &ada, 3, "org:admin"),
        ),
        event_under(&delivery("closed"), "organization.deleted", 4, &deleted(&org, "organization")),
        event_under(&delivery("erased"), "user.deleted", 5, &deleted(&ada, "user")),
    ]
}

fn a_shortened_end(case: usize) -> Vec<Delivery> {
    let (org, ada) = (format!("org_case{case}"), format!("user_case{case}"));
    let member = format!("orgmem_case{case}");
    let delivery = |step: &str| format!("msg_{case}-{step}");
    vec![
        event_under(
            &delivery("joined"),
            "organizationMembership.created",
            1,
            &membership(&member, &org, &ada, 1, "org:admin"),
        ),
        event_under(&delivery("erased"), "user.deleted", 5, &deleted(&ada, "user")),
        event_under(
            &delivery("left"),
            "organizationMembership.deleted",
            7,
            &deleted(&member, "organization_membership"),
        ),
    ]
}

/// Every row of the mirror that belongs to a case, without what says when and by whom it was written.
async fn rows(test: &Test, case: usize) -> Value {
    let mut found = Vec::new();
    for table in ["users", "organizations", "organization_memberships"] {
        let rows = test
            .value(&format!(
                "select '{table}' as in_table, to_jsonb(mirrored) - 'synced_at' - 'source' as row from clerk.{table} as mirrored
                 where id ~ '^[a-z]+_case{case}[ab]?$' order by id"
            ))
            .await;
        found.extend(rows.as_array().unwrap().clone());
    }
    Value::Array(found)
}

/// What the rows of `case` would be called in case 0.
fn as_case_zero(rows: &Value, case: usize) -> String {
    rows.to_string().replace(&format!("_case{case}"), "_case0").replace(&format!("msg_{case}-"), "msg_0-")
}

/// Delivers the history in this order, some of it more than once; the rows as they are then.
async fn deliver_in(test: &Test, history: &[Delivery], order: &[usize], case: usize) -> String {
    let mut seen = std::collections::HashSet::new();
    for which in order {
        let outcome = test.deliver(&history[*which]).await;
        let duplicate = matches!(outcome, Outcome::Duplicate);
        assert_eq!(duplicate, !seen.insert(*which), "{order:?}: {outcome:?}");
    }
    as_case_zero(&rows(test, case).await, case)
}

/// All orders of `length` things.
fn orders(length: usize) -> Vec<Vec<usize>> {
    let Some(last) = length.checked_sub(1) else { return vec![Vec::new()] };
    let insert_everywhere = |order: &Vec<usize>| {
        let order = order.clone();
        (0..length).map(move |position| {
            let mut longer = order.clone();
            longer.insert(position, last);
            longer
        })
    };
    orders(last).iter().flat_map(insert_everywhere).collect()
}

#[test]
fn all_orders_are_all() {
    let distinct: std::collections::HashSet<_> = orders(5).into_iter().collect();
    assert_eq!(distinct.len(), 120);
}

/// Delivers the history in every order, then in any order with any duplicates, and compares with the order in which it happened.
fn converges(history: History) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let test = runtime.block_on(Test::start());
    let expected = runtime.block_on(async {
        for delivery in history(0) {
            test.deliver(&delivery).await;
        }
        rows(&test, 0).await.to_string()
    });
    let length = history(0).len();
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let case = std::cell::Cell::new(0);
    let ends_as_expected = |order: &[usize]| {
        let number = case.get() + 1;
        case.set(number);
        let got = runtime.block_on(deliver_in(&test, &history(number), order, number));
        prop_assert_eq!(&got, &expected, "order {:?}", order);
        Ok(())
    };
    for order in orders(length) {
        ends_as_expected(&order).unwrap_or_else(|error| panic!("{error}"));
    }
    let every_one_in_any_order_and_more = (
        Just((0..length).collect::<Vec<_>>()).prop_shuffle(),
        proptest::collection::vec((0..length, any::<prop::sample::Index>()), 0..6),
    );
    runner
        .run(&every_one_in_any_order_and_more, |(mut order, duplicates)| {
            for (which, position) in duplicates {
                order.insert(position.index(order.len() + 1), which);
            }
            ends_as_expected(&order)
        })
        .unwrap();
}

#[test]
fn a_user_ends_the_same_in_any_order() {
    converges(life_of_a_user);
}

#[test]
fn a_living_user_shows_the_newest_state_in_any_order() {
    converges(life_without_an_end);
}

#[test]
fn leaving_and_coming_back_ends_the_same_in_any_order() {
    converges(leaving_and_coming_back);
}

#[test]
fn the_end_of_a_parent_is_the_end_of_its_memberships_in_any_order() {
    converges(an_organization_that_ends);
}

#[test]
fn an_end_that_names_nobody_ends_the_same_in_any_order() {
    converges(a_shortened_end);
}

#[tokio::test]
async fn the_same_deliveries_at_the_same_time_are_applied_once() {
    let test = Test::start().await;
    let history = leaving_and_coming_back(0);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..4 {
        for delivery in history.clone() {
            let mirror = test.mirror.clone();
            senders.spawn(async move { mirror.deliver(&delivery).await.unwrap() });
        }
    }
    let outcomes = senders.join_all().await;
    let fresh = outcomes.iter().filter(|outcome| !matches!(outcome, Outcome::Duplicate)).count();
    assert_eq!(fresh, history.len());
    let live = test.value("select id, role from clerk.active_organization_memberships").await;
    assert_eq!(live, serde_json::json!([{ "id": "orgmem_case0b", "role": "org:member" }]));
}
