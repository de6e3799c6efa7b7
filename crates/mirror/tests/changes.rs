//! The audit trail, and the forgetting of it.

use std::time::Duration;

use mirror::{Change, ChangeFilter, Forgotten, Retention, record_changes};
use serde_json::json;

use crate::support::{Test, deleted, event_under, organization, user};

async fn story(test: &Test) {
    let mut renamed = user("user_ada", 2, "Augusta");
    renamed["banned"] = json!(true);
    let mut private = renamed.clone();
    (private["updated_at"], private["private_metadata"]) =
        (json!(crate::support::DAY + 3), json!({ "note": "another" }));
    for (id, kind, at, data) in [
        ("msg_1", "user.created", 1, user("user_ada", 1, "Ada")),
        ("msg_2", "organization.created", 1, organization("org_acme", 1, "Acme")),
        ("msg_3", "user.updated", 2, renamed),
        ("msg_4", "user.updated", 3, private),
        ("msg_5", "user.deleted", 4, deleted("user_ada", "user")),
        ("msg_6", "user.updated", 5, user("user_ada", 5, "Ada")),
    ] {
        test.deliver(&event_under(id, kind, at, &data)).await;
    }
}

fn told(changes: &[Change]) -> String {
    let line = |change: &Change| {
        let Change { object, object_id, what, columns, delivery_id, source, .. } = change;
        format!("{delivery_id} {object} {object_id} {what} [{}] {source}\n", columns.join(", "))
    };
    changes.iter().map(line).collect()
}

#[tokio::test]
async fn every_change_is_told_by_names_and_without_a_value() {
    let test = Test::start().await;
    story(&test).await;
    let changes = test.mirror.changes(&ChangeFilter::default(), 100).await.unwrap();
    insta::assert_snapshot!(told(&changes), @"
    msg_5 users user_ada deleted [] webhook
    msg_4 users user_ada updated [] webhook
    msg_3 users user_ada updated [first_name, banned] webhook
    msg_2 organizations org_acme created [] webhook
    msg_1 users user_ada created [] webhook
    ");
    let trail = test.value("select changes::text as line from rowlock.changes").await.to_string();
    for value in ["Ada", "Augusta", "Lovelace", "@", "another", "Acme"] {
        assert!(!trail.contains(value), "{value} in {trail}");
    }
}

#[tokio::test]
async fn changes_are_found_by_object_and_page_by_page() {
    let test = Test::start().await;
    story(&test).await;
    let ada = ChangeFilter { object_id: Some("user_ada".to_owned()), ..ChangeFilter::default() };
    let all = test.mirror.changes(&ada, 100).await.unwrap();
    assert_eq!(all.len(), 4);
    let first = test.mirror.changes(&ada, 2).await.unwrap();
    let rest = ChangeFilter { before: Some(first[1].id), ..ada.clone() };
    assert_eq!([first, test.mirror.changes(&rest, 100).await.unwrap()].concat(), all);
    let deletions = ChangeFilter { what: Some("deleted".to_owned()), ..ChangeFilter::default() };
    assert_eq!(test.mirror.changes(&deletions, 100).await.unwrap().len(), 1);
    let organizations = ChangeFilter { object: Some("organizations".to_owned()), ..ChangeFilter::default() };
    assert_eq!(test.mirror.changes(&organizations, 100).await.unwrap()[0].object_id, "org_acme");
}

/// A batch is as many rows as there are ways in which its objects changed, and each object is found all the same.
#[tokio::test]
async fn a_batch_by_hand_is_recorded_too() {
    let test = Test::start().await;
    test.execute(
        "insert into clerk.users (id, username, clerk_updated_at, event_at, delivery_id, synced_at, source)
           select 'user_' || n, 'u' || n, 1, 1, 'by hand', now(), 'reconcile' from generate_series(1, 500) as n;
         update clerk.users set locked = true where id like 'user_1%';
         update clerk.users set username = null, locked = false where id = 'user_123'",
    )
    .await;
    assert_eq!(test.value("select count(*) as rows from rowlock.changes").await, json!([{ "rows": 3 }]));
    let one = ChangeFilter { object_id: Some("user_123".to_owned()), ..ChangeFilter::default() };
    insta::assert_snapshot!(told(&test.mirror.changes(&one, 10).await.unwrap()), @"
    by hand users user_123 updated [username, locked] reconcile
    by hand users user_123 updated [locked] reconcile
    by hand users user_123 created [] reconcile
    ");
}

#[tokio::test]
async fn every_table_of_the_mirror_is_watched_and_none_when_switched_off() {
    let test = Test::start().await;
    let unwatched = "select relname from pg_class as c
        where relnamespace = 'clerk'::regnamespace and relkind = 'r'
          and (select count(*) from pg_trigger where tgrelid = c.oid and tgname in ('note_inserted', 'note_updated')) <> 2";
    assert_eq!(test.value(unwatched).await, json!([]));
    record_changes(&test.database.owner, false).await.unwrap();
    story(&test).await;
    assert_eq!(test.mirror.changes(&ChangeFilter::default(), 100).await.unwrap(), []);
    // A column that came meanwhile is followed.
    test.execute("alter table clerk.users add column shoe_size integer").await;
    record_changes(&test.database.owner, true).await.unwrap();
    assert_eq!(test.value(unwatched).await, json!([]));
    test.execute("update clerk.users set shoe_size = 38, deleted_at = null").await;
    let changes = test.mirror.changes(&ChangeFilter::default(), 100).await.unwrap();
    assert_eq!(changes[0].columns, ["shoe_size"]);
}

/// Starting a server must not wait for whoever writes.
#[tokio::test]
async fn what_is_switched_on_already_locks_nothing() {
    let test = Test::start().await;
    let mut writer = test.database.owner.get().await.unwrap();
    let writing = writer.transaction().await.unwrap();
    writing.batch_execute("lock table clerk.users in row exclusive mode").await.unwrap();
    let switched = tokio::time::timeout(Duration::from_secs(5), record_changes(&test.database.owner, true)).await;
    switched.expect("nobody waits").unwrap();
    writing.rollback().await.unwrap();
}

#[tokio::test]
async fn the_old_is_forgotten_and_the_new_is_not() {
    let test = Test::start().await;
    story(&test).await;
    let day = Duration::from_secs(86_400);
    let retention = Retention { revocations: day, changes: Some(day) };
    assert_eq!(test.mirror.forget(retention).await.unwrap(), Forgotten::default());
    test.execute("update rowlock.changes set at = at - interval '2 days' where id <= 2").await;
    let for_ever = Retention { changes: None, ..retention };
    assert_eq!(test.mirror.forget(for_ever).await.unwrap(), Forgotten::default());
    let forgotten = test.mirror.forget(retention).await.unwrap();
    assert_eq!(forgotten, Forgotten { revocations: 0, changes: 2 });
}
