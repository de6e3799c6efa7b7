//! `rowlock events`: the inbox from the command line.

use clerk::{Clock as _, DeliveryHeaders, DeliveryId, SigningSecret, SystemClock, verify_delivery};
use mirror::{Delivery, Mirror};
use postgres::testing::TestDatabase;

use std::process::{Command, Stdio};

use crate::support::{Lines, rowlock, told};

async fn deliver(database: &TestDatabase, id: &str, body: &str) {
    let (secret, now) = (SigningSecret::generate([7; 24]), SystemClock.now());
    let signature = secret.sign(&DeliveryId::parse(id).unwrap(), now.seconds(), body.as_bytes());
    let seconds = now.seconds().to_string();
    let headers = DeliveryHeaders { id, timestamp: &seconds, signatures: &signature };
    let tolerance = std::time::Duration::from_secs(300);
    let signed = verify_delivery(&[secret], &headers, body.as_bytes(), now, tolerance).unwrap();
    let mirror = Mirror::new(database.owner.clone(), None);
    mirror.deliver(&Delivery::new(signed, body.as_bytes().to_vec())).await.unwrap();
}

const BROKEN: &str = r#"{"type":"user.created","data":{"updated_at":1}}"#;

fn created(name: &str) -> String {
    format!(
        r#"{{"type":"user.created","timestamp":1,"data":{{"id":"user_{}","first_name":"{name}","updated_at":1}}}}"#,
        name.to_lowercase()
    )
}

fn events(database: &TestDatabase, arguments: &[&str]) -> Command {
    let mut command = rowlock(&[&["events"], arguments].concat());
    command.env("DATABASE_URL", database.url.expose());
    command
}

fn said(database: &TestDatabase, arguments: &[&str]) -> String {
    told(&events(database, arguments).output().unwrap())
}

