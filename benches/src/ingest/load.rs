//! Senders: HTTP/1.1 by hand over kept-alive connections, because a client library would take the cores from the servers.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::stock::Stock;
use crate::measure::{MEASUREMENT, Round, WARM_UP};

/// An endpoint that does not answer in this time has failed.
const PATIENCE: Duration = Duration::from_secs(15);

/// Every connection sends its next delivery when the last one was answered.
pub(crate) fn closed_loop(
    runtime: &Runtime,
    address: SocketAddr,
    stock: &Arc<Stock>,
    connections: usize,
) -> Result<Round> {
    runtime.block_on(async {
        run(address, stock, connections, WARM_UP, None).await?;
        run(address, stock, connections, MEASUREMENT, None).await
    })
}

/// Deliveries come at a steady rate, whether the last one was answered or not; the time that one waits for a connection
/// counts.
pub(crate) fn open_loop(
    runtime: &Runtime,
    address: SocketAddr,
    stock: &Arc<Stock>,
    connections: usize,
    per_second: f64,
) -> Result<Round> {
    runtime.block_on(async {
        run(address, stock, connections, WARM_UP, Some(per_second)).await?;
        run(address, stock, connections, MEASUREMENT, Some(per_second)).await
    })
}

async fn run(
    address: SocketAddr,
    stock: &Arc<Stock>,
    connections: usize,
    length: Duration,
    per_second: Option<f64>,
) -> Result<Round> {
    let began = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        let (stock, next) = (Arc::clone(stock), Arc::clone(&next));
        senders.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut calls = Vec::new();
            while began.elapsed() < length {
                let due = match per_second {
                    None => Instant::now(),
                    Some(per_second) => {
                        let due =
                            began + Duration::from_secs_f64(next.fetch_add(1, Ordering::Relaxed) as f64 / per_second);
                        if due.duration_since(began) >= length {
                            break;
                        }
                        let early = due > Instant::now();
                        tokio::time::sleep_until(due.into()).await;
                        // The timer is a millisecond late: that is the sender's fault. Having no connection free is not.
                        if early { Instant::now() } else { due }
                    }
                };
                connection.deliver(&stock).await?;
                calls.push(due.elapsed());
            }
            anyhow::Ok(calls)
        });
    }
    let mut calls = Vec::new();
    while let Some(sender) = senders.join_next().await {
        calls.append(&mut sender.context("a sender panicked")??);
    }
    Ok(Round::of(calls, began.elapsed()))
}

struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("the endpoint cannot be reached")?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream, request: Vec::with_capacity(4096), answer: Vec::with_capacity(1024) })
    }

    async fn deliver(&mut self, stock: &Stock) -> Result<()> {
        let signed = stock.signed()?;
        self.request.clear();
        write!(
            self.request,
            "POST /webhooks/clerk HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             svix-id: {}\r\nsvix-timestamp: {}\r\nsvix-signature: {}\r\n\r\n{}",
            self.address,
            signed.body.len(),
            signed.id,
            signed.seconds,
            signed.signature,
            signed.body
        )?;
        self.stream.write_all(&self.request).await?;
        tokio::time::timeout(PATIENCE, self.answer()).await.context("no answer in time")?
    }

    /// Reads one answer; anything but 200 is a failure of the endpoint.
    async fn answer(&mut self) -> Result<()> {
        self.answer.clear();
        let end = loop {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the endpoint has hung up");
            if let Some(end) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = std::str::from_utf8(&self.answer[..end])?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("the endpoint answered {}", head.lines().next().unwrap_or_default());
        }
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        let (mut length, mut in_chunks) = (None, false);
        for (name, value) in &mut fields {
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.parse::<usize>()?);
            }
            in_chunks |= name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked";
        }
        ensure!(length.is_some() || in_chunks, "an answer without a length");
        let whole = |answer: &[u8]| match length {
            Some(length) => answer.len() >= end + length,
            None => answer[end..].ends_with(b"0\r\n\r\n"),
        };
        while !whole(&self.answer) {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the endpoint has hung up");
        }
        Ok(())
    }
}
