//! The way to the collector: the HTTP client that everything else here uses.
//!
//! Spans leave from a thread of the exporter's own, where there is no runtime; so a request is made on ours, and the thread waits.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// How long a batch may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What a collector answers is a few bytes; more is not read.
const MAX_ANSWER: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct OurClient {
    http: reqwest::Client,
    runtime: Handle,
}

impl OurClient {
    /// # Panics
    /// Outside of a runtime.
    pub(super) fn new() -> Self {
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        Self { http: http.build().expect("the options fit together"), runtime: Handle::current() }
    }
}

#[async_trait]
impl HttpClient for OurClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move { sent(&http, request).await });
        sent.await?
    }
}

async fn sent(http: &reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let mut answer = http.execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        if body.len() + piece.len() > MAX_ANSWER {
            return Err("the collector's answer is too large".into());
        }
        body.extend_from_slice(&piece);
    }
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
