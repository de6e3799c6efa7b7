//! Being told to stop: what is under way is finished, and what cannot be finished leaves no trace.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Delivery, TestServer, eventually};

#[tokio::test]
async fn a_request_under_way_is_finished() {
    let mut server = TestServer::start().await;
    let held = server.hold("clerk.users").await;
    let ada = Delivery::user_created("ada");
    let answer = async {
        let (answer, ()) = tokio::join!(server.deliver(&ada), async {
            server.somebody_waits().await;
            server.told_to_stop();
            // Long enough for a server that does not wait to be gone.
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "nobody new is let in");
            held.release().await;
        });
        answer
    }
    .await;
    assert_eq!(answer.ok()["outcome"], "applied");
    assert_eq!(answer.headers["connection"], "close");
    server.ended().await;
    assert_eq!(server.inbox().await, "msg_ada applied");
}

#[tokio::test]
async fn what_outlasts_the_drain_is_cut_and_rolled_back() {
    let mut server = TestServer::with(|config| config.drain = Duration::from_millis(500)).await;
    let held = server.hold("clerk.users").await;
    let ada = Delivery::user_created("ada");
    let body = String::from_utf8(ada.body.clone()).unwrap();
    let mut wire = server.wire().await;
    wire.send(format!("{}content-length: {}\r\n\r\n{body}", ada.head(), ada.body.len())).await;
    server.somebody_waits().await;
    let began = Instant::now();
    server.told_to_stop();
    server.ended().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    // Cut means that the sender notices: it was not answered, and will send again.
    assert_eq!(wire.rest().await, "");
    held.release().await;
    nobody_works(&server).await;
    assert_eq!(server.inbox().await, "");
    assert_eq!(server.rows("select id from clerk.users").await, json!([]));
}

#[tokio::test]
async fn idle_connections_do_not_keep_it() {
    let mut server = TestServer::start().await;
    let untouched = server.wire().await;
    let mut used = server.wire().await;
    used.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(used.head().await.starts_with("HTTP/1.1 200 "));
    let began = Instant::now();
    server.told_to_stop();
    server.ended().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    drop((untouched, used));
}

#[tokio::test]
async fn a_retry_that_hangs_does_not_keep_it() {
    let mut server = TestServer::with(|config| config.drain = Duration::from_millis(500)).await;
    server.execute("alter table clerk.users rename to users_elsewhere").await;
    assert_eq!(server.deliver(&Delivery::user_created("ada")).await.ok()["outcome"], "failed");
    server.execute("alter table clerk.users_elsewhere rename to users").await;
    let held = server.hold("clerk.users").await;
    server.execute("update rowlock.inbox set next_attempt_at = now()").await;
    server.somebody_waits().await;
    let began = Instant::now();
    server.told_to_stop();
    server.ended().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    held.release().await;
    nobody_works(&server).await;
    assert_eq!(server.inbox().await, "msg_ada failed");
}

/// Waits until no connection but this one does anything.
async fn nobody_works(server: &TestServer) {
    let working = "select pid from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and (state <> 'idle' or wait_event_type = 'Lock')";
    eventually("nobody works", async || server.rows(working).await == json!([])).await;
}
