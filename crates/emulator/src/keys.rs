//! The RSA key that signs every token of an instance, and what the world sees of it.
//!
//! Clerk's `kid` is the instance id, and verifiers cache keys by `kid`. An emulator that kept its `kid` while drawing a
//! new key would poison those caches, so both are random and stay together: in the state file, and for as long as a process
//! lives. A rotated instance keeps its id, and its new key has a `kid` of its own, derived from the public key.

use std::sync::Arc;

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use clerk::InstanceId;
use serde_json::{Value, json};

use crate::ids::base62;

/// An RSA-2048 key pair and its name. Clones share it; `Debug` shows the name only.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<KeyPair>,
    /// The `kid`.
    id: InstanceId,
}

/// The bytes are not a usable RSA private key.
#[derive(Debug, thiserror::Error)]
#[error("not an RSA private key in PKCS#8 form: {reason}")]
pub(crate) struct UnusableKey {
    reason: String,
}

impl SigningKey {
    /// Draws a new key. Takes tens to hundreds of milliseconds of processor time: keep it off the async threads.
    #[must_use]
    pub fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("aws-lc generates RSA-2048 keys");
        Self::of(pair)
    }

    pub(crate) fn from_pkcs8_base64(text: &str) -> Result<Self, UnusableKey> {
        let der = STANDARD.decode(text).map_err(|error| UnusableKey { reason: error.to_string() })?;
        let pair = KeyPair::from_pkcs8(&der).map_err(|error| UnusableKey { reason: error.to_string() })?;
        Ok(Self::of(pair))
    }

    pub(crate) fn to_pkcs8_base64(&self) -> String {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().expect("a key of ours has a PKCS#8 form");
        STANDARD.encode(der.as_ref())
    }

    /// The `kid`: that of an instance's first key is the id of the instance.
    pub(crate) fn id(&self) -> &InstanceId {
        &self.id
    }

    /// The same key under the name of the instance whose first key it is.
    pub(crate) fn named(self, id: InstanceId) -> Self {
        Self { id, ..self }
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 (`RS256`) over `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .expect("a buffer of modulus length takes the signature");
        signature
    }

    /// The public key as a member of a key set.
    pub(crate) fn jwk(&self) -> Value {
        let key = self.pair.public_key();
        json!({
            "use": "sig",
            "kty": "RSA",
            "kid": self.id.as_str(),
            "alg": "RS256",
            "n": URL_SAFE_NO_PAD.encode(key.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(key.exponent().big_endian_without_leading_zero()),
        })
    }

    /// The public key as PEM, the form of `CLERK_JWT_KEY`.
    pub(crate) fn public_key_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().expect("a public key has an X.509 form");
        let encoded = STANDARD.encode(der.as_ref());
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for line in encoded.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|byte| char::from(*byte)));
            pem.push('\n');
        }
        pem.push_str("-----END PUBLIC KEY-----\n");
        pem
    }

    fn of(pair: KeyPair) -> Self {
        let fingerprint = digest(&SHA256, pair.public_key().modulus().big_endian_without_leading_zero());
        let mut number = [0; 20];
        number.copy_from_slice(&fingerprint.as_ref()[..20]);
        let id =
            InstanceId::parse(&format!("ins_{}", base62(number))).expect("27 base62 characters make an instance id");
        Self { pair: Arc::new(pair), id }
    }
}

/// The keys that tokens can be verified with; the newest one signs.
#[derive(Debug, Clone)]
pub(crate) struct Keyring(Vec<SigningKey>);

impl Keyring {
    /// The newest key last; there is one at least.
    pub(crate) fn new(keys: Vec<SigningKey>) -> Self {
        Self(keys)
    }

    pub(crate) fn current(&self) -> &SigningKey {
        self.0.last().expect("a keyring has a key from its beginning")
    }

    pub(crate) fn keys(&self) -> &[SigningKey] {
        &self.0
    }

    pub(crate) fn push(&mut self, key: SigningKey) {
        self.0.push(key);
    }

    /// Forgets every key but the newest: tokens of the others cannot be verified any more.
    pub(crate) fn retire(&mut self) {
        let current = self.current().clone();
        self.0 = vec![current];
    }

    /// The payload of a token that one of the keys signed. These signatures are a function of key and text, so that signing
    /// once more tells.
    pub(crate) fn payload_of(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.0.iter().find(|key| key.sign(signed.as_bytes()) == signature)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?).ok()
    }

    /// The name of the key that a token says it is signed with, when it is none of these.
    pub(crate) fn foreign_signer(&self, token: &str) -> Option<String> {
        let header = URL_SAFE_NO_PAD.decode(token.split_once('.')?.0).ok()?;
        let header: Value = serde_json::from_slice(&header).ok()?;
        let named = header["kid"].as_str()?;
        self.0.iter().all(|key| key.id().as_str() != named).then(|| named.to_owned())
    }

    /// The key set as `/v1/jwks` and `/.well-known/jwks.json` give it, the newest key first.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": self.0.iter().rev().map(SigningKey::jwk).collect::<Vec<_>>() })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_form_with_the_same_kid() {
        let key = SigningKey::generate();
        let again = SigningKey::from_pkcs8_base64(&key.to_pkcs8_base64()).unwrap();
        assert_eq!(again.id(), key.id());
        assert_eq!(again.jwk(), key.jwk());
        assert_ne!(SigningKey::generate().id(), key.id());
    }

    #[test]
    fn garbage_is_no_key() {
        assert!(SigningKey::from_pkcs8_base64("bm90IGEga2V5").is_err());
        assert!(SigningKey::from_pkcs8_base64("%").is_err());
    }

    #[test]
    fn debug_shows_no_key_material() {
        let key = SigningKey::generate();
        assert!(!format!("{key:?}").contains(&key.to_pkcs8_base64()[40..80]));
    }
}