#[tokio::test]
async fn filters_hold_together() {
    let database = TestDatabase::create().await;
    deliver(&database, "msg_1", &created("Ada")).await;
    deliver(&database, "msg_2", BROKEN).await;
    deliver(&database, "msg_3", r#"{"type":"agent.summoned","data":{"id":"agent_1"}}"#).await;
    let ids = |arguments: &[&str]| {
        let output = events(&database, &[&["list", "--json"], arguments].concat()).output().unwrap();
        let listed: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        let mut ids: Vec<String> =
            listed.iter().map(|entry| entry["delivery_id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids.join(" ")
    };
    assert_eq!(ids(&["--type", "user.*"]), "msg_1 msg_2");
    assert_eq!(ids(&["--type", "user.*", "--state", "dead"]), "msg_2");
    assert_eq!(ids(&["--user", "user_ada"]), "msg_1");
    assert_eq!(ids(&["--id", "msg_3", "--since", "2h"]), "msg_3");
    assert_eq!(ids(&["--since", "2099-01-01T00:00:00Z"]), "");
    let refused = said(&database, &["list", "--since", "soon"]);
    assert!(refused.starts_with("exit: 2") && refused.contains("expected a while such as `2h`"), "{refused}");
}

#[tokio::test]
async fn one_delivery_is_shown_and_its_body_on_demand() {
    let database = TestDatabase::create().await;
    deliver(&database, "msg_1", &created("Ada")).await;
    deliver(&database, "msg_2", BROKEN).await;
    let shown = said(&database, &["show", "msg_1"]);
    assert!(shown.contains("state         applied") && shown.contains("object        user_ada"), "{shown}");
    assert!(!shown.contains("Ada"), "{shown}");
    assert!(said(&database, &["show", "msg_1", "--body"]).contains(r#""first_name": "Ada""#));
    let shown = said(&database, &["show", "msg_2"]);
    assert!(shown.contains("reason        ") && shown.contains("`rowlock events replay msg_2 --dry-run`"), "{shown}");
    assert!(said(&database, &["show", "msg_9"]).contains("no delivery `msg_9` was ever received"));
}

#[tokio::test]
async fn a_dry_run_names_what_would_change_and_shows_values_on_demand() {
    let database = TestDatabase::create().await;
    let connection = database.owner.get().await.unwrap();
    deliver(&database, "msg_1", &created("Ada")).await;
    connection.batch_execute("alter table clerk.users add constraint closed check (first_name = 'Ada')").await.unwrap();
    let renamed = created("Ada").replace("\"Ada\"", "\"Augusta\"").replace("updated_at\":1", "updated_at\":2");
    deliver(&database, "msg_2", &renamed).await;
    connection.batch_execute("alter table clerk.users drop constraint closed").await.unwrap();
    insta::assert_snapshot!(said(&database, &["replay", "msg_2", "--dry-run"]), @"
    exit: 0
    --- stdout
    msg_2 (user.created) would be applied
      clerk.users user_ada would change
        clerk_updated_at
        delivery_id
        first_name
        raw.first_name
        raw.updated_at
      values are personal data: shown on a terminal, or with --values
      nothing was written
    --- stderr
    ");
    let shown = said(&database, &["replay", "--state", "dead", "--dry-run", "--values"]);
    assert!(
        shown.contains(r#"first_name            "Ada" → "Augusta""#) || shown.contains(r#""Ada" → "Augusta""#),
        "{shown}"
    );
    let json = said(&database, &["replay", "msg_2", "--dry-run", "--json"]);
    assert!(json.contains(r#"{"place":"raw.first_name"}"#) && !json.contains("Augusta"), "{json}");
    assert!(said(&database, &["show", "msg_2"]).contains("state         dead"));
}

#[tokio::test]
async fn many_are_replayed_when_somebody_agrees() {
    let database = TestDatabase::create().await;
    let connection = database.owner.get().await.unwrap();
    connection.batch_execute("alter table clerk.users add constraint closed check (false)").await.unwrap();
    for name in ["Ada", "Bob", "Eve"] {
        deliver(&database, &format!("msg_{name}"), &created(name)).await;
    }
    deliver(&database, "msg_broken", BROKEN).await;
    connection.batch_execute("alter table clerk.users drop constraint closed").await.unwrap();
    let replay = |arguments: &[&str]| said(&database, &[&["replay", "--state", "dead"], arguments].concat());
    insta::assert_snapshot!(replay(&[]), @"
    exit: 1
    --- stdout
    --- stderr
    error: replay 4 deliveries, oldest first: nobody is here to answer
      hint:  add --yes to do it
    ");
    insta::assert_snapshot!(replay(&["--yes", "--limit", "2", "--since", "1h"]), @"
    exit: 0
    --- stdout
    msg_Ada is applied
    msg_Bob is applied
    2 settled, 0 still failed or dead; 2 more wait beyond --limit
    --- stderr
    ");
    let rest = replay(&["--yes"]);
    assert!(rest.starts_with("exit: 1") && rest.contains("1 settled, 1 still failed or dead"), "{rest}");
    assert!(said(&database, &["replay", "--state", "applied", "--yes"]).contains("there is nothing to replay"));
    assert!(said(&database, &["replay"]).starts_with("exit: 2"));
}

#[tokio::test]
async fn what_comes_is_followed_until_somebody_is_told_to_stop() {
    let database = TestDatabase::create().await;
    deliver(&database, "msg_1", &created("Ada")).await;
    let mut tail = events(&database, &["tail", "--json", "--type", "user.*"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = Lines::of(tail.stdout.take().unwrap());
    let next = || serde_json::from_str::<serde_json::Value>(&lines.next().unwrap()).unwrap();
    assert_eq!(next()["delivery_id"], "msg_1");
    deliver(&database, "msg_2", r#"{"type":"agent.summoned","data":{"id":"agent_1"}}"#).await;
    deliver(&database, "msg_3", BROKEN).await;
    let line = next();
    assert_eq!((&line["delivery_id"], &line["state"]), (&"msg_3".into(), &"dead".into()), "{line}");
    assert!(line["lag_milliseconds"].is_null() && line["received_at"].is_i64(), "{line}");
    deliver(&database, "msg_4", &created("Bob")).await;
    let line = next();
    assert_eq!(line["delivery_id"], "msg_4");
    assert!(line["lag_milliseconds"].as_i64().unwrap() > 0, "{line}");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(tail.id()).unwrap()),
        nix::sys::signal::Signal::SIGINT,
    )
    .unwrap();
    assert_eq!(tail.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_dead_letter_is_listed_with_its_reason_and_replayed() {
    let database = TestDatabase::create().await;
    let connection = database.owner.get().await.unwrap();
    connection.batch_execute("alter table clerk.users add constraint closed check (false)").await.unwrap();
    deliver(&database, "msg_1", r#"{"type":"user.created","data":{"id":"user_ada","updated_at":1}}"#).await;
    let events = |arguments: &[&str]| rowlock(arguments).env("DATABASE_URL", database.url.expose()).output().unwrap();

    let listed = told(&events(&["events", "list", "--state", "dead"]));
    assert!(listed.contains("msg_1") && listed.contains("user_ada") && listed.contains("(23514)"), "{listed}");
    assert!(told(&events(&["events", "list", "--type", "user.updated"])).contains("no such deliveries"));

    let still = events(&["events", "replay", "msg_1"]);
    assert_eq!(still.status.code(), Some(1), "{}", told(&still));
    connection.batch_execute("alter table clerk.users drop constraint closed").await.unwrap();
    insta::assert_snapshot!(told(&events(&["events", "replay", "msg_1"])), @"
    exit: 0
    --- stdout
    msg_1 is applied
    --- stderr
    ");
    insta::assert_snapshot!(told(&events(&["events", "replay", "msg_1"])), @"
    exit: 1
    --- stdout
    --- stderr
    error: delivery `msg_1` does not wait: it is applied already
    ");
}
