//! Clerk's side of token verification: a key, and the address where its public half is published.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

/// Serves the key set until it is dropped, with an outage whenever the test wants one.
pub(crate) struct Issuer {
    pub(crate) url: Url,
    away: Arc<AtomicBool>,
    _server: JoinSet<()>,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let away = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&away);
        let keys = move || {
            let away = asked.load(Ordering::SeqCst);
            async move { if away { Err(StatusCode::BAD_GATEWAY) } else { Ok(key_set()) } }
        };
        let router = Router::new().route("/jwks.json", get(keys.clone())).route("/.well-known/jwks.json", get(keys));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap()).parse().unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, away, _server: server }
    }

    /// Its `iss`, for whoever looks for keys where Clerk has them.
    pub(crate) fn base(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// From now on there are no keys to be had.
    pub(crate) fn goes_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    pub(crate) fn comes_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }
}

/// One key for the whole process: making one takes a while.
fn signing_key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap())
}

pub(super) fn sign(message: &[u8]) -> Vec<u8> {
    let key = signing_key();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

fn key_set() -> String {
    let public = signing_key().public_key();
    let modulus = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
    let exponent = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
    json!({ "keys": [{ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "ins_test", "n": modulus, "e": exponent }] })
        .to_string()
}
