//! Compact JWS: header, payload, signature (RFC 7515).
//!
//! Members stand in alphabetical order, as in Clerk's own tokens. A template may bring its own key and algorithm; such
//! a token cannot be verified with the instance's key set, which is the point of it.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use clerk::{InstanceId, TokenClass};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{jwt_templates::CustomSigning, keys::SigningKey};

/// Algorithms a template may sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SigningAlgorithm {
    RS256,
    RS384,
    RS512,
    HS256,
    HS384,
    HS512,
}

impl SigningAlgorithm {
    pub(crate) const ALL: [Self; 6] = [Self::RS256, Self::RS384, Self::RS512, Self::HS256, Self::HS384, Self::HS512];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
        }
    }

    fn rsa(self) -> Option<&'static dyn RsaEncoding> {
        match self {
            Self::RS256 => Some(&RSA_PKCS1_SHA256),
            Self::RS384 => Some(&RSA_PKCS1_SHA384),
            Self::RS512 => Some(&RSA_PKCS1_SHA512),
            Self::HS256 | Self::HS384 | Self::HS512 => None,
        }
    }
}

/// A template's key does not fit its algorithm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnusableSigningKey {
    #[error("text that is not a PEM private key (PKCS#8 or PKCS#1)")]
    NotPem,
    #[error("a key that is not RSA: {0}")]
    NotRsa(String),
}

/// Signs with the key of the instance.
pub(super) fn sign(class: TokenClass, claims: &Map<String, Value>, key: &SigningKey) -> String {
    let token_type = if class == TokenClass::OAuthAccess { "at+jwt" } else { "JWT" };
    let input = signing_input("RS256", key.id(), token_type, class.category(), claims);
    let signature = key.sign(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Signs with the key a template brought.
pub(super) fn sign_with(
    signing: &CustomSigning,
    claims: &Map<String, Value>,
    instance_id: &InstanceId,
) -> Result<String, UnusableSigningKey> {
    let category = TokenClass::Template.category();
    let input = signing_input(signing.algorithm.as_str(), instance_id, "JWT", category, claims);
    let signature = match signing.algorithm.rsa() {
        Some(encoding) => {
            let pair = rsa_from_pem(&signing.key)?;
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), input.as_bytes(), &mut signature)
                .map_err(|error| UnusableSigningKey::NotRsa(error.to_string()))?;
            signature
        }
        None => {
            let algorithm = match signing.algorithm {
                SigningAlgorithm::HS384 => hmac::HMAC_SHA384,
                SigningAlgorithm::HS512 => hmac::HMAC_SHA512,
                _ => hmac::HMAC_SHA256,
            };
            hmac::sign(&hmac::Key::new(algorithm, signing.key.as_bytes()), input.as_bytes()).as_ref().to_vec()
        }
    };
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Whether a template's key can sign at all; asked when the template is made, not when the first token is.
pub(crate) fn check(signing: &CustomSigning) -> Result<(), UnusableSigningKey> {
    match signing.algorithm.rsa() {
        Some(_) => rsa_from_pem(&signing.key).map(|_| ()),
        None => Ok(()),
    }
}

fn signing_input(
    algorithm: &str,
    key_id: &InstanceId,
    token_type: &str,
    category: Option<&str>,
    claims: &Map<String, Value>,
) -> String {
    let mut header = json!({ "alg": algorithm, "kid": key_id, "typ": token_type });
    if let Some(category) = category {
        header["cat"] = json!(category);
    }
    let payload = serde_json::to_string(claims).expect("claims have a JSON form");
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload))
}

fn rsa_from_pem(pem: &str) -> Result<KeyPair, UnusableSigningKey> {
    let body: String = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).ok().filter(|der| !der.is_empty()).ok_or(UnusableSigningKey::NotPem)?;
    KeyPair::from_pkcs8(&der)
        .or_else(|_| KeyPair::from_der(&der))
        .map_err(|error| UnusableSigningKey::NotRsa(error.to_string()))
}
