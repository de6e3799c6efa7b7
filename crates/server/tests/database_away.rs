//! Postgres away, altered or busy: the sender is told to try again, and trying again works.

use std::time::{Duration, Instant};

use insta::assert_snapshot;
use postgres::{Pool, PoolOptions};
use serde_json::json;

use crate::support::{Delivery, TestServer, eventually, session};

#[tokio::test]
async fn a_delivery_that_cannot_be_stored_is_taken_when_it_comes_again() {
    let server = TestServer::start().await;
    let ada = Delivery::user_created("ada");
    server.execute("alter table rowlock.inbox rename to inbox_elsewhere").await;
    assert_snapshot!(server.deliver(&ada).await, @r#"
    503
    retry-after: 5
    {"error":{"code":"not-stored","hint":null,"message":"the delivery could not be stored; send it again"}}
    "#);
    assert_eq!(server.rows("select id from clerk.users").await, json!([]));
    server.execute("alter table rowlock.inbox_elsewhere rename to inbox").await;
    assert_eq!(server.deliver(&ada).await.ok()["outcome"], "applied");
    server.stop().await;
}

#[tokio::test]
async fn connections_that_postgres_ended_are_replaced() {
    let server = TestServer::start().await;
    assert_eq!(server.deliver(&Delivery::user_created("ada")).await.ok()["outcome"], "applied");
    server.whoami(session().bearer()).await.ok();
    let others = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    server.execute(others).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.deliver(&Delivery::user_created("bob")).await.ok()["outcome"], "applied");
    server.whoami(session().bearer()).await.ok();
}

#[tokio::test]
async fn a_request_without_a_connection_is_told_so_within_the_wait() {
    let server = TestServer::with(|config| {
        config.owner_connections = 1;
        config.connection_wait = Duration::from_millis(500);
    })
    .await;
    let held = server.hold("clerk.users").await;
    let (ada, bob) = (Delivery::user_created("ada"), Delivery::user_created("bob"));
    let (first, second) = tokio::join!(server.deliver(&ada), async {
        server.somebody_waits().await;
        let began = Instant::now();
        let answer = server.deliver(&bob).await;
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        held.release().await;
        answer
    });
    assert_eq!(first.ok()["outcome"], "applied");
    assert_snapshot!(second, @r#"
    503
    retry-after: 5
    {"error":{"code":"not-stored","hint":null,"message":"the delivery could not be stored; send it again"}}
    "#);
    assert_eq!(server.inbox().await, "msg_ada applied");
    assert_eq!(server.deliver(&bob).await.ok()["outcome"], "applied");
}

#[tokio::test]
async fn a_sender_that_hangs_up_leaves_its_delivery_and_sends_it_again_in_vain() {
    let server = TestServer::with(|config| config.owner_connections = 1).await;
    let held = server.hold("clerk.users").await;
    let ada = Delivery::user_created("ada");
    let hung_up = tokio::time::timeout(Duration::from_millis(500), server.deliver(&ada)).await;
    assert!(hung_up.is_err(), "it waits for the table");
    held.release().await;
    // It was taken for a sender that was not told, and is there once.
    assert_eq!(server.deliver(&ada).await.ok()["outcome"], "duplicate");
    assert_eq!(server.inbox().await, "msg_ada applied");
}

#[tokio::test]
async fn whoami_says_when_there_is_no_connection_for_clients() {
    let server = TestServer::with(|config| {
        config.client_connections = 1;
        config.connection_wait = Duration::from_millis(200);
    })
    .await;
    let held = server.hold("clerk.users").await;
    let bearer = session().bearer();
    let (first, second) = tokio::join!(server.whoami(&bearer), async {
        server.somebody_waits().await;
        let answer = server.whoami(&bearer).await;
        held.release().await;
        answer
    });
    first.ok();
    assert_snapshot!(second, @r#"
    503
    retry-after: 5
    {"error":{"code":"database-unavailable","hint":null,"message":"the database cannot be reached; try again"}}
    "#);
}

#[tokio::test]
async fn a_statement_that_postgres_refuses_is_not_called_an_outage() {
    let server = TestServer::with(|config| {
        config.verifier.database_roles = tokens::DatabaseRoles::with_also(["no_such_role"]).unwrap();
    })
    .await;
    let editor = session().claim("role", "no_such_role").bearer();
    assert_snapshot!(server.whoami(editor).await, @r#"
    500
    {"error":{"code":"database-refused","hint":"the server's log says why, under this answer's `x-request-id`","message":"the database refused to answer for this caller"}}
    "#);
}

#[tokio::test]
async fn a_database_that_lets_nobody_in_is_an_outage() {
    let server = TestServer::start().await;
    let elsewhere = server.database.url.with_database("postgres");
    let elsewhere = Pool::new(&elsewhere, &PoolOptions::default()).unwrap().get().await.unwrap();
    let (_, name) = server.database.url.expose().rsplit_once('/').unwrap();
    let shut = format!(
        "alter database {name} with allow_connections false;
         select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
    );
    elsewhere.batch_execute(&shut).await.unwrap();
    let ada = Delivery::user_created("ada");
    assert_eq!(server.deliver(&ada).await.verdict(), "503 not-stored");
    assert_eq!(server.whoami(session().bearer()).await.verdict(), "503 database-unavailable");
    eventually("it is unhealthy", async || server.get("/healthz").await.status == 503).await;
    elsewhere.batch_execute(&format!("alter database {name} with allow_connections true")).await.unwrap();
    assert_eq!(server.deliver(&ada).await.ok()["outcome"], "applied");
    eventually("it is healthy again", async || server.get("/healthz").await.status == 200).await;
}
