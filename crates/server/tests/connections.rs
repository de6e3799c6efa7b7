//! Callers who misuse a connection, and what every answer carries.

use insta::assert_snapshot;
use reqwest::Method;

use crate::support::{Answer, TestServer};

#[tokio::test]
async fn a_request_id_is_kept_when_it_is_one() {
    let server = TestServer::start().await;
    let with_id = async |id: &str| {
        let answer = Answer::to(server.request(Method::GET, "/whoami").header("x-request-id", id)).await;
        answer.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    for id in ["7f3c", "1-67891233-abcdef012345678912345678", "Root=1-2;Self=3:4/5+6@7,8", &"x".repeat(128)] {
        assert_eq!(with_id(id).await, id);
    }
    for id in ["", "two words", "\"quoted\"", "{json}", "a\u{9}b", &"x".repeat(129), &"x".repeat(10_000)] {
        let given = with_id(id).await;
        assert!(given != id && given.len() == 36, "{id:?} became {given:?}");
    }
    let twice = server.request(Method::GET, "/whoami").header("x-request-id", "a").header("x-request-id", "b");
    let answer = Answer::to(twice).await;
    assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
    assert_eq!(answer.headers["x-request-id"].len(), 36);
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let server = TestServer::start().await;
    let mut wire = server.wire().await;
    for _ in 0..3 {
        wire.send("HEAD /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
    }
    wire.send("HEAD /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert_snapshot!(wire.rest().await.lines().next().unwrap(), @"HTTP/1.1 200 OK");
}
