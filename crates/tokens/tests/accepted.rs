//! What is let in: every shape in which Clerk mints a session, up to the edge of what is still good.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk::{ClaimsVersion, Clock};
use serde_json::json;
use tokens::{DatabaseRoles, KeyCache, Principal, StaticKeySource, Verifier, VerifierOptions};

use crate::support::{ISSUER, KEY_ID, NOW, Token, clock, encode, instance_key, session, verdict, verifier};

/// Asserts that all of `tokens` are accepted as Ada's with the default role.
async fn let_in(change: impl Fn(&mut VerifierOptions), tokens: impl IntoIterator<Item = (&str, Token)>) {
    for (name, token) in tokens {
        let said = verdict(&verifier(&change), &token.signed()).await;
        assert_eq!(said, "accepted: user_ada as authenticated", "{name}");
    }
}

#[tokio::test]
async fn sessions_of_every_age() {
    let v1 = session().without("v").claim("org_id", "org_acme").claim("org_role", "org:admin");
    let actor = json!({ "iss": "https://dashboard.clerk.com", "sid": "sess_support", "sub": "user_support" });
    let tokens = [
        ("version 2", session()),
        ("version 2 with an organization", session().claim("o", json!({ "id": "org_acme", "rol": "admin" }))),
        ("version 1", session().claim("v", 1)),
        ("version 1 that does not say so", v1),
        ("no category, as before Clerk wrote one", session().without_header("cat")),
        ("the category that says nothing", session().header("cat", "cl_I7d4PD111III")),
        ("no typ", session().without_header("typ")),
        ("a header member nobody knows", session().header("oiat", NOW - 60)),
        ("a key in the header, which is ignored", session().header("jwk", json!({ "kty": "RSA" }))),
        ("impersonated", session().claim("act", actor)),
        ("role of Clerk's Supabase integration", session().claim("role", "authenticated")),
        ("role null", session().claim("role", json!(null))),
        ("role from a shortcode that Clerk did not resolve", session().claim("role", "{{user.public_metadata.role}}")),
        ("no azp", session().without("azp")),
        ("no iat, nbf, jti", session().without("iat").without("nbf").without("jti")),
        ("aud that nobody asked about", session().claim("aud", "https://other.example.com")),
        ("claims deep in each other", session().claim("tree", json!({ "a": { "a": { "a": [[[[1]]]] } } }))),
    ];
    let_in(|_| (), tokens).await;
}

#[tokio::test]
async fn times_up_to_the_edge() {
    let tokens = [
        ("expired within the skew", session().claim("exp", NOW - 4)),
        ("a millisecond before the edge", session().claim("exp", (NOW - 5) as f64 + 0.001)),
        ("not yet, within the skew", session().claim("nbf", NOW + 5)),
        ("issued in the future, within the skew", session().claim("iat", NOW + 5)),
        ("the year 9999", session().claim("exp", 253_402_300_799_i64)),
    ];
    let_in(|_| (), tokens).await;
    let without_skew = |options: &mut VerifierOptions| options.clock_skew = std::time::Duration::ZERO;
    let tokens = [
        ("the last second", session().claim("exp", NOW + 1)),
        ("begins now", session().claim("nbf", NOW)),
        ("issued now", session().claim("iat", NOW)),
    ];
    let_in(without_skew, tokens).await;
}

#[tokio::test]
async fn what_is_configured() {
    let parties = |options: &mut VerifierOptions| {
        options.authorized_parties = vec!["https://admin.example.com".into(), "https://app.example.com".into()];
    };
    let_in(parties, [("one of the parties", session())]).await;

    let audience = |options: &mut VerifierOptions| options.audiences = vec!["https://api.example.com".into()];
    let tokens = [
        ("the audience", session().claim("aud", "https://api.example.com")),
        ("among others", session().claim("aud", json!(["https://other.example.com", "https://api.example.com"]))),
    ];
    let_in(audience, tokens).await;

    let pending = |options: &mut VerifierOptions| options.accept_pending = true;
    let_in(pending, [("a pending session", session().claim("sts", "pending"))]).await;

    let editor = verifier(|options| options.database_roles = DatabaseRoles::with_also(["editor"]).unwrap());
    let said = verdict(&editor, &session().claim("role", "editor").signed()).await;
    assert_eq!(said, "accepted: user_ada as editor");
}

#[tokio::test]
async fn a_token_of_exactly_8_kb() {
    let padded = |bytes: usize| session().claim("padding", "x".repeat(bytes)).signed();
    let fits = (5_000..6_000).map(padded).find(|token| token.len() == 8 * 1024).unwrap();
    assert_eq!(verdict(&verifier(|_| ()), &fits).await, "accepted: user_ada as authenticated");
}

#[tokio::test]
async fn a_key_with_a_leading_zero() {
    let mut key = instance_key().jwk(KEY_ID);
    let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
    key["n"] = encode([&[0], modulus.as_slice()].concat()).into();
    let clock: Arc<dyn Clock> = clock();
    let keys = KeyCache::new(StaticKeySource::new(json!({ "keys": [key] }).to_string()), Arc::clone(&clock));
    let verifier = Verifier::new(VerifierOptions::for_issuer(ISSUER), keys, clock);
    assert_eq!(verdict(&verifier, &session().signed()).await, "accepted: user_ada as authenticated");
}

#[tokio::test]
async fn verified_claims_are_the_tokens_own() {
    let token = session().claim("role", "authenticated").claim("plan", json!({ "tier": 3 })).signed();
    let verified = verifier(|_| ()).verify(&token).await.unwrap();
    assert_eq!((verified.issuer.as_str(), verified.version), (ISSUER, ClaimsVersion::V2));
    assert_eq!(verified.payload()["plan"], json!({ "tier": 3 }));
    assert_eq!(verified.payload()["sub"], "user_ada");
}

#[tokio::test]
async fn a_principal_is_told_the_role_that_was_decided() {
    let principal =
        |token: Token| async move { Principal::from(&verifier(|_| ()).verify(&token.signed()).await.unwrap()) };
    for token in
        [session(), session().claim("role", "{{user.public_metadata.role}}"), session().claim("role", json!(null))]
    {
        let principal = principal(token).await;
        let claims: serde_json::Value = serde_json::from_str(principal.claims_json()).unwrap();
        assert_eq!(principal.role(), "authenticated");
        assert_eq!(
            (&claims["role"], &claims["sub"], &claims["exp"]),
            (&json!("authenticated"), &json!("user_ada"), &json!(NOW + 60))
        );
    }
    let odd = principal(session().claim("nickname", "a\u{0}b")).await;
    assert!(!odd.claims_json().contains("\\u0000"), "jsonb cannot hold it: {}", odd.claims_json());
}
