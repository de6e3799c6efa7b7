//! `/v1/jwt_templates` and the tokens made of them.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use insta::assert_snapshot;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::support::{ada, id, shape, start};

fn payload(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_template_is_kept_and_fills_tokens() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let session = emulator.sessions().create(id(&user), None).unwrap();
    let body = json!({
        "name": "supabase",
        "lifetime": 300,
        "allowed_clock_skew": 7,
        "claims": { "aud": "authenticated", "role": "authenticated", "email": "{{user.primary_email_address}}", "app_metadata": {} },
    });
    let template = client.post("/v1/jwt_templates", body.clone()).await.ok();
    assert_snapshot!(shape(&template), @r#"
    {
      "allowed_clock_skew": 7,
      "claims": {
        "app_metadata": {},
        "aud": "authenticated",
        "email": "{{user.primary_email_address}}",
        "role": "authenticated"
      },
      "created_at": 1767225600000,
      "custom_signing_key": false,
      "id": "jtmp_37dGcbY9K9bNt2o0d7sbrW4mMSk",
      "lifetime": 300,
      "name": "supabase",
      "object": "jwt_template",
      "signing_algorithm": "RS256",
      "updated_at": 1767225600000
    }
    "#);
    assert_eq!(client.post("/v1/jwt_templates", body).await.refused(), "422 form_identifier_exists");
    assert_eq!(client.get("/v1/jwt_templates").await.ok(), json!([template]));
    let paginated = client.get("/v1/jwt_templates?paginated=true").await.ok();
    assert_eq!(paginated, json!({ "data": [template], "total_count": 1 }));

    let path = format!("/v1/sessions/{}/tokens/supabase", id(&session));
    let token = client.post(&path, json!({})).await.ok();
    assert_snapshot!(shape(&payload(token["jwt"].as_str().unwrap())), @r#"
    {
      "app_metadata": {},
      "aud": "authenticated",
      "email": "ada@example.com",
      "exp": 1767225900,
      "iat": 1767225600,
      "iss": "[address]",
      "jti": "[random]",
      "nbf": 1767225593,
      "role": "authenticated",
      "sub": "user_37dGbfNeCHtDzZNiFTyg8huKmq5"
    }
    "#);
    let longer = client.post(&path, json!({ "expires_in_seconds": 600 })).await.ok();
    let longer = payload(longer["jwt"].as_str().unwrap());
    assert_eq!(longer["exp"].as_i64().unwrap() - longer["iat"].as_i64().unwrap(), 600);

    let body =
        json!({ "user_id": user["id"], "class": "template", "template": "supabase", "azp": "https://app.example" });
    let minted = client.post("/__rowlock/tokens", body).await.ok();
    let minted = payload(minted["jwt"].as_str().unwrap());
    assert_eq!((&minted["aud"], &minted["azp"]), (&json!("authenticated"), &json!("https://app.example")));

    let own = format!("/v1/jwt_templates/{}", id(&template));
    let changed = client.patch(&own, json!({ "name": "hasura", "claims": { "a": 1 } })).await.ok();
    assert_eq!((&changed["name"], &changed["lifetime"]), (&json!("hasura"), &json!(60)));
    assert_eq!(client.get(&own).await.ok(), changed);
    assert_eq!(client.post(&path, json!({})).await.refused(), "404 resource_not_found");
    let deleted = client.delete(&own).await.ok();
    assert_eq!(deleted, json!({ "object": "jwt_template", "id": template["id"], "deleted": true }));
    assert_eq!(client.get(&own).await.refused(), "404 resource_not_found");
}

#[tokio::test]
async fn a_template_may_sign_with_a_shared_secret() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let session = emulator.sessions().create(id(&user), None).unwrap();
    let secret = "super-secret-jwt-token-with-at-least-32-characters";
    let body = json!({
        "name": "legacy", "claims": {}, "custom_signing_key": true, "signing_algorithm": "HS256", "signing_key": secret,
    });
    let template = client.post("/v1/jwt_templates", body).await.ok();
    assert_eq!((&template["custom_signing_key"], &template["signing_algorithm"]), (&json!(true), &json!("HS256")));
    assert!(!template.to_string().contains(secret), "the key stays inside");
    let token = client.post(&format!("/v1/sessions/{}/tokens/legacy", id(&session)), json!({})).await.ok();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::decode::<Value>(token["jwt"].as_str().unwrap(), &key, &validation).unwrap();
}

#[tokio::test]
async fn a_template_may_sign_with_an_rsa_key_of_its_own() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let session = emulator.sessions().create(id(&user), None).unwrap();
    let (private, public) = rsa_key();
    let body = json!({
        "name": "own", "claims": {}, "custom_signing_key": true, "signing_algorithm": "RS512", "signing_key": private,
    });
    client.post("/v1/jwt_templates", body).await.ok();
    let token = client.post(&format!("/v1/sessions/{}/tokens/own", id(&session)), json!({})).await.ok();
    let mut validation = Validation::new(Algorithm::RS512);
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(token["jwt"].as_str().unwrap(), &DecodingKey::from_rsa_der(&public), &validation)
        .unwrap();
}

/// A fresh private key as PEM, and its public key as PKCS#1.
fn rsa_key() -> (String, Vec<u8>) {
    use aws_lc_rs::{
        encoding::{AsDer, Pkcs8V1Der},
        rsa::{KeyPair, KeySize},
        signature::KeyPair as _,
    };
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
    (pem, pair.public_key().as_ref().to_vec())
}

#[tokio::test]
async fn what_cannot_be_a_template_is_refused() {
    let (_emulator, client, _) = start().await;
    for (body, expected) in [
        (json!({ "claims": {} }), "422 form_param_missing"),
        (json!({ "name": "x" }), "422 form_param_missing"),
        (json!({ "name": "", "claims": {} }), "422 form_param_value_invalid"),
        (json!({ "name": "x", "claims": [] }), "422 form_param_type_invalid"),
        (json!({ "name": "x", "claims": { "sub": "me" } }), "400 jwt_template_reserved_claim"),
        (json!({ "name": "x", "claims": {}, "lifetime": 29 }), "422 form_param_value_invalid"),
        (json!({ "name": "x", "claims": {}, "allowed_clock_skew": 301 }), "422 form_param_value_invalid"),
        (json!({ "name": "x", "claims": {}, "custom_signing_key": true }), "422 form_param_missing"),
        (
            json!({ "name": "x", "claims": {}, "custom_signing_key": true, "signing_algorithm": "none", "signing_key": "" }),
            "422 form_param_value_invalid",
        ),
        (
            json!({ "name": "x", "claims": {}, "custom_signing_key": true, "signing_algorithm": "RS256", "signing_key": "pem" }),
            "422 form_param_value_invalid",
        ),
    ] {
        assert_eq!(client.post("/v1/jwt_templates", body.clone()).await.refused(), expected, "{body}");
    }
}
