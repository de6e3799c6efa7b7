//! Bodies that no Clerk would send, signed and unsigned, whole and broken off.

use std::time::{Duration, Instant};

use reqwest::{Body, Method};
use serde_json::json;

use crate::support::{Answer, Delivery, TestServer, event, user};

const MEGABYTES_20: usize = 20 * 1024 * 1024;

#[tokio::test]
async fn whatever_is_signed_is_kept() {
    let server = TestServer::start().await;
    let user_with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut user = user("user_ada");
        change(&mut user);
        event("user.created", &user)
    };
    let bodies: [(&str, Vec<u8>, &str); 12] = [
        ("msg_text", b"hello".to_vec(), "dead"),
        ("msg_empty", Vec::new(), "dead"),
        ("msg_form", b"type=user.created&id=user_ada".to_vec(), "dead"),
        ("msg_array", b"[]".to_vec(), "dead"),
        ("msg_truncated", br#"{"type":"user.created","data":{"id":"us"#.to_vec(), "dead"),
        ("msg_types", br#"{"type":7,"data":[]}"#.to_vec(), "dead"),
        ("msg_id_type", user_with(&|user| user["id"] = json!(7)).into(), "dead"),
        ("msg_latin1", b"{\"type\":\"user.created\",\"data\":{\"id\":\"user_\xe9\"}}".to_vec(), "dead"),
        ("msg_nul", b"\0\0\0".to_vec(), "dead"),
        ("msg_nul_inside", user_with(&|user| user["first_name"] = json!("A\0da")).into(), "applied"),
        ("msg_unknown", event("agent.summoned", &json!({ "id": "agent_1" })).into(), "kept"),
        ("msg_wrong_object", event("user.created", &json!({ "id": "org_1", "object": "organization" })).into(), "dead"),
    ];
    for (id, body, outcome) in bodies {
        let answer = server.deliver(&Delivery::of(id, body.clone())).await.ok();
        assert_eq!(answer["outcome"], outcome, "{id}: {answer}");
        assert_eq!(answer["reason"].is_string(), outcome == "dead", "{id}: {answer}");
        let kept = format!("select length(body) as length from rowlock.inbox where delivery_id = '{id}'");
        assert_eq!(server.rows(&kept).await, json!([{ "length": body.len() }]), "{id}");
    }
    assert_eq!(server.deliver(&Delivery::user_created("bob")).await.ok()["outcome"], "applied");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_read() {
    let server = TestServer::start().await;
    let mut wire = server.wire().await;
    let head = Delivery::user_created("ada").head();
    wire.send(format!("{head}content-length: {MEGABYTES_20}\r\n\r\n")).await;
    // Not one byte of the body was sent.
    let answer = wire.head().await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    // A client that sends it all hears the same, and not just a broken connection.
    let large = Delivery::of("msg_large", vec![b' '; MEGABYTES_20]);
    assert_eq!(server.deliver(&large).await.verdict(), "413 body-too-large");
    assert_eq!(server.inbox().await, "");
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_not_read_to_its_end() {
    let server = TestServer::start().await;
    let mut wire = server.wire().await;
    let head = Delivery::user_created("ada").head();
    wire.send(format!("{head}transfer-encoding: chunked\r\n\r\n")).await;
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    let began = Instant::now();
    let taken = wire.send_until_refused(&chunk, MEGABYTES_20).await;
    // 1 MB is read; the rest is what fits into the buffers of two sockets.
    assert!(taken < MEGABYTES_20 / 2, "{taken} bytes were taken");
    assert!(began.elapsed().as_secs() < 5);
    assert_eq!(server.inbox().await, "");
    assert_eq!(server.deliver(&Delivery::user_created("ada")).await.ok()["outcome"], "applied");
}

#[tokio::test]
async fn a_large_body_is_refused_in_words() {
    let server = TestServer::with(|config| config.max_body_bytes = 2048).await;
    let post = |length: usize| {
        let delivery = Delivery::of("msg_large", vec![b' '; length]);
        delivery.on(server.request(Method::POST, "/webhooks/clerk"))
    };
    insta::assert_snapshot!(Answer::to(post(2049)).await, @r#"
    413
    {"error":{"code":"body-too-large","hint":null,"message":"the body is larger than 2048 bytes"}}
    "#);
    assert_eq!(Answer::to(post(2048)).await.ok()["outcome"], "dead");
    // Without an announcement, the same number counts.
    for (length, status) in [(2049, "HTTP/1.1 413 "), (2048, "HTTP/1.1 200 ")] {
        let large = Delivery::of("msg_chunked", vec![b' '; length]);
        let mut wire = server.wire().await;
        wire.send(format!("{}transfer-encoding: chunked\r\n\r\n{length:x}\r\n", large.head())).await;
        wire.send(&large.body).await;
        wire.send("\r\n0\r\n\r\n").await;
        let answer = wire.head().await;
        assert!(answer.starts_with(status), "{length}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_no_trace() {
    let server = TestServer::start().await;
    let ada = Delivery::user_created("ada");
    let announced = format!("{}content-length: {}\r\n\r\n", ada.head(), ada.body.len());
    for broken in [&ada.body[..0], &ada.body[..ada.body.len() - 1]] {
        let mut wire = server.wire().await;
        wire.send(&announced).await;
        wire.send(broken).await;
        drop(wire);
    }
    let mut wire = server.wire().await;
    wire.send(format!("{}transfer-encoding: chunked\r\n\r\nno length\r\n", ada.head())).await;
    let answer = wire.head().await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(server.inbox().await, "");
    assert_eq!(server.deliver(&ada).await.ok()["outcome"], "applied");
    assert_eq!(server.inbox().await, "msg_ada applied");
}

#[tokio::test]
async fn a_length_that_lies_makes_another_body() {
    let server = TestServer::start().await;
    let ada = Delivery::user_created("ada");
    let mut wire = server.wire().await;
    wire.send(format!("{}content-length: {}\r\n\r\n", ada.head(), ada.body.len() - 1)).await;
    wire.send(&ada.body).await;
    assert!(wire.head().await.starts_with("HTTP/1.1 401 "));
    assert_eq!(server.inbox().await, "");
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_next_request_served() {
    let server = TestServer::start().await;
    let requests: [(&str, Vec<u8>); 6] = [
        ("noise", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS on a plain port\r\n\r\n".to_vec()),
        ("no method", b"/ HTTP/1.1\r\n\r\n".to_vec()),
        ("two lengths", b"POST /webhooks/clerk HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n".to_vec()),
        ("header name with a space", b"GET /whoami HTTP/1.1\r\nsvix id: 1\r\n\r\n".to_vec()),
        ("101 headers", [b"GET /whoami HTTP/1.1\r\n".to_vec(), b"a: b\r\n".repeat(101), b"\r\n".to_vec()].concat()),
        (
            "70 KB of headers",
            [b"GET /whoami HTTP/1.1\r\na: ".to_vec(), vec![b'b'; 70 * 1024], b"\r\n\r\n".to_vec()].concat(),
        ),
    ];
    for (name, bytes) in requests {
        let mut wire = server.wire().await;
        wire.send(&bytes).await;
        let answer = wire.head().await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{name}: {answer}");
    }
    server.get("/healthz").await.ok();
}

#[tokio::test]
async fn a_caller_who_sends_in_pieces_is_waited_for() {
    let server = TestServer::start().await;
    let ada = Delivery::user_created("ada");
    let mut wire = server.wire().await;
    wire.send(format!("{}content-length: {}\r\n\r\n", ada.head(), ada.body.len())).await;
    for piece in ada.body.chunks(100) {
        wire.send(piece).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
    assert_eq!(server.inbox().await, "msg_ada applied");
}

#[tokio::test]
async fn a_stream_without_a_length_is_a_body_like_any_other() {
    let server = TestServer::start().await;
    let ada = Delivery::user_created("ada");
    let mut wire = server.wire().await;
    let chunks: String = String::from_utf8(ada.body.clone())
        .unwrap()
        .as_bytes()
        .chunks(64)
        .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)))
        .collect();
    wire.send(format!("{}transfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n", ada.head())).await;
    assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
    // Expectations are met only for bodies that will be read.
    let body = Body::from(vec![b' '; MEGABYTES_20 / 10]);
    let large = Delivery::of("msg_large", Vec::new()).on(server.request(Method::POST, "/webhooks/clerk"));
    let refused = Answer::to(large.header("expect", "100-continue").body(body)).await;
    assert_eq!(refused.verdict(), "413 body-too-large");
}
