//! Principals out of signed tokens, as everywhere else: there is no other way to make one. And what else several stories begin with.

mod wire;

use std::sync::{Arc, OnceLock};

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use clerk::{Clock, ManualClock, Timestamp};
use postgres::binaries::Binaries;
use postgres::cluster::{Cluster, ClusterOptions, Durability, Port};
use postgres::{ClientStatement, ClientTransaction, End, Identity, Isolation};
use serde_json::{Value, json};
use tokens::{DatabaseRoles, KeyCache, Principal, StaticKeySource, Verifier, VerifierOptions};

pub(crate) use wire::CountingProxy;

const ISSUER: &str = "https://clerk.example.com";
const NOW: i64 = 1_800_000_000;

/// A principal of user `user` in organization `organization` (version 2 claims).
pub(crate) async fn principal(user: &str, organization: Option<&str>) -> Principal {
    principal_with(json!({
        "sub": user, "v": 2, "o": organization.map(|id| json!({ "id": id, "rol": "admin", "slg": "acme" })),
    }))
    .await
}

/// A principal with `more` claims beside the ones every session has.
pub(crate) async fn principal_with(more: Value) -> Principal {
    let mut claims = json!({
        "iss": ISSUER, "sub": "user_ada", "sid": "sess_1", "iat": NOW, "nbf": NOW - 10, "exp": NOW + 60,
    });
    for (name, value) in more.as_object().expect("claims are an object") {
        if !value.is_null() {
            claims[name] = value.clone();
        }
    }
    let token = sign(&claims);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_seconds(NOW)));
    let mut options = VerifierOptions::for_issuer(ISSUER);
    options.database_roles = DatabaseRoles::with_also(["no_such_role"]).expect("a harmless name");
    let keys = KeyCache::new(StaticKeySource::new(key_set()), Arc::clone(&clock));
    Principal::from(&Verifier::new(options, keys, clock).verify(&token).await.expect("the token is good"))
}

/// One key for the whole process: making one takes a while.
fn signing_key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).expect("a key can be generated"))
}

fn key_set() -> String {
    let public = signing_key().public_key();
    let modulus = BASE64.encode(public.modulus().big_endian_without_leading_zero());
    let exponent = BASE64.encode(public.exponent().big_endian_without_leading_zero());
    json!({ "keys": [{ "kty": "RSA", "kid": "ins_test", "n": modulus, "e": exponent }] }).to_string()
}

fn sign(claims: &Value) -> String {
    let header = json!({ "alg": "RS256", "kid": "ins_test", "typ": "JWT" });
    let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let key = signing_key();
    let mut signature = vec![0; key.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).expect("a message can be signed");
    format!("{message}.{}", BASE64.encode(signature))
}

/// A cluster that no other test uses: roles and settings belong to the cluster.
pub(crate) async fn own_cluster() -> Cluster {
    let options = ClusterOptions {
        directory: tempfile::tempdir().expect("a temporary directory").keep(),
        binaries: Binaries::find(None).expect("Postgres is installed: `cargo x setup`"),
        port: Port::Free,
        durability: Durability::Ephemeral,
        stand_ins: &[],
        preload: &[],
    };
    Cluster::start(options).await.expect("a local Postgres starts")
}

/// A client's transaction that may write and ends with a commit.
pub(crate) fn transaction<'a>(
    role: &'a str,
    claims: &'a str,
    statements: &'a [ClientStatement<'a>],
) -> ClientTransaction<'a> {
    ClientTransaction {
        identity: Identity::limited_by_login_alone(role, claims),
        read_only: false,
        isolation: Isolation::ReadCommitted,
        settings_before_role: &[],
        settings: &[],
        ensures_rows: false,
        before: None,
        statements,
        prepares: true,
        end: End::Commit,
    }
}
