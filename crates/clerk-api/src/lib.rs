//! Client of Clerk's Backend API: asks what Clerk holds to be true now.
//!
//! Answers are handed on as the JSON text that Clerk sent, because the mirror keeps whole objects and Clerk's own
//! examples break Clerk's own schema. Every request has a deadline and passes one gate, which keeps all of them together
//! below Clerk's [limit](RequestRate). Nothing is retried unless a client is [patient](BackendApi::patient): whoever asks
//! for one object has a queue of their own, and [`ApiError::RateLimited`] tells them how long to leave Clerk alone.
//!
//! Whole lists are read by a [`Walk`], page by page.

mod list;
mod page;
mod patience;
mod rate;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clerk::{MembershipId, OrganizationId, SecretKey, UserId};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

pub use crate::list::List;
pub use crate::page::{LARGEST_PAGE, Mark};
use crate::patience::Patience;
use crate::rate::Gate;
pub use crate::rate::{RATE_WINDOW, RequestRate};
pub use crate::walk::{Cursor, Page, Walk};

/// Clerk's public address.
pub const CLERK_API_URL: &str = "https://api.clerk.com";
/// The version whose shapes this crate reads (header `Clerk-API-Version`).
pub const API_VERSION: &str = "2026-05-12";
/// A slower answer is as good as none: the caller's queue tries again.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A `Retry-After` that is longer is somebody's mistake.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(600);
/// The code of every object that does not exist.
const NOT_FOUND: &str = "resource_not_found";
/// A person belongs to an organization once, or a few times over if events crossed.
const MEMBERSHIPS_OF_ONE_PERSON: &str = "100";

/// The Backend API of one instance. Clones share one gate.
#[derive(Debug, Clone)]
pub struct BackendApi {
    client: reqwest::Client,
    base: Url,
    secret: SecretKey,
    gate: Arc<Gate>,
    patient: bool,
}

/// Why Clerk gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Not reached, or no whole answer in time.
    #[error("Clerk's Backend API at `{base}` gave no answer")]
    Unreachable {
        /// The address.
        base: Url,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// Too many requests.
    #[error("Clerk's Backend API limits the rate: try again in {} s", .retry_after.as_secs())]
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The secret key is not of this instance.
    #[error("Clerk's Backend API refused the secret key ({0}): it is of another instance, or revoked")]
    Unauthorized(StatusCode),
    /// The instance has no primary domain.
    #[error("Clerk's Backend API names no primary domain for this instance: set `clerk.issuer`")]
    NoIssuer,
    /// Anything else that is no success.
    #[error("Clerk's Backend API answered {status}{} to {path}", .code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Status {
        /// The answer.
        status: StatusCode,
        /// What was asked for.
        path: String,
        /// Clerk's own word for it.
        code: Option<String>,
    },
    /// A success with something else in it than what was asked for.
    #[error("Clerk's Backend API answered {path} with something else than expected")]
    Unreadable {
        /// What was asked for.
        path: String,
        /// Where reading ended.
        #[source]
        source: serde_json::Error,
    },
}

impl ApiError {
    /// Whether the instance does not have what was asked for: a feature that is off (organizations, billing, the waitlist),
    /// or one that this Clerk does not know. The code says which.
    pub fn is_not_offered(&self) -> bool {
        matches!(self, Self::Status { status, .. }
            if status.is_client_error() || *status == StatusCode::NOT_IMPLEMENTED)
    }

    /// Whether Clerk understood the question and does not answer it as it is put.
    fn is_refusal(&self) -> bool {
        const REFUSALS: [StatusCode; 3] =
            [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY];
        matches!(self, Self::Status { status, .. } if REFUSALS.contains(status))
    }

    /// Whether Clerk itself says that there is no such object. Somebody else's 404 (a proxy, a wrong address) says nothing
    /// about what Clerk has.
    fn is_clerks_not_found(&self) -> bool {
        matches!(self, Self::Status { status: StatusCode::NOT_FOUND, code: Some(code), .. } if code == NOT_FOUND)
    }
}

