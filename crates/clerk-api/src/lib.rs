//! Client of Clerk's Backend API: asks what Clerk holds to be true now.
//!
//! Answers are handed on as the JSON text that Clerk sent, because the mirror keeps whole objects and Clerk's own
//! examples break Clerk's own schema. Each call is one request with a deadline. Nothing is retried here: whoever asks has
//! a queue of their own, and [`ApiError::RateLimited`] tells them how long to leave Clerk alone.

use std::time::Duration;

use clerk::{MembershipId, OrganizationId, SecretKey, UserId};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

/// Clerk's public address.
pub const CLERK_API_URL: &str = "https://api.clerk.com";
/// The version whose shapes this crate reads (header `Clerk-API-Version`).
pub const API_VERSION: &str = "2026-05-12";
/// A slower answer is as good as none: the caller's queue tries again.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Clerk counts requests over 10 seconds; without `Retry-After` the window is over by then.
const RATE_WINDOW: Duration = Duration::from_secs(10);
/// A person belongs to an organization once, or a few times over if events crossed.
const MEMBERSHIPS_OF_ONE_PERSON: &str = "100";

/// The Backend API of one instance.
#[derive(Debug, Clone)]
pub struct BackendApi {
    client: reqwest::Client,
    base: Url,
    secret: SecretKey,
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
    #[error("Clerk's Backend API answered {status} to {path}")]
    Status {
        /// The answer.
        status: StatusCode,
        /// What was asked for.
        path: String,
    },
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
        Ok(Self { client, base, secret })
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
        let Some(page) = self.object::<Page>(&path, &query).await? else { return Ok(None) };
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

    async fn object<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, ApiError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url.query_pairs_mut().extend_pairs(query);
        let unreachable = |source| ApiError::Unreachable { base: self.base.clone(), source };
        let request = self.client.get(url).bearer_auth(self.secret.expose()).header("Clerk-API-Version", API_VERSION);
        let response = request.send().await.map_err(unreachable)?;
        let retry_after = retry_after(&response);
        match response.status() {
            StatusCode::OK => response.json().await.map(Some).map_err(unreachable),
            // Somebody else's 404 (a proxy, a wrong address) says nothing about what Clerk has.
            StatusCode::NOT_FOUND if is_clerks_not_found(response).await => Ok(None),
            StatusCode::NOT_FOUND => Err(unexpected(StatusCode::NOT_FOUND, path)),
            StatusCode::TOO_MANY_REQUESTS => Err(ApiError::RateLimited { retry_after }),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(ApiError::Unauthorized(status)),
            status => Err(unexpected(status, path)),
        }
    }
}

#[derive(Deserialize)]
struct Page {
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

fn unexpected(status: StatusCode, path: &[&str]) -> ApiError {
    ApiError::Status { status, path: format!("/v1/{}", path.join("/")) }
}

/// Clerk's error index: `resource_not_found` is the code of every object that does not exist.
async fn is_clerks_not_found(response: Response) -> bool {
    let errors: Errors = response.json().await.unwrap_or_default();
    errors.errors.iter().any(|error| error.code == "resource_not_found")
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
    seconds.map_or(RATE_WINDOW, Duration::from_secs)
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
}
