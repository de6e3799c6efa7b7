//! A browser in front of an emulator: a jar for its cookies, and the habits of `clerk-js`.

use std::collections::BTreeMap;

use emulator::Emulator;
use parking_lot::Mutex;
use reqwest::{Method, RequestBuilder, header};
use serde_json::Value;

use super::client::Answer;

pub(crate) const APP: &str = "http://localhost:3000";

pub(crate) struct Browser {
    http: reqwest::Client,
    base_url: String,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) fn of(emulator: &Emulator) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self {
            http: http.build().unwrap(),
            base_url: emulator.base_url().to_owned(),
            cookies: Mutex::new(BTreeMap::new()),
        }
    }

    /// The same browser in front of another emulator: browsers do not keep the cookies of ports apart.
    pub(crate) fn at(self, emulator: &Emulator) -> Self {
        Self { base_url: emulator.base_url().to_owned(), ..self }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let jar = self.cookies.lock();
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.http.request(method, format!("{}{path}", self.base_url)).header(header::ORIGIN, APP);
        if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies.join("; ")) }
    }

    /// Sends, and keeps the cookies that come back.
    pub(crate) async fn send(&self, request: RequestBuilder) -> reqwest::Response {
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            let mut jar = self.cookies.lock();
            if cookie.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    async fn read(&self, request: RequestBuilder) -> Answer {
        let response = self.send(request).await;
        let status = response.status();
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        Answer { status, content_type, body: response.json().await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.read(self.request(Method::GET, &page(path))).await
    }

    /// A form, as `clerk-js` sends it.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.request(Method::POST, &page(path));
        self.read(request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)).await
    }

    /// A picture, as `clerk-js` sends a file.
    pub(crate) async fn upload(&self, path: &str, method: &str, name: &str, bytes: &[u8]) -> Answer {
        let mut body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: image/png\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let request = self.request(Method::POST, &page(&with(path, &format!("_method={method}"))));
        self.read(request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge").body(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post(&with(path, "_method=PATCH"), form).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.post(&with(path, "_method=DELETE"), &[]).await
    }

    /// The client, as a page loads it.
    pub(crate) async fn client(&self) -> Value {
        self.get("/v1/client").await.ok()["response"].clone()
    }

    /// Signs in by password and gives the session.
    pub(crate) async fn sign_in(&self, identifier: &str, password: &str) -> Value {
        let answer = self.post("/v1/client/sign_ins", &[("identifier", identifier), ("password", password)]).await.ok();
        assert_eq!(answer["response"]["status"], "complete", "{answer}");
        let id = &answer["response"]["created_session_id"];
        let sessions = answer["client"]["sessions"].as_array().unwrap();
        sessions.iter().find(|session| session["id"] == *id).unwrap().clone()
    }
}

/// `clerk-js` puts its version behind every address, by which both halves of the API are told apart.
fn page(path: &str) -> String {
    with(path, "_clerk_js_version=6.40.0")
}

fn with(path: &str, parameter: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{parameter}")
}
