//! Traces, in a build that has them: `cargo test -p rowlock --features otel --test main traces`.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::rest::Quay;
use crate::support::Server;

/// A collector: what it is sent, request by request, head and body.
fn collector() -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let sender = sender.clone();
            std::thread::spawn(move || take(stream, |request| drop(sender.send(request))));
        }
    });
    (address, received)
}

fn take(mut stream: TcpStream, taken: impl Fn(Vec<u8>)) {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..length]);
        let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
        let length: usize = text.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        if bytes.len() >= head + 4 + length {
            taken(std::mem::take(&mut bytes));
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_request_is_a_span_below_the_callers_and_says_nothing_of_its_values() {
    let quay = Quay::open().await;
    let (address, received) = collector();
    let mut command = quay.command(&[]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &address);
    let server = Server::start(command);
    let ready: serde_json::Value = serde_json::from_str(&server.ready).unwrap();
    let api = ready["api"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(api).unwrap();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    write!(
        stream,
        "GET /boats?select=whispered:name&name=eq.Bess HTTP/1.1\r\nhost: quay\r\ntraceparent: {traceparent}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with(r#"[{"whispered":"Bess"}]"#), "{answer}");
    // What is left is sent at the end.
    server.signal(Signal::SIGTERM);
    assert_eq!(server.ended().code(), Some(0));
    let sent = received.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(sent.starts_with(b"POST /v1/traces HTTP/1.1\r\n"));
    let trace = [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c];
    let parent = [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31];
    assert!(contains(&sent, &trace) && contains(&sent, &parent), "the caller's trace goes on");
    for word in ["rowlock", "GET read", "http.response.status_code", "transaction", "quay.boats"] {
        assert!(contains(&sent, word.as_bytes()), "{word}: {}", String::from_utf8_lossy(&sent));
    }
    for word in ["whispered", "Bess"] {
        assert!(!contains(&sent, word.as_bytes()), "{word}");
    }
}
