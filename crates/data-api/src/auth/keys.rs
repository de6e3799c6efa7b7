//! The secret or keys that tokens are signed with: a text, a JSON Web Key or a set of them.

use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::TokenError;

/// A shorter secret could be guessed.
const SHORTEST_SECRET: usize = 32;

/// Verifies signatures. Cheap to clone; never shows what it holds.
#[derive(Clone)]
pub(crate) struct Keys(Arc<[Key]>);

struct Key {
    id: Option<String>,
    /// The algorithms it may be used with; a key never verifies a token that names another.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Keys({})", self.0.len())
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

impl Keys {
    /// A key set, a key, or anything else of at least 32 bytes as the secret of HS256.
    pub(crate) fn from_secret(text: &str, base64: bool) -> Result<Self, String> {
        let bytes = if base64 { decoded(text)? } else { text.as_bytes().to_vec() };
        if let Ok(set) = serde_json::from_slice::<JwkSet>(&bytes) {
            return set.keys.iter().map(Key::from_jwk).collect::<Result<_, _>>().map(Self);
        }
        if let Ok(jwk) = serde_json::from_slice::<Jwk>(&bytes) {
            return Ok(Self([Key::from_jwk(&jwk)?].into()));
        }
        if bytes.len() < SHORTEST_SECRET {
            return Err(format!("The JWT secret must be at least {SHORTEST_SECRET} characters long."));
        }
        let key = Key { id: None, algorithms: vec![Algorithm::HS256], key: DecodingKey::from_secret(&bytes) };
        Ok(Self([key].into()))
    }

    /// The claims of a token that one of the keys has signed.
    pub(crate) fn verify(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Empty);
        }
        let parts: Vec<&str> = token.split('.').collect();
        let &[header, payload, signature] = parts.as_slice() else { return Err(TokenError::Parts(parts.len())) };
        let header: Header = URL_SAFE_NO_PAD
            .decode(header)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or(TokenError::Signature)?;
        let algorithm = match header.alg.as_str() {
            "none" => return Err(TokenError::Algorithm("JWT is unsecured but expected 'alg' was not 'none'")),
            name => Algorithm::from_str(name).map_err(|_| TokenError::Signature)?,
        };
        let mut suitable = self
            .0
            .iter()
            .filter(|key| key.algorithms.contains(&algorithm))
            .filter(|key| header.kid.is_none() || key.id.is_none() || key.id == header.kid)
            .peekable();
        if suitable.peek().is_none() {
            return Err(TokenError::NoKey("No suitable key was found to decode the JWT"));
        }
        let signed = &token[..token.len() - signature.len() - 1];
        let verifies = |key: &Key| {
            jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.key, algorithm).unwrap_or(false)
        };
        if !suitable.any(verifies) {
            return Err(TokenError::NoKey("None of the keys was able to decode the JWT"));
        }
        let claims = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenError::Signature)?;
        serde_json::from_slice(&claims).map_err(|_| TokenError::Claims("Parsing claims failed"))
    }
}

impl Key {
    fn from_jwk(jwk: &Jwk) -> Result<Self, String> {
        let named = jwk.common.key_algorithm.map(algorithm).transpose()?;
        let possible = match &jwk.algorithm {
            AlgorithmParameters::OctetKey(_) => vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512],
            AlgorithmParameters::RSA(_) => vec![Algorithm::RS256, Algorithm::RS384, Algorithm::RS512],
            AlgorithmParameters::EllipticCurve(_) => vec![Algorithm::ES256, Algorithm::ES384],
            AlgorithmParameters::OctetKeyPair(_) => vec![Algorithm::EdDSA],
            _ => return Err("a key of a kind that is not supported".to_owned()),
        };
        Ok(Self {
            id: jwk.common.key_id.clone(),
            algorithms: named.map_or(possible, |algorithm| vec![algorithm]),
            key: DecodingKey::from_jwk(jwk).map_err(|error| error.to_string())?,
        })
    }
}

fn algorithm(named: KeyAlgorithm) -> Result<Algorithm, String> {
    Algorithm::from_str(&named.to_string())
        .map_err(|_| format!("`{named}` is no algorithm that tokens are signed with"))
}

/// Base64 in either alphabet, padded or not; `.` stands for `=` as in PostgREST.
fn decoded(text: &str) -> Result<Vec<u8>, String> {
    let text: String = text
        .trim()
        .chars()
        .map(|character| match character {
            '_' => '/',
            '-' => '+',
            '.' => '=',
            other => other,
        })
        .collect();
    STANDARD_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| "it is not base64".to_owned())
}
