//! What a page of another origin may see: every answer that the data API's clients can meet, however it came about.
//!
//! A browser shows a page nothing of an answer that does not name its origin, not even the status: the page is told of a network that
//! failed, and whoever looks for the error looks in the wrong place. The API puts the headers on what it answers itself. What is
//! answered in its place (a body that is too large, a deadline, a panic, an address that is not there) gets them here.
//!
//! Routes that no page calls (webhooks, health, metrics) stay closed.

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use data_api::DataApi;

use super::request_id::REQUEST_ID;
use super::rest;

/// What pages may read besides what PostgREST names.
const EXPOSED: [HeaderName; 2] = [RETRY_AFTER, REQUEST_ID];

/// Who may call from elsewhere: as the data API is configured, and nobody without one.
#[derive(Clone)]
pub(super) struct CrossOrigin(pub(super) Option<DataApi>);

impl CrossOrigin {
    /// The answer to a browser that asks before it calls an address which is not there: it is to learn that, and not to fail before.
    pub(super) fn preflight(&self, request: &Request) -> Option<Response> {
        if request.extensions().get::<MatchedPath>().is_some() {
            return None;
        }
        Some(self.0.as_ref()?.preflight(request)?.map(Body::from))
    }

    /// The page that asks, where the answer is one that pages may see.
    pub(super) fn page(&self, request: &Request) -> Option<HeaderValue> {
        self.0.as_ref()?;
        let closed = request.extensions().get::<MatchedPath>().is_some() && !rest::is_below(request.uri().path());
        request.headers().get(ORIGIN).filter(|_| !closed).cloned()
    }

    /// Lets `page` see the answer.
    pub(super) fn expose(&self, page: Option<&HeaderValue>, answer: &mut Response) {
        let (Some(api), Some(page)) = (&self.0, page) else { return };
        if !answer.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            api.expose(Some(page), answer);
        }
        if !answer.headers().contains_key(ACCESS_CONTROL_EXPOSE_HEADERS) {
            return;
        }
        for name in EXPOSED {
            if answer.headers().contains_key(&name) {
                answer.headers_mut().append(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from(name));
            }
        }
    }
}
