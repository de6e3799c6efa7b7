//! Tokens of our own, for personas: signed with a key that lives as long as the value, and verified by the very verifier of the server.
//!
//! A [`Principal`] is made of verified claims and of nothing else, so whoever wants to try one has to sign. No server trusts this key.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk::{Claims, Clock, ManualClock, Timestamp, TokenClass};
use serde_json::{Map, Value, json};
use tokens::{DatabaseRoles, KeyCache, Principal, Refusal, StaticKeySource, Verified, Verifier, VerifierOptions};

const ISSUER: &str = "https://rehearsal.clerk.accounts.dev";
const KEY_ID: &str = "ins_rehearsal";
/// Signs and verifies.
pub struct Issuer {
    key: KeyPair,
    /// When tokens are issued; the verifier's clock stands there, too.
    now: i64,
    verifier: Verifier,
}

impl Issuer {
    /// A new key; tokens are issued at `now` and may name one of `roles` besides `authenticated`.
    ///
    /// The moment matters: tokens are made void by what happened since they were issued.
    ///
    /// Pending sessions are let in: on hosted Supabase nobody else stops them, so policies must.
    pub fn new(now: Timestamp, roles: DatabaseRoles) -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("the library can generate a key");
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_seconds(now.seconds())));
        let keys = KeyCache::new(StaticKeySource::new(key_set(&key)), Arc::clone(&clock));
        let mut options = VerifierOptions::for_issuer(ISSUER);
        options.accept_pending = true;
        options.database_roles = roles;
        Self { verifier: Verifier::new(options, keys, clock), key, now: now.seconds() }
    }

    /// Claims beside the registered ones become a session's principal; `null` leaves one out.
    ///
    /// # Errors
    /// When no Clerk token is like that.
    pub async fn principal(&self, claims: &Map<String, Value>) -> Result<(Principal, Verified<Claims>), Refusal> {
        let mut payload = json!({
            "iss": ISSUER, "sid": "sess_rehearsal", "iat": self.now, "nbf": self.now - 10, "exp": self.now + 60, "fva": [0, -1], "jti": "rehearsal",
        });
        for (name, value) in claims.iter().filter(|(_, value)| !value.is_null()) {
            payload[name] = value.clone();
        }
        let verified = self.verifier.verify(&self.sign(&payload)).await?;
        Ok((Principal::from(&verified), verified))
    }

    fn sign(&self, payload: &Value) -> String {
        let header = json!({ "alg": "RS256", "kid": KEY_ID, "typ": "JWT", "cat": TokenClass::Session.category() });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(payload));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .expect("a buffer of the modulus' length takes the signature");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn key_set(key: &KeyPair) -> String {
    let public = key.public_key();
    let modulus = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
    let exponent = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
    json!({ "keys": [{ "kty": "RSA", "kid": KEY_ID, "n": modulus, "e": exponent }] }).to_string()
}
