//! `rowlock events`: the inbox from the command line.

use clerk::{Clock as _, DeliveryHeaders, DeliveryId, SigningSecret, SystemClock, verify_delivery};
use mirror::{Delivery, Mirror};
use postgres::testing::TestDatabase;

use crate::support::{rowlock, told};

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
    error: no delivery `msg_1` waits in the inbox: it was never received, or it is applied already
    ");
}
