//! `rowlock status`, as a person and as a program reads it.

use postgres::testing::TestDatabase;
use postgres::{DatabaseUrl, Pool, PoolOptions};
use serde_json::Value;

use crate::support::{rowlock, told};

async fn execute(url: &DatabaseUrl, statement: &str) {
    let pool = Pool::new(url, &PoolOptions::default()).unwrap();
    pool.get().await.unwrap().batch_execute(statement).await.unwrap();
}

fn status(url: &DatabaseUrl, arguments: &[&str]) -> std::process::Output {
    rowlock(&[&["status"], arguments].concat()).env("DATABASE_URL", url.expose()).output().unwrap()
}

/// A user and a tombstone, and an inbox of which something can be said.
const HISTORY: &str = "
    insert into clerk.users (id, clerk_updated_at, event_at, delivery_id, synced_at, source, deleted_at) values
      ('user_ada', 1, 1, 'msg_1', now(), 'webhook', null), ('user_bob', 1, 1, 'msg_2', now(), 'webhook', now());
    insert into rowlock.inbox (delivery_id, event_at, body, state, sent_at, received_at, settled_at)
      select 'msg_' || n, (extract(epoch from now()) * 1000)::bigint - 200, 'x', 'applied', now(), now(), now()
      from generate_series(1, 1234) as n;
";

#[tokio::test]
async fn a_mirror_that_is_well_is_green() {
    let database = TestDatabase::create().await;
    execute(&database.url, HISTORY).await;
    let output = status(&database.url, &[]);
    let text = told(&output).replace(&database.url.to_string(), "postgres://…");
    // What changes from one release or moment to the next.
    let changes = |line: &str| line.contains(" at migration ") || line.contains("last success");
    assert!(text.contains("last success   webhook ") && text.contains(" ago · backfill –"), "{text}");
    let text: Vec<&str> = text.lines().filter(|line| !changes(line)).collect();
    insta::assert_snapshot!(text.join("\n"), @"
    exit: 0
    --- stdout

      clerk.                              live    tombstones
      users                                  1             1
      empty: organizations, organization_memberships, organization_invitations, organization_domains, roles, permissions, sessions, invitations, waitlist_entries, subscriptions, subscription_items, payment_attempts

      last hour      1 234 applied
      lag            p50 200 ms · p99 200 ms from the event to its row
      waiting        0 failed · 0 dead
      inquiries      none
      revocations    1 in force
      this shell has 0 signing secrets, no secret key

    ✓ nothing is wrong
    --- stderr
    ");
}

#[tokio::test]
async fn a_dead_letter_is_red_and_names_the_next_command() {
    let database = TestDatabase::create().await;
    execute(&database.url, HISTORY).await;
    execute(&database.url, "insert into rowlock.inbox (delivery_id, body, state, reason, sent_at) values ('msg_dead', 'x', 'dead', 'no JSON', now())").await;
    let output = status(&database.url, &[]);
    let text = told(&output);
    assert!(text.starts_with("exit: 1"), "{text}");
    assert!(text.contains("✗ 1 delivery given up: no JSON\n    rowlock events replay msg_dead --dry-run"), "{text}");
    let report: Value = serde_json::from_slice(&status(&database.url, &["--json"]).stdout).unwrap();
    assert_eq!((&report["verdict"], &report["findings"][0]["level"]), (&"red".into(), &"red".into()), "{report}");
    assert_eq!((&report["last_hour"]["applied"], &report["inbox"]["dead"]), (&1234.into(), &1.into()), "{report}");
    assert_eq!(report["secrets"]["signing_secrets"], 0);
    assert!(!report.to_string().contains("postgres:postgres"), "{report}");
}

#[tokio::test]
async fn a_database_without_the_schema_names_the_migration() {
    let url = TestDatabase::create_empty().await;
    let text = told(&status(&url, &[]));
    assert!(
        text.starts_with("exit: 1") && text.contains("of Rowlock's migrations are missing\n    rowlock migrate"),
        "{text}"
    );
}
