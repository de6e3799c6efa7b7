//! Where a key set comes from.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use reqwest::redirect::Policy;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// A fetch that takes longer helps nobody: the caller's own deadline is near.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A real set has a few hundred bytes for each key.
const MAX_BYTES: usize = 64 * 1024;

/// The text of a key set, on demand.
pub trait KeySource: Send + Sync + std::fmt::Debug + 'static {
    /// Fetches the set anew. It must end by itself: whoever needs keys waits for it.
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<String, KeySourceError>> + Send + '_>>;
}

/// Why a key set could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySourceError {
    /// The server could not be reached in time.
    #[error("`{url}` cannot be reached: {reason}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What happened.
        reason: String,
    },
    /// It answered something else than a key set.
    #[error("`{url}` answered {found}; expected 200 with a key set of at most {MAX_BYTES} bytes")]
    Answer {
        /// What was asked for.
        url: String,
        /// Status or size.
        found: String,
    },
}

/// A key set that never changes: a PEM-free way to pin keys, and what tests use.
#[derive(Debug, Clone)]
pub struct StaticKeySource(String);

impl StaticKeySource {
    /// A source that always gives `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl KeySource for StaticKeySource {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<String, KeySourceError>> + Send + '_>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

/// A key set over HTTP: `<issuer>/.well-known/jwks.json` in public, or the Backend API's `/v1/jwks` with a secret key.
///
/// Redirects are not followed: whoever can redirect the key set can sign tokens.
#[derive(Debug, Clone)]
pub struct HttpKeySource {
    client: reqwest::Client,
    url: Url,
    /// The address for messages, which a client may see: without user, password and query.
    shown: String,
    secret: Option<SecretString>,
}

impl HttpKeySource {
    /// Prepares to fetch `url`.
    ///
    /// # Errors
    /// When the platform's trust anchors cannot be loaded.
    pub fn new(url: Url, secret: Option<SecretString>) -> Result<Self, KeySourceError> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("rowlock/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| KeySourceError::Unreachable { url: shown(&url), reason: describe(&error) })?;
        Ok(Self { client, shown: shown(&url), url, secret })
    }

    async fn get(&self) -> Result<String, KeySourceError> {
        let unreachable = |error| KeySourceError::Unreachable { url: self.shown.clone(), reason: describe(&error) };
        let answer = |found: String| KeySourceError::Answer { url: self.shown.clone(), found };
        let mut request = self.client.get(self.url.clone());
        if let Some(secret) = &self.secret {
            request = request.bearer_auth(secret.expose_secret());
        }
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(answer(response.status().to_string()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(answer("200 with a larger body".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| answer("200 with bytes that are not UTF-8".to_owned()))
    }
}

impl KeySource for HttpKeySource {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<String, KeySourceError>> + Send + '_>> {
        Box::pin(self.get())
    }
}

fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    // These fail only where there is no place for a user.
    let _ = (shown.set_username(""), shown.set_password(None));
    shown.into()
}

/// The innermost cause: reqwest's own sentence only repeats the address.
fn describe(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
