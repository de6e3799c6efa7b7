//! A data API over a harbour, and what it answers.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use clerk::SystemClock;
use data_api::{DataApi, Settings};
use http::{Request, Response};
use postgres::testing::TestDatabase;

const HARBOUR: &str = include_str!("harbour.sql");
const SECRET: &str = "thirty-two bytes that nobody knows";

/// A data API with a database of its own.
pub(crate) struct Harbour {
    pub(crate) database: TestDatabase,
    pub(crate) api: DataApi,
}

impl Harbour {
    pub(crate) async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// With settings as PostgREST names them, such as `DB_MAX_ROWS`.
    pub(crate) async fn open_with(settings: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create().await;
        database.owner.get().await.unwrap().batch_execute(HARBOUR).await.unwrap();
        let api = DataApi::new(
            database.clients.clone(),
            database.owner.clone(),
            configured(settings).config(Default::default()).unwrap(),
            Arc::new(SystemClock),
        );
        api.reload().await.unwrap();
        Self { database, api }
    }

    /// Status, the headers that say something, and the body.
    pub(crate) async fn asked(&self, line: &str, headers: &[(&str, &str)], body: &str) -> String {
        shown(self.api.answer(request(line, headers, body)).await)
    }

    /// Status and body of `GET`.
    pub(crate) async fn got(&self, path: &str) -> String {
        let answer = self.api.answer(request(&format!("GET {path}"), &[], "")).await;
        format!("{} {}", answer.status().as_u16(), String::from_utf8_lossy(answer.body()))
    }
}

pub(crate) fn configured(settings: &[(&str, &str)]) -> Settings {
    let always = [
        ("DB_SCHEMAS", "harbour"),
        ("DB_ANON_ROLE", "anon"),
        ("JWT_SECRET", SECRET),
        ("DB_AGGREGATES_ENABLED", "true"),
    ];
    let variables = always.iter().chain(settings).map(|(name, value)| (format!("PGRST_{name}"), (*value).to_owned()));
    Settings::from_environment(variables)
}

/// A token for `claims`, as `Authorization` has it.
pub(crate) fn token(claims: &str) -> String {
    let part = |text: &[u8]| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(br#"{"alg":"HS256"}"#), part(claims.as_bytes()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("Bearer {signed}.{}", part(aws_lc_rs::hmac::sign(&key, signed.as_bytes()).as_ref()))
}

pub(crate) fn request(line: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let (method, path) = line.split_once(' ').unwrap();
    // As clients do it.
    let path = path.replace('>', "%3E").replace('"', "%22").replace('^', "%5E");
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

fn shown(answer: Response<Bytes>) -> String {
    let mut lines = vec![answer.status().as_u16().to_string()];
    let mut headers: Vec<String> = answer
        .headers()
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "vary" | "content-length" | "server-timing"))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    lines.extend(headers);
    if !answer.body().is_empty() {
        lines.push(String::from_utf8_lossy(answer.body()).into_owned());
    }
    lines.join("\n")
}
