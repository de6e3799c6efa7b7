//! Speaks HTTP to an emulator with its secret key.

use emulator::Emulator;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

pub(crate) struct Client {
    http: reqwest::Client,
    base_url: String,
    secret_key: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn of(emulator: &Emulator) -> Self {
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base_url: emulator.base_url().to_owned(),
            secret_key: emulator.secret_key().to_owned(),
        }
    }

    /// A request without the secret key.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base_url))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.secret_key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        read(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        read(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        read(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        read(self.request(Method::PATCH, path).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        read(self.request(Method::PUT, path).json(&body)).await
    }
}

pub(crate) async fn read(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    Answer { status, content_type, body: response.json().await.unwrap() }
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// The status and code of a refusal, as `404 resource_not_found`.
    #[track_caller]
    pub(crate) fn refused(&self) -> String {
        let code = self.body["errors"][0]["code"].as_str().unwrap_or_else(|| panic!("no refusal: {}", self.body));
        format!("{} {code}", self.status.as_u16())
    }
}
