//! Who calls, as PostgREST decides it: a token under a configured secret or key set, whose claims name the role.
//!
//! This is for `rowlock rest`. There the login is PostgREST's `authenticator`: what it may become is decided by memberships in
//! Postgres. Behind Rowlock's own server the caller comes from Clerk's verifier and the role from a whitelist instead.

mod keys;
pub(crate) mod role_claim;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::error::TokenError;

pub(crate) use keys::Keys;

/// How far clocks may differ, in seconds (as PostgREST).
const SKEW: i64 = 30;

/// For whom a statement runs.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) role: String,
    /// `request.jwt.claims`.
    pub(crate) claims: String,
    /// Whether it is anybody in particular.
    pub(crate) signed_in: bool,
    /// Whether the mirror's rows of the caller are made first.
    pub(crate) ensures_rows: bool,
    /// Whether it is the application's own server.
    pub(crate) is_service: bool,
}

impl Caller {
    /// A caller that somebody else has verified: role and claims are handed to Postgres as they are.
    pub fn verified(principal: &tokens::Principal, signed_in: bool) -> Self {
        let (role, claims) = (principal.role().to_owned(), principal.claims_json().to_owned());
        Self { role, claims, signed_in, ensures_rows: false, is_service: principal.is_service() }
    }

    /// The mirror's rows of the caller are made in the same transaction, where Clerk's webhook has not brought them yet.
    #[must_use]
    pub fn ensuring_rows(mut self) -> Self {
        self.ensures_rows = true;
        self
    }
}

/// The caller that `headers` prove, at `now` in seconds since 1970.
pub(crate) fn caller(config: &Config, headers: &HeaderMap, now: i64) -> Result<Caller, TokenError> {
    let mut claims = match bearer(headers) {
        None => Map::new(),
        Some(token) => config.keys.as_ref().ok_or(TokenError::NoSecret)?.verify(token)?,
    };
    check_times(&claims, now)?;
    check_audience(&claims, config.audience.as_deref())?;
    let claims_value = Value::Object(std::mem::take(&mut claims));
    let role = match config.role_claim.find(&claims_value) {
        Some(Value::String(role)) => role.clone(),
        Some(other) => other.to_string(),
        None => config.anonymous_role.clone().ok_or(TokenError::Required)?,
    };
    let signed_in = config.anonymous_role.as_ref() != Some(&role);
    let Value::Object(mut claims) = claims_value else { unreachable!("it was made of an object") };
    claims.insert("role".to_owned(), Value::from(role.as_str()));
    Ok(Caller { role, claims: Value::Object(claims).to_string(), signed_in, ensures_rows: false, is_service: false })
}

/// The token, if the scheme is `Bearer` in any case; empty when the scheme stands alone.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn check_times(claims: &Map<String, Value>, now: i64) -> Result<(), TokenError> {
    let time = |name: &str, refusal: &'static str| match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        // What is no whole number is as good as 1970: long ago.
        Some(Value::Number(number)) => Ok(Some(seconds(number))),
        Some(_) => Err(TokenError::Claims(refusal)),
    };
    if time("exp", "The JWT 'exp' claim must be a number")?.is_some_and(|end| end < now - SKEW) {
        return Err(TokenError::Claims("JWT expired"));
    }
    if time("nbf", "The JWT 'nbf' claim must be a number")?.is_some_and(|start| start > now + SKEW) {
        return Err(TokenError::Claims("JWT not yet valid"));
    }
    if time("iat", "The JWT 'iat' claim must be a number")?.is_some_and(|issued| issued > now + SKEW) {
        return Err(TokenError::Claims("JWT issued at future"));
    }
    Ok(())
}

fn seconds(number: &serde_json::Number) -> i64 {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole,
        (None, Some(real)) if real.fract() == 0.0 && real.abs() < 9e15 => real as i64,
        _ => 0,
    }
}

fn check_audience(claims: &Map<String, Value>, expected: Option<&str>) -> Result<(), TokenError> {
    const SHAPE: TokenError = TokenError::Claims("The JWT 'aud' claim must be a string or an array of strings");
    const OTHER: TokenError = TokenError::Claims("JWT not in audience");
    let matches = |audience: &str| expected.is_none_or(|expected| expected == audience);
    let ours = match claims.get("aud") {
        None | Some(Value::Null) => true,
        Some(Value::String(audience)) => matches(audience),
        Some(Value::Array(audiences)) => {
            let texts: Option<Vec<&str>> = audiences.iter().map(Value::as_str).collect();
            let texts = texts.ok_or(SHAPE)?;
            texts.is_empty() || texts.into_iter().any(matches)
        }
        Some(_) => return Err(SHAPE),
    };
    if ours { Ok(()) } else { Err(OTHER) }
}
