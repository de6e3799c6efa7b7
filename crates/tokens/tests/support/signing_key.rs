//! RSA keys, each made once for the whole process: making one takes a while.

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding};
use serde_json::{Value, json};

use super::encode;

pub(crate) struct SigningKey(KeyPair);

/// The key of the instance that is trusted.
pub(crate) fn instance_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(SigningKey::generate)
}

/// Another key: an attacker's, or the one that the instance rotates to.
pub(crate) fn strangers_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(SigningKey::generate)
}

impl SigningKey {
    fn generate() -> Self {
        Self(KeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    /// The public key, as it is published.
    pub(crate) fn jwk(&self, key_id: &str) -> Value {
        let public = self.0.public_key();
        let modulus = encode(public.modulus().big_endian_without_leading_zero());
        let exponent = encode(public.exponent().big_endian_without_leading_zero());
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id, "n": modulus, "e": exponent })
    }

    /// The public key in DER: what an attacker takes for an HMAC secret.
    pub(crate) fn public_der(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    pub(crate) fn rs256(&self, message: &str) -> Vec<u8> {
        self.sign(&RSA_PKCS1_SHA256, message)
    }

    pub(crate) fn sign(&self, encoding: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        signature
    }
}

/// The text of a key set with these keys.
pub(crate) fn key_set<'a>(keys: impl IntoIterator<Item = (&'a str, &'a SigningKey)>) -> String {
    let keys: Vec<Value> = keys.into_iter().map(|(key_id, key)| key.jwk(key_id)).collect();
    json!({ "keys": keys }).to_string()
}
