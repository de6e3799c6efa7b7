//! A proxy between client and server that counts how often the client had to wait for an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Forwards 127.0.0.1 connections to `target` and counts flights: a client that speaks after the server has spoken.
pub(crate) struct CountingProxy {
    pub(crate) port: u16,
    flights: Arc<AtomicUsize>,
}

impl CountingProxy {
    pub(crate) async fn start(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let flights = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&flights);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                tokio::spawn(forward(client, server, Arc::clone(&counted)));
            }
        });
        Self { port, flights }
    }

    /// Flights since the last call.
    pub(crate) fn take_flights(&self) -> usize {
        self.flights.swap(0, Ordering::SeqCst)
    }
}

async fn forward(client: TcpStream, server: TcpStream, flights: Arc<AtomicUsize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let server_spoke = Arc::new(AtomicBool::new(true));
    let heard = Arc::clone(&server_spoke);
    let upstream = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            if heard.swap(false, Ordering::SeqCst) {
                flights.fetch_add(1, Ordering::SeqCst);
            }
            // What a client sends in one go may arrive in pieces; an answer to the first must not split the flight.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            if to_server.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
    };
    let downstream = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            server_spoke.store(true, Ordering::SeqCst);
            if to_client.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(upstream, downstream);
}
