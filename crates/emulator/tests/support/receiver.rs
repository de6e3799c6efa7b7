//! A webhook endpoint that answers as told and remembers what it got.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    routing::post,
};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;

/// What to answer to one delivery.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

impl Response {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
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
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

impl Receiver {
    /// Answers with the script first and with 200 afterwards.
    pub(crate) async fn start(script: impl IntoIterator<Item = Response>) -> Self {
        let inner = Arc::new(Inner { script: Mutex::new(script.into_iter().collect()), ..Inner::default() });
        let router = Router::new().route("/hook", post(receive)).with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
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
    let response = inner.script.lock().pop_front().unwrap_or_else(|| Response::status(200));
    let headers = response
        .headers
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect();
    std::future::ready((StatusCode::from_u16(response.status).unwrap(), headers)).await
}
