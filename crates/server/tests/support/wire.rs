//! HTTP byte by byte, for requests that no client library would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::PATIENCE;

/// Small: there may be thousands, and a reader that is to be slow must not run ahead.
const BUFFER: usize = 512;

pub(crate) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self(BufReader::with_capacity(BUFFER, TcpStream::connect(address).await.unwrap()))
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends without end until the server has had enough; how many bytes it took.
    pub(crate) async fn send_until_refused(&mut self, chunk: &[u8], most: usize) -> usize {
        let mut sent = 0;
        while sent < most {
            // A server that has stopped reading leaves the buffers full.
            match tokio::time::timeout(Duration::from_secs(1), self.0.write(chunk)).await {
                Ok(Ok(length @ 1..)) => sent += length,
                _ => break,
            }
        }
        sent
    }

    /// The head of the next answer, without its body.
    pub(crate) async fn head(&mut self) -> String {
        let reading = async {
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") {
                match self.0.read_u8().await {
                    Ok(byte) => read.push(byte),
                    Err(_) => break,
                }
            }
            String::from_utf8_lossy(&read).into_owned()
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the server answers")
    }

    /// Whatever still comes until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        let reading = self.0.read_to_end(&mut read);
        // A reset is an end, too.
        let _ = tokio::time::timeout(PATIENCE, reading).await.expect("the server closes the connection");
        String::from_utf8_lossy(&read).into_owned()
    }
}
