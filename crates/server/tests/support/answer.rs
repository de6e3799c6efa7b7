//! What the server said, and what must be true of everything it says.

use std::fmt;

use parking_lot::Mutex;
use reqwest::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

/// An answer, read whole. Shown as its status, the headers that matter, and its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

/// Secrets that were made so far: none may come back in an answer.
static SECRETS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on no answer may repeat `secret`.
pub(crate) fn keep_secret(secret: &str) {
    SECRETS.lock().push(secret.to_owned());
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Self { status, headers, text: response.text().await.unwrap() };
        answer.assert_well_formed();
        answer
    }

    fn assert_well_formed(&self) {
        assert!(self.headers.contains_key("x-request-id"), "{self}");
        for secret in SECRETS.lock().iter() {
            assert!(!self.text.contains(secret) && !format!("{:?}", self.headers).contains(secret), "{self}");
        }
        if self.status.is_success() {
            return;
        }
        let content_type = self.headers[CONTENT_TYPE].to_str().unwrap();
        if self.text.is_empty() {
            // To `HEAD`.
            assert!(content_type.starts_with("application/json"), "{self}");
            return;
        }
        if self.is_of_data_api() {
            // PostgREST's own form, which its clients read.
            assert!(content_type.starts_with("application/json"), "{self}");
            assert!(self.json()["message"].is_string(), "{self}");
            return;
        }
        assert_eq!(content_type, "application/json", "{self}");
        let refused = self.json()["error"].is_object();
        assert!(refused || self.json()["status"] == "unhealthy", "no failure has another form: {self}");
        if refused {
            assert!(self.code().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{self}");
            assert!(self.json()["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{self}");
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    fn is_of_data_api(&self) -> bool {
        self.json()["code"].is_string()
    }

    /// `error.code`, or the data API's `code`, or nothing.
    pub(crate) fn code(&self) -> String {
        if self.text.is_empty() {
            return String::new();
        }
        let json = self.json();
        json["error"]["code"].as_str().or(json["code"].as_str()).unwrap_or_default().to_owned()
    }

    /// Status and code, such as `401 token-expired`.
    pub(crate) fn verdict(&self) -> String {
        format!("{} {}", self.status.as_u16(), self.code()).trim_end().to_owned()
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self}");
        self.json()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.status.as_u16())?;
        for name in [ALLOW, RETRY_AFTER, WWW_AUTHENTICATE] {
            if let Some(value) = self.headers.get(&name) {
                writeln!(formatter, "{name}: {}", value.to_str().unwrap())?;
            }
        }
        formatter.write_str(&self.text)
    }
}
