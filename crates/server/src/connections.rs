//! Connections: let in up to a bound, waited for with patience but not for ever, and ended in order.
//!
//! `axum::serve` waits for a request's head without end, so a stranger who opens connections and says nothing can have
//! them all; and it lets go of its connections when it is dropped, so they cannot be cut. Hence this loop over hyper.
//!
//! Not handled here: how long a request may take, its body included (`routes`), and TLS, which a proxy in front does.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};

use crate::listener::Listener;
use crate::patient_stream::PatientStream;
use crate::strangers::Peer;

/// How much strangers may take.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Connections at the same time; further ones wait in the kernel's queue.
    pub(crate) connections: usize,
    /// How long a connection may be without a complete request head, idle time between two requests included.
    pub(crate) head_wait: Duration,
    /// The largest request head.
    pub(crate) head_bytes: usize,
    /// How long an answer may wait for its reader without a single byte being taken.
    pub(crate) write_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A connection that waits holds some 20 KB. What bodies may take together is bounded elsewhere.
            connections: 4096,
            // Longer than proxies keep idle connections (nginx and AWS' load balancers: 60 s): the side that closes first
            // must be theirs, or a request now and then meets a closing connection.
            head_wait: Duration::from_secs(75),
            // A token has at most 8 KB, browsers' cookies 4 KB each.
            head_bytes: 64 * 1024,
            write_wait: Duration::from_secs(30),
        }
    }
}

/// After the system refused a connection, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The open connections of one router.
pub(crate) struct Connections {
    http: http1::Builder,
    router: Router,
    places: Arc<Semaphore>,
    open: JoinSet<()>,
    stop: CancellationToken,
    write_wait: Duration,
}

impl Connections {
    /// Nobody is connected yet. After `stop`, a connection ends with the request that is under way on it.
    pub(crate) fn new(router: Router, limits: &Limits, stop: CancellationToken) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.head_wait);
        // The first bounds what one head may be, the second what is buffered before that can be known.
        http.max_header_size(limits.head_bytes).max_buf_size(limits.head_bytes);
        let places = Arc::new(Semaphore::new(limits.connections));
        Self { http, router, places, open: JoinSet::new(), stop, write_wait: limits.write_wait }
    }

    /// Lets connections in until `stop`; then the address is free again.
    pub(crate) async fn accept(&mut self, listener: impl Listener) {
        loop {
            let (stream, peer, place) = tokio::select! {
                () = self.stop.cancelled() => return,
                next = next(&listener, &self.places) => match next {
                    Ok(next) => next,
                    Err(error) => {
                        tracing::error!(error = error.to_string(), "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            while self.open.try_join_next().is_some() {}
            let router = self.router.clone().map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                request
            });
            let stream = PatientStream::new(stream, self.write_wait);
            self.open.spawn(serve(self.http.clone(), router, stream, place, self.stop.clone()));
        }
    }

    /// Waits until all have ended.
    pub(crate) async fn drained(&mut self) {
        while self.open.join_next().await.is_some() {}
    }

    /// Ends them now. A request that was under way is dropped, and with it its transaction.
    pub(crate) async fn cut(&mut self) {
        self.open.shutdown().await;
    }
}

/// A place first: who has none is not let in.
async fn next<L: Listener>(
    listener: &L,
    places: &Arc<Semaphore>,
) -> std::io::Result<(L::Stream, Peer, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    let (stream, peer) = listener.next().await?;
    Ok((stream, peer, place))
}

/// Serves one connection until its end; holds its place meanwhile.
async fn serve<S, T>(http: http1::Builder, router: S, stream: T, place: OwnedSemaphorePermit, stop: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = error.to_string(), "a connection ended early");
    }
    drop(place);
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{Instant, timeout};

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    /// A server with these limits, which answers "here"; and what stops it.
    async fn served(limits: Limits) -> (std::net::SocketAddr, CancellationToken) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback is there");
        let address = listener.local_addr().expect("it is bound");
        let (router, stop) = (Router::new().route("/", get(|| async { "here" })), CancellationToken::new());
        let mut connections = Connections::new(router, &limits, stop.clone());
        tokio::spawn(async move {
            connections.accept(listener).await;
            connections.drained().await;
        });
        (address, stop)
    }

    async fn connect(address: std::net::SocketAddr) -> TcpStream {
        TcpStream::connect(address).await.expect("the server listens")
    }

    /// Reads until the server closes.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut read = Vec::new();
        let reading = timeout(Duration::from_secs(10), stream.read_to_end(&mut read));
        let _ = reading.await.expect("the server closes the connection");
        String::from_utf8_lossy(&read).into_owned()
    }

    #[tokio::test]
    async fn who_says_nothing_or_never_ends_is_not_waited_for() {
        let limits = Limits { head_wait: Duration::from_millis(300), ..Limits::default() };
        let (address, _stop) = served(limits).await;
        let began = Instant::now();
        let (mut silent, mut slow, mut idle) = (connect(address).await, connect(address).await, connect(address).await);
        slow.write_all(b"GET / HTTP/1.1\r\nhost: local").await.expect("it is sent");
        idle.write_all(REQUEST).await.expect("it is sent");
        assert_eq!(rest(&mut silent).await, "");
        rest(&mut slow).await;
        assert!(rest(&mut idle).await.ends_with("here"));
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        let mut prompt = connect(address).await;
        prompt.write_all(REQUEST).await.expect("it is sent");
        assert!(rest(&mut prompt).await.ends_with("here"));
    }

    #[tokio::test]
    async fn who_finds_no_place_waits_for_one() {
        let (address, _stop) = served(Limits { connections: 1, ..Limits::default() }).await;
        let (mut first, mut second) = (connect(address).await, connect(address).await);
        first.write_all(REQUEST).await.expect("it is sent");
        let mut answer = [0; 15];
        first.read_exact(&mut answer).await.expect("the first is served");
        second.write_all(REQUEST).await.expect("it is sent");
        let waited = timeout(Duration::from_millis(300), second.read_exact(&mut answer)).await;
        assert!(waited.is_err(), "the only place is taken");
        drop(first);
        let served = timeout(Duration::from_secs(10), second.read_exact(&mut answer)).await;
        served.expect("the place is free").expect("the second is served");
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }

    #[tokio::test]
    async fn a_server_that_stops_closes_idle_connections_and_the_address() {
        let (address, stop) = served(Limits::default()).await;
        let (mut untouched, mut used) = (connect(address).await, connect(address).await);
        used.write_all(REQUEST).await.expect("it is sent");
        let mut answer = [0; 15];
        used.read_exact(&mut answer).await.expect("it is served");
        stop.cancel();
        rest(&mut untouched).await;
        rest(&mut used).await;
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
}
