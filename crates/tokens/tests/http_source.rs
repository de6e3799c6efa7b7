//! Keys over HTTP, from a server that behaves and from servers that do not.

use std::net::Ipv4Addr;
use std::time::Duration;

use insta::assert_snapshot;
use secrecy::SecretString;
use tokens::{HttpKeySource, KeySource as _};
use tokio::net::TcpSocket;
use url::Url;

use crate::support::{KEY_ID, Listener, instance_key, key_set};

fn source(listener: &Listener) -> HttpKeySource {
    HttpKeySource::new(listener.url.clone(), None).unwrap()
}

/// What is said when the server answers `answer`, its port left out.
async fn refused(answer: Vec<u8>) -> String {
    let listener = Listener::start(Some(answer)).await;
    let error = source(&listener).fetch().await.unwrap_err();
    error.to_string().replace(&listener.url.port().unwrap().to_string(), "[port]")
}

#[tokio::test]
async fn the_set_is_taken_as_it_is_sent() {
    let set = key_set([(KEY_ID, instance_key())]);
    let listener = Listener::start(Some(Listener::response("200 OK", set.as_bytes()))).await;
    assert_eq!(source(&listener).fetch().await.unwrap(), set);
    let requests = listener.requests();
    assert!(requests[0].starts_with("GET /.well-known/jwks.json HTTP/1.1\r\n"), "{requests:?}");
    assert!(!requests[0].to_ascii_lowercase().contains("authorization"), "{requests:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Listener::start(Some(Listener::response("200 OK", b"{}"))).await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url);
    assert_snapshot!(refused(redirect.into_bytes()).await, @"`http://127.0.0.1:[port]/.well-known/jwks.json` answered 302 Found; expected 200 with a key set of at most 65536 bytes");
    assert!(elsewhere.requests().is_empty(), "whoever can redirect the key set can sign tokens");
}

#[tokio::test]
async fn other_answers_are_named() {
    assert_snapshot!(refused(Listener::response("500 Internal Server Error", b"{}")).await, @"`http://127.0.0.1:[port]/.well-known/jwks.json` answered 500 Internal Server Error; expected 200 with a key set of at most 65536 bytes");
    assert_snapshot!(refused(Listener::response("401 Unauthorized", b"{}")).await, @"`http://127.0.0.1:[port]/.well-known/jwks.json` answered 401 Unauthorized; expected 200 with a key set of at most 65536 bytes");
    assert_snapshot!(refused(Listener::response("204 No Content", b"")).await, @"`http://127.0.0.1:[port]/.well-known/jwks.json` answered 204 No Content; expected 200 with a key set of at most 65536 bytes");
    assert_snapshot!(refused(Listener::response("200 OK", b"{\"keys\":\"\xff\"}")).await, @"`http://127.0.0.1:[port]/.well-known/jwks.json` answered 200 with bytes that are not UTF-8; expected 200 with a key set of at most 65536 bytes");
    assert_snapshot!(refused(Listener::response("200 OK", &[b' '; 70 * 1024])).await, @"`http://127.0.0.1:[port]/.well-known/jwks.json` answered 200 with a larger body; expected 200 with a key set of at most 65536 bytes");
    assert_snapshot!(refused(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()).await, @"`http://127.0.0.1:[port]/.well-known/jwks.json` cannot be reached: invalid HTTP version parsed");
    assert_snapshot!(refused(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()).await, @"`http://127.0.0.1:[port]/.well-known/jwks.json` cannot be reached: end of file before message length reached");
}

#[tokio::test]
async fn a_body_without_a_length_is_bounded_too() {
    let mut endless = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
    endless.extend([b' '; 70 * 1024]);
    assert_snapshot!(refused(endless).await, @"`http://127.0.0.1:[port]/.well-known/jwks.json` answered 200 with a larger body; expected 200 with a key set of at most 65536 bytes");
    let largest = Listener::response("200 OK", &[b' '; 64 * 1024]);
    let listener = Listener::start(Some(largest)).await;
    assert_eq!(source(&listener).fetch().await.unwrap().len(), 64 * 1024);
}

#[tokio::test]
async fn nobody_there() {
    // Bound so that nobody else takes the port, and not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("http://{}/jwks", socket.local_addr().unwrap());
    let error = HttpKeySource::new(url.parse().unwrap(), None).unwrap().fetch().await.unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with(&format!("`{url}` cannot be reached: Connection refused")), "{said}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left() {
    let listener = Listener::start(None).await;
    let source = source(&listener);
    let url = listener.url.clone();
    let fetch = tokio::spawn(async move { source.fetch().await });
    listener.request().await;
    // Nothing but the timeout of 5 s is left to happen, and the paused clock goes straight to it.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let error = fetch.await.unwrap().unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(error.to_string(), format!("`{url}` cannot be reached: operation timed out"));
}

#[tokio::test]
async fn the_secret_is_sent_and_never_said() {
    const SECRET: &str = "sk_test_dGhpcyBpcyBub3QgYSBrZXk";
    let listener = Listener::start(Some(Listener::response("401 Unauthorized", b"{}"))).await;
    let source = HttpKeySource::new(listener.url.clone(), Some(SecretString::from(SECRET))).unwrap();
    let error = source.fetch().await.unwrap_err();
    let requests = listener.requests();
    assert!(requests[0].contains(&format!("authorization: Bearer {SECRET}\r\n")), "{requests:?}");
    assert!(!format!("{error} {error:?} {source:?}").contains("sk_test_"), "{error:?} {source:?}");
}

#[tokio::test]
async fn a_secret_that_cannot_be_sent_is_not_said_either() {
    let nowhere: Url = "http://127.0.0.1:9/".parse().unwrap();
    let source = HttpKeySource::new(nowhere, Some(SecretString::from("sk_test_two\nlines"))).unwrap();
    let error = source.fetch().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("two"), "{error:?}");
    assert_snapshot!(error, @"`http://127.0.0.1:9/` cannot be reached: failed to parse header value");
}

#[tokio::test]
async fn what_may_be_secret_in_an_address_is_not_said() {
    let listener = Listener::start(Some(Listener::response("403 Forbidden", b""))).await;
    let mut url = listener.url.clone();
    url.set_username("proxy").unwrap();
    url.set_password(Some("hunter2")).unwrap();
    url.set_query(Some("key=hunter3"));
    let error = HttpKeySource::new(url, None).unwrap().fetch().await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("`{}` answered 403", listener.url)), "{error}");
    let requests = listener.requests();
    assert!(requests[0].contains("?key=hunter3 HTTP/1.1\r\n"), "it is sent all the same: {requests:?}");
}
