//! Who calls.
//!
//! A handler names its caller by taking a [`Caller`]. A token that is there is verified and not revoked, or the request
//! ends; a request without one is anonymous. There is no way to a [`Principal`] past the verifier.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use clerk::Claims;
use tokens::{Principal, Verified};

use crate::{Failure, Services};

/// The caller of a request.
#[derive(Debug)]
pub struct Caller {
    /// Whom the database acts for.
    pub principal: Arc<Principal>,
    /// The verified claims; none for a caller without a token.
    pub claims: Option<Arc<Verified<Claims>>>,
    /// Why somebody who may have meant to sign in is anonymous.
    pub anonymous_because: Option<&'static str>,
}

impl Caller {
    pub(crate) fn anonymous(because: &'static str) -> Self {
        Self { principal: Arc::new(Principal::anonymous()), claims: None, anonymous_because: Some(because) }
    }
}

impl FromRequestParts<Services> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Failure> {
        let Some(authorization) = authorization(&parts.headers)? else {
            return Ok(Self::anonymous("no `Authorization` header was sent"));
        };
        match bearer(authorization)? {
            // What a template string makes of a `getToken()` that gave nothing: the user is signed out.
            "null" | "undefined" | "" => Ok(Self::anonymous("the token sent is empty: the user is signed out")),
            token => {
                let known = services.verifier_of(token).verify(token).await?;
                if let Some(reason) = services.revocations.check(&known.claims).await? {
                    return Err(Failure::Revoked(reason));
                }
                let (principal, claims) = (Arc::clone(&known.principal), Some(Arc::clone(&known.claims)));
                Ok(Self { principal, claims, anonymous_because: None })
            }
        }
    }
}

/// The header's value, when there is one. Two headers are refused: a proxy in front may have looked at the other.
fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Failure::Scheme);
    }
    let text = value.to_str().map_err(|_| Failure::Scheme)?.trim();
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// What stands behind the scheme; nothing when it stands alone.
fn bearer(authorization: &str) -> Result<&str, Failure> {
    let (scheme, token) = authorization.split_once(' ').unwrap_or((authorization, ""));
    // RFC 9110 §11.1: the scheme is case-insensitive.
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Failure::Scheme) }
}