impl BackendApi {
    /// A client of the API at `base` (see [`CLERK_API_URL`]).
    ///
    /// # Errors
    /// When the platform's trust anchors cannot be loaded.
    pub fn new(base: Url, secret: SecretKey) -> Result<Self, ApiError> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("rowlock/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| ApiError::Unreachable { base: base.clone(), source })?;
        let gate = Arc::new(Gate::new(RequestRate::documented(secret.environment())));
        Ok(Self { client, base, secret, gate, patient: false })
    }

    /// The same API, asked at most this often; by default as often as Clerk documents for the key's environment.
    #[must_use]
    pub fn at_rate(self, rate: RequestRate) -> Self {
        Self { gate: Arc::new(Gate::new(rate)), ..self }
    }

    /// The same API, through the same gate, for whoever cannot come back later: trouble that passes is waited out, for
    /// about two minutes, and rate limits for as long as Clerk says.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self { patient: true, ..self.clone() }
    }

    /// The object behind a path below `/v1`, as Clerk has it now; none when Clerk has no such object.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn one(&self, path: &[&str]) -> Result<Option<Box<RawValue>>, ApiError> {
        self.object(path, &[]).await
    }

    /// The user as Clerk has it now; none when Clerk has no such user.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn user(&self, id: &UserId) -> Result<Option<Box<RawValue>>, ApiError> {
        self.object(&["users", id.as_str()], &[]).await
    }

    /// The organization as Clerk has it now; none when Clerk has no such organization.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn organization(&self, id: &OrganizationId) -> Result<Option<Box<RawValue>>, ApiError> {
        self.object(&["organizations", id.as_str()], &[]).await
    }

    /// The membership as Clerk has it now; none when it, or its organization, is gone. Clerk looks memberships up by
    /// organization and user, not by their own id.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn membership(
        &self,
        id: &MembershipId,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<Option<Box<RawValue>>, ApiError> {
        let path = ["organizations", organization.as_str(), "memberships"];
        let query = [("user_id", user.as_str()), ("limit", MEMBERSHIPS_OF_ONE_PERSON)];
        let Some(page) = self.object::<Found>(&path, &query).await? else { return Ok(None) };
        let is_it = |membership: &RawValue| {
            serde_json::from_str::<Identified>(membership.get()).is_ok_and(|found| found.id == id.as_str())
        };
        Ok(page.data.into_iter().find(|membership| is_it(membership)))
    }

    /// The issuer of this instance's tokens: the Frontend API's URL of its primary domain.
    ///
    /// # Errors
    /// See [`ApiError`]; [`ApiError::NoIssuer`] when Clerk names no primary domain.
    pub async fn issuer(&self) -> Result<String, ApiError> {
        let domains: Option<Domains> = self.object(&["domains"], &[]).await?;
        let primary = domains.into_iter().flat_map(|domains| domains.data).find(|domain| !domain.is_satellite);
        primary.map(|domain| domain.frontend_api_url.trim_end_matches('/').to_owned()).ok_or(ApiError::NoIssuer)
    }

    /// The instance that the secret key is of.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn instance_id(&self) -> Result<Option<String>, ApiError> {
        let instance: Option<Identified> = self.object(&["instance"], &[]).await?;
        Ok(instance.map(|instance| instance.id))
    }

    async fn object<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, ApiError> {
        let body = match self.bytes(path, query, TIMEOUT).await {
            Ok(body) => body,
            Err(error) if error.is_clerks_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        serde_json::from_slice(&body).map(Some).map_err(|source| ApiError::Unreadable { path: shown(path), source })
    }

    async fn bytes(&self, path: &[&str], query: &[(&str, &str)], timeout: Duration) -> Result<Bytes, ApiError> {
        let mut patience = Patience::new(self.patient);
        loop {
            self.gate.pass().await;
            let error = match self.ask(path, query, timeout).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            if let ApiError::RateLimited { retry_after } = error {
                self.gate.close_for(retry_after);
            }
            let Some(pause) = patience.after(&error) else { return Err(error) };
            tracing::debug!(error = %error, pause_ms = pause.as_millis(), "asking Clerk again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn ask(&self, path: &[&str], query: &[(&str, &str)], timeout: Duration) -> Result<Bytes, ApiError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let unreachable = |source| ApiError::Unreachable { base: self.base.clone(), source };
        let request = self.client.get(url).bearer_auth(self.secret.expose()).header("Clerk-API-Version", API_VERSION);
        let response = request.timeout(timeout).send().await.map_err(unreachable)?;
        let retry_after = retry_after(&response);
        match response.status() {
            StatusCode::OK => response.bytes().await.map_err(unreachable),
            StatusCode::TOO_MANY_REQUESTS => Err(ApiError::RateLimited { retry_after }),
            StatusCode::UNAUTHORIZED => Err(ApiError::Unauthorized(StatusCode::UNAUTHORIZED)),
            status => {
                let errors: Errors = response.json().await.unwrap_or_default();
                let mut codes = errors.errors.into_iter().map(|error| error.code);
                let first = codes.next();
                match codes.find(|code| code == NOT_FOUND).or(first) {
                    // With a code: a feature that is off for the instance, such as organizations or billing.
                    None if status == StatusCode::FORBIDDEN => Err(ApiError::Unauthorized(status)),
                    code => Err(ApiError::Status { status, path: shown(path), code }),
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Found {
    data: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Domains {
    data: Vec<Domain>,
}

#[derive(Deserialize)]
struct Domain {
    is_satellite: bool,
    frontend_api_url: String,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

/// The path as people write it.
fn shown(path: &[&str]) -> String {
    format!("/v1/{}", path.join("/"))
}

#[derive(Default, Deserialize)]
struct Errors {
    errors: Vec<Code>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

fn retry_after(response: &Response) -> Duration {
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    // Without the header: the window that Clerk counts over has passed by then.
    seconds.map_or(RATE_WINDOW, Duration::from_secs).min(LONGEST_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::get;

    use super::*;

    async fn api(router: Router) -> BackendApi {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        BackendApi::new(base, SecretKey::parse("sk_test_0123456789").unwrap()).unwrap()
    }

    #[tokio::test]
    async fn an_object_comes_as_clerk_wrote_it_and_a_missing_one_is_none() {
        let answer = |headers: HeaderMap| async move {
            assert_eq!(headers["authorization"], "Bearer sk_test_0123456789");
            assert_eq!(headers["clerk-api-version"], API_VERSION);
            r#"{"id": "user_ada",  "score": 1e400}"#
        };
        let gone = || async { (StatusCode::NOT_FOUND, r#"{"errors":[{"code":"resource_not_found"}]}"#) };
        let router = Router::new().route("/v1/users/user_ada", get(answer)).route("/v1/users/user_bob", get(gone));
        let api = api(router).await;
        let ada = api.user(&UserId::parse("user_ada").unwrap()).await.unwrap().unwrap();
        assert_eq!(ada.get(), r#"{"id": "user_ada",  "score": 1e400}"#);
        assert!(api.user(&UserId::parse("user_bob").unwrap()).await.unwrap().is_none());
        let nobodys = api.user(&UserId::parse("user_eve").unwrap()).await.unwrap_err();
        assert!(matches!(nobodys, ApiError::Status { status: StatusCode::NOT_FOUND, .. }), "{nobodys}");
    }

    #[tokio::test]
    async fn a_membership_is_found_by_its_own_id_among_its_generations() {
        let page =
            || async { r#"{"data":[{"id":"orgmem_old"},{"id":"orgmem_new","role":"org:admin"}],"total_count":2}"# };
        let api = api(Router::new().route("/v1/organizations/org_acme/memberships", get(page))).await;
        let (acme, ada) = (OrganizationId::parse("org_acme").unwrap(), UserId::parse("user_ada").unwrap());
        let found = api.membership(&MembershipId::parse("orgmem_new").unwrap(), &acme, &ada).await.unwrap().unwrap();
        assert_eq!(found.get(), r#"{"id":"orgmem_new","role":"org:admin"}"#);
        assert!(api.membership(&MembershipId::parse("orgmem_gone").unwrap(), &acme, &ada).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_issuer_is_the_primary_domains() {
        let domains = || async {
            r#"{"data":[{"is_satellite":true,"frontend_api_url":"https://clerk.other.example"},
                {"is_satellite":false,"frontend_api_url":"https://clerk.example.com/"}],"total_count":2}"#
        };
        let api = api(Router::new().route("/v1/domains", get(domains))).await;
        assert_eq!(api.issuer().await.unwrap(), "https://clerk.example.com");
    }

    #[tokio::test]
    async fn a_rate_limit_says_how_long_and_a_foreign_key_says_so() {
        let limited = || async { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]) };
        let api = api(Router::new()
            .route("/v1/users/user_ada", get(limited))
            .route("/v1/users/user_bob", get(|| async { StatusCode::UNAUTHORIZED })))
        .await;
        let error = api.user(&UserId::parse("user_ada").unwrap()).await.unwrap_err();
        assert!(matches!(error, ApiError::RateLimited { retry_after } if retry_after.as_secs() == 7), "{error}");
        let error = api.user(&UserId::parse("user_bob").unwrap()).await.unwrap_err();
        assert!(matches!(error, ApiError::Unauthorized(_)), "{error}");
    }

    #[tokio::test]
    async fn the_patient_wait_as_long_as_clerk_says_and_ask_again_after_trouble() {
        let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        let answer = move || {
            let number = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async move {
                match number {
                    0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], ""),
                    1 => (StatusCode::BAD_GATEWAY, [("retry-after", "")], ""),
                    _ => (StatusCode::OK, [("retry-after", "")], r#"[{"id":"user_ada","created_at":1}]"#),
                }
            }
        };
        let api = api(Router::new().route("/v1/users", get(answer))).await;
        let began = std::time::Instant::now();
        let page = Walk::new(api.patient(), List::Users, None).next().await.unwrap().unwrap();
        assert_eq!((page.objects.len(), asked.load(std::sync::atomic::Ordering::SeqCst)), (1, 3));
        assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_user_who_is_deleted_under_the_cursor_does_not_end_the_walk() {
        let user = |number: u32| format!(r#"{{"id":"user_{number}","created_at":{number}}}"#);
        let users =
            move |numbers: std::ops::Range<u32>| format!("[{}]", numbers.map(user).collect::<Vec<_>>().join(","));
        let answer = move |url: axum::http::Uri| async move {
            match url.query().unwrap() {
                "limit=4&order_by=created_at" => (StatusCode::OK, users(0..4)),
                "limit=4&order_by=created_at&starting_after=user_3" => {
                    (StatusCode::UNPROCESSABLE_ENTITY, r#"{"errors":[{"code":"form_resource_not_found"}]}"#.to_owned())
                }
                "limit=4&order_by=created_at&created_at_after=2" => (StatusCode::OK, users(4..6)),
                "limit=4&order_by=created_at&created_at_after=5" => (StatusCode::OK, users(0..0)),
                other => panic!("{other}"),
            }
        };
        let api = api(Router::new().route("/v1/users", get(answer))).await;
        let (mut walk, mut seen) = (Walk::in_pages_of(api, List::Users, None, 4), Vec::new());
        while let Some(page) = walk.next().await.unwrap() {
            seen.extend(page.objects.iter().filter_map(|user| Mark::of(user)).map(|mark| mark.id));
        }
        assert_eq!(seen, ["user_0", "user_1", "user_2", "user_3", "user_4", "user_5"]);
    }

    #[tokio::test]
    async fn invitations_are_asked_for_twice_because_revoked_ones_are_left_out() {
        let answer = |url: axum::http::Uri| async move {
            let revoked = url.query().unwrap().contains("status=revoked");
            format!(r#"{{"data":[{{"id":"inv_{revoked}","created_at":1}}],"total_count":1}}"#)
        };
        let api = api(Router::new().route("/v1/invitations", get(answer))).await;
        assert_eq!(api.total(&List::Invitations).await.unwrap(), Some(2));
        let (mut walk, mut seen) = (Walk::new(api, List::Invitations, None), Vec::new());
        while let Some(page) = walk.next().await.unwrap() {
            seen.extend(page.objects.iter().filter_map(|invitation| Mark::of(invitation)).map(|mark| mark.id));
        }
        assert_eq!(seen, ["inv_false", "inv_true"]);
    }
}
