//! An HTTP server of one answer, written out by the test byte by byte.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use url::Url;

/// Answers every request on 127.0.0.1 with the same bytes and keeps what was asked. Ends when it is dropped.
pub(crate) struct Listener {
    pub(crate) url: Url,
    asked: Arc<Asked>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Asked {
    requests: Mutex<Vec<String>>,
    arrived: Notify,
}

impl Listener {
    /// `answer` is the whole response; without one the server reads the request and then says nothing.
    pub(crate) async fn start(answer: Option<Vec<u8>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/.well-known/jwks.json", listener.local_addr().unwrap()).parse().unwrap();
        let asked = Arc::new(Asked::default());
        let noted = Arc::clone(&asked);
        let mut server = JoinSet::new();
        server.spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let request = head(&mut connection).await;
                noted.requests.lock().push(request);
                noted.arrived.notify_one();
                match &answer {
                    // The client may hang up as soon as it has seen enough.
                    Some(answer) => drop(connection.write_all(answer).await),
                    None => std::future::pending().await,
                }
            }
        });
        Self { url, asked, _server: server }
    }

    /// A response with a length, as servers write it.
    pub(crate) fn response(status: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    /// Waits until a request is there.
    pub(crate) async fn request(&self) {
        self.asked.arrived.notified().await;
    }

    /// The heads of all requests so far, in lower case.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.asked.requests.lock().clone()
    }
}

async fn head(connection: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(connection.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap()
}
