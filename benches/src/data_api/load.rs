//! A caller: one request over and over on kept-alive connections, written by hand because a client library would take the cores.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::measure::{MEASUREMENT, Round, WARM_UP};

const PATIENCE: Duration = Duration::from_secs(15);

/// What is asked, and what a right answer holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) name: String,
    pub(super) method: String,
    pub(super) path: String,
    /// Each with its line's end.
    pub(super) headers: String,
    pub(super) body: String,
    pub(super) marker: String,
}

impl Request {
    fn bytes(&self, address: SocketAddr, prefix: &str, token: &str) -> Vec<u8> {
        let Self { method, path, headers, body, .. } = self;
        format!(
            "{method} {prefix}{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n{headers}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

pub(super) fn round(
    runtime: &Runtime,
    address: SocketAddr,
    prefix: &str,
    request: &Request,
    token: &str,
    connections: usize,
) -> Result<Round> {
    runtime.block_on(async {
        run(address, prefix, request, token, connections, WARM_UP).await?;
        run(address, prefix, request, token, connections, MEASUREMENT).await
    })
}

/// One request, checked.
pub(super) async fn once(address: SocketAddr, prefix: &str, request: &Request, token: &str) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    connection.ask(&request.bytes(address, prefix, token), &request.marker).await
}

async fn run(
    address: SocketAddr,
    prefix: &str,
    request: &Request,
    token: &str,
    connections: usize,
    length: Duration,
) -> Result<Round> {
    let bytes: Arc<[u8]> = request.bytes(address, prefix, token).into();
    let marker: Arc<str> = request.marker.as_str().into();
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..connections {
        let (bytes, marker) = (Arc::clone(&bytes), Arc::clone(&marker));
        callers.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut calls = Vec::new();
            while began.elapsed() < length {
                let sent = Instant::now();
                connection.ask(&bytes, &marker).await?;
                calls.push(sent.elapsed());
            }
            anyhow::Ok(calls)
        });
    }
    let mut calls = Vec::new();
    while let Some(caller) = callers.join_next().await {
        calls.append(&mut caller.context("a caller panicked")??);
    }
    Ok(Round::of(calls, began.elapsed()))
}

struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("the server cannot be reached")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(16 * 1024) })
    }

    async fn ask(&mut self, request: &[u8], marker: &str) -> Result<()> {
        self.stream.write_all(request).await?;
        let body = tokio::time::timeout(PATIENCE, self.read()).await.context("no answer in time")??;
        let body = String::from_utf8_lossy(&self.answer[body..]);
        ensure!(body.contains(marker), "expected `{marker}` in the answer, found {body}");
        Ok(())
    }

    /// Reads an answer; where its body begins. Anything but 2xx is a failure.
    async fn read(&mut self) -> Result<usize> {
        self.answer.clear();
        let end = loop {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the server has hung up");
            if let Some(end) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = std::str::from_utf8(&self.answer[..end])?.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.with_context(|| format!("an answer without a length: {head}"))?.trim().parse()?;
        while self.answer.len() < end + length {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the server has hung up");
        }
        let body = String::from_utf8_lossy(&self.answer[end..]);
        ensure!(head.starts_with("http/1.1 2"), "{}: {body}", head.lines().next().unwrap_or_default());
        Ok(end)
    }
}
