//! Who calls.
//!
//! A handler names its caller by taking a [`Caller`]. A token that is there is verified or the request ends; a request
//! without one is anonymous. There is no way to a [`Principal`] past the verifier.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use clerk::Claims;
use tokens::{Principal, Verified};

use crate::{Failure, Services};

/// The caller of a request.
#[derive(Debug)]
pub struct Caller {
    /// Whom the database acts for.
    pub principal: Principal,
    /// The verified claims; none for a caller without a token.
    pub claims: Option<Verified<Claims>>,
    /// Why somebody who may have meant to sign in is anonymous.
    pub anonymous_because: Option<&'static str>,
}

impl Caller {
    fn anonymous(because: &'static str) -> Self {
        Self { principal: Principal::anonymous(), claims: None, anonymous_because: Some(because) }
    }
}

impl FromRequestParts<Services> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Failure> {
        let Some(header) = parts.headers.get(AUTHORIZATION) else {
            return Ok(Self::anonymous("no `Authorization` header was sent"));
        };
        let header = header.to_str().map_err(|_| Failure::Scheme)?;
        // RFC 9110 §11.1: the scheme is case-insensitive.
        let (scheme, token) = header.split_once(' ').ok_or(Failure::Scheme)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Failure::Scheme);
        }
        match token.trim() {
            // What a template string makes of a `getToken()` that gave nothing: the user is signed out.
            "null" | "undefined" | "" => Ok(Self::anonymous("the token sent is empty: the user is signed out")),
            token => {
                let claims = services.verifier.verify(token).await?;
                Ok(Self { principal: Principal::from(&claims), claims: Some(claims), anonymous_because: None })
            }
        }
    }
}
