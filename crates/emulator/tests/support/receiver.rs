//! A webhook endpoint that answers as told and remembers what it got.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    routing::post,
};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

/// What to answer to one delivery.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) delay: Duration,
}

impl Response {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), delay: Duration::ZERO }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Answers only after that time.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn id(&self) -> &str {
        self.headers["svix-id"].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

#[derive(Default)]
struct Inner {
    script: Mutex<VecDeque<Response>>,
    received: Mutex<Vec<Received>>,
    arrived: Notify,
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Inner>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Receiver {
    /// Answers with the script first and with 200 afterwards.
    pub(crate) async fn start(script: impl IntoIterator<Item = Response>) -> Self {
        let inner = Arc::new(Inner { script: Mutex::new(script.into_iter().collect()), ..Inner::default() });
        let router = Router::new().route("/hook", post(receive)).with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner, server }
    }

    /// Stops listening; the address answers no more.
    pub(crate) async fn stop(self) -> String {
        self.server.abort();
        self.server.await.unwrap_err();
        self.url
    }

    /// Waits until so many deliveries have arrived.
    pub(crate) async fn wait_for(&self, count: usize) {
        loop {
            let arrived = self.inner.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if self.inner.received.lock().len() >= count {
                return;
            }
            arrived.await;
        }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.received.lock().clone()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.received().iter().map(Received::kind).collect()
    }
}

async fn receive(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> (StatusCode, HeaderMap) {
    inner.received.lock().push(Received { headers, body });
    inner.arrived.notify_waiters();
    let response = inner.script.lock().pop_front().unwrap_or_else(|| Response::status(200));
    tokio::time::sleep(response.delay).await;
    let headers = response.headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
    (StatusCode::from_u16(response.status).unwrap(), headers.collect())
}
