//! Tokens: verified with the published key by an independent implementation, and read by the `clerk` crate.

use std::time::Duration;

use clerk::{Claims, MachineId, OrganizationId, SessionStatus, TokenClass, TokenHeader, UserId};
use emulator::{Emulator, SessionTokenVersion, TokenKind, TokenRequest};
use insta::assert_snapshot;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};

use crate::support::{Client, START, acme, ada, id, read, shape, start};

/// Verifies the signature with the key set and gives header and payload.
async fn open(client: &Client, token: &str) -> (Value, Value) {
    let keys: JwkSet = serde_json::from_value(client.get("/.well-known/jwks.json").await.ok()).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let payload = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    (part(token, 0), payload)
}

fn part(token: &str, index: usize) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let text = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn claims(token: &str) -> Claims {
    let header = TokenHeader::from_json(part(token, 0).to_string().as_bytes()).unwrap();
    Claims::from_json(&header, part(token, 1).to_string().as_bytes()).unwrap()
}

fn user_id(user: &Value) -> UserId {
    UserId::parse(id(user)).unwrap()
}

/// Ada, an organization, and Ada as its editor.
fn editor(emulator: &Emulator) -> (Value, Value) {
    let user = ada(emulator);
    let organization = acme(emulator, &user);
    emulator.memberships().update_role(id(&organization), id(&user), "org:editor").unwrap();
    (user, organization)
}

fn with_organization(user: &Value, organization: &Value) -> TokenRequest {
    TokenRequest {
        organization_id: Some(OrganizationId::parse(id(organization)).unwrap()),
        ..TokenRequest::for_user(user_id(user))
    }
}

#[tokio::test]
async fn a_session_token_in_version_2() {
    let (emulator, client, clock) = start().await;
    let (user, organization) = editor(&emulator);
    let session = emulator.sessions().create(id(&user), Some(id(&organization))).unwrap();
    clock.advance(Duration::from_secs(150));
    let answer = client.post(&format!("/v1/sessions/{}/tokens", id(&session)), json!({})).await.ok();
    assert_eq!(answer["object"], "token");
    let (header, payload) = open(&client, answer["jwt"].as_str().unwrap()).await;
    assert_snapshot!(shape(&header), @r#"
    {
      "alg": "RS256",
      "cat": "cl_B7d4PD111AAA",
      "kid": "[instance]",
      "typ": "JWT"
    }
    "#);
    assert_snapshot!(shape(&payload), @r#"
    {
      "exp": 1767225810,
      "fea": "o:drafts,o:posts",
      "fva": [
        2,
        -1
      ],
      "iat": 1767225750,
      "iss": "[address]",
      "jti": "[random]",
      "nbf": 1767225740,
      "o": {
        "fpm": "2,3",
        "id": "org_37dGc4XknepN5iYRGCbCabnjpwR",
        "per": "create,read",
        "rol": "editor",
        "slg": "acme"
      },
      "sid": "sess_37dGcgd0k92alUr6xvEdWGxXpC1",
      "sts": "active",
      "sub": "user_37dGbfNeCHtDzZNiFTyg8huKmq5",
      "v": 2
    }
    "#);
    assert_eq!(header["kid"], emulator.instance_id().as_str());
    assert_eq!(payload["iss"], emulator.base_url());

    let claims = claims(answer["jwt"].as_str().unwrap());
    assert_eq!(claims.class, TokenClass::Session);
    let organization = claims.organization.unwrap();
    assert_eq!(organization.role.as_deref(), Some("org:editor"));
    let permissions: Vec<String> = organization.permissions.iter().map(ToString::to_string).collect();
    assert_eq!(permissions, ["org:drafts:read", "org:posts:create", "org:posts:read"], "no system permissions");
}

#[tokio::test]
async fn a_session_token_in_version_1() {
    let (emulator, client, _) = start().await;
    let (user, organization) = editor(&emulator);
    let session = emulator.sessions().create(id(&user), Some(id(&organization))).unwrap();
    let request = client
        .request(reqwest::Method::POST, &format!("/v1/sessions/{}/tokens", id(&session)))
        .header("Clerk-API-Version", "2025-03-12");
    let answer = read(request).await.ok();
    let (_, payload) = open(&client, answer["jwt"].as_str().unwrap()).await;
    assert_snapshot!(shape(&payload), @r#"
    {
      "exp": 1767225660,
      "fva": [
        0,
        -1
      ],
      "iat": 1767225600,
      "iss": "[address]",
      "jti": "[random]",
      "nbf": 1767225590,
      "org_id": "org_37dGc4XknepN5iYRGCbCabnjpwR",
      "org_permissions": [
        "org:drafts:read",
        "org:posts:create",
        "org:posts:read"
      ],
      "org_role": "org:editor",
      "org_slug": "acme",
      "sid": "sess_37dGcgd0k92alUr6xvEdWGxXpC1",
      "sts": "active",
      "sub": "user_37dGbfNeCHtDzZNiFTyg8huKmq5"
    }
    "#);
}

#[tokio::test]
async fn without_an_active_organization_a_token_has_none() {
    let (emulator, client, _) = start().await;
    let (user, _) = editor(&emulator);
    let session = emulator.sessions().create(id(&user), None).unwrap();
    let token = emulator.sessions().token(id(&session)).unwrap();
    let (_, payload) = open(&client, &token).await;
    assert!(payload.get("o").is_none() && payload.get("fea").is_none() && payload.get("azp").is_none(), "{payload}");
    let old = TokenRequest { version: SessionTokenVersion::V1, ..TokenRequest::for_user(user_id(&user)) };
    let payload = part(&emulator.mint(&old).unwrap(), 1);
    assert!(payload.get("org_id").is_none() && payload.get("v").is_none(), "{payload}");
}

#[tokio::test]
async fn a_role_without_custom_permissions_packs_nothing() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let organization = acme(&emulator, &user);
    let payload = part(&emulator.mint(&with_organization(&user, &organization)).unwrap(), 1);
    assert_eq!(payload["o"], json!({ "id": organization["id"], "rol": "admin", "slg": "acme" }));
    assert!(payload.get("fea").is_none());
}

#[tokio::test]
async fn lifetimes_are_what_was_asked_for_within_clerks_bounds() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let session = emulator.sessions().create(id(&user), None).unwrap();
    let path = format!("/v1/sessions/{}/tokens", id(&session));
    let token = client.post(&path, json!({ "expires_in_seconds": 315_360_000 })).await.ok();
    let payload = part(token["jwt"].as_str().unwrap(), 1);
    assert_eq!(payload["exp"].as_i64().unwrap() - payload["iat"].as_i64().unwrap(), 315_360_000);
    for seconds in [29, 315_360_001] {
        let refused = client.post(&path, json!({ "expires_in_seconds": seconds })).await.refused();
        assert_eq!(refused, "422 form_param_value_invalid");
    }
    assert_eq!(client.post("/v1/sessions/sess_x/tokens", json!({})).await.refused(), "404 resource_not_found");
}

#[tokio::test]
async fn custom_claims_are_in_every_session_token_and_override_nothing() {
    let (mut options, _) = crate::support::options();
    let custom =
        json!({ "role": "authenticated", "email": "{{user.primary_email_address}}", "sub": "user_somebody_else" });
    options.session_claims = custom.as_object().unwrap().clone();
    let emulator = Emulator::start(options).await.unwrap();
    let user = ada(&emulator);
    let session = emulator.sessions().create(id(&user), None).unwrap();
    for token in [
        emulator.sessions().token(id(&session)).unwrap(),
        emulator.mint(&TokenRequest::for_user(user_id(&user))).unwrap(),
    ] {
        let payload = part(&token, 1);
        assert_eq!((&payload["role"], &payload["email"]), (&json!("authenticated"), &json!("ada@example.com")));
        assert_eq!(payload["sub"], user["id"]);
    }
    let template = TokenRequest { class: TokenKind::Template, ..TokenRequest::for_user(user_id(&user)) };
    assert!(part(&emulator.mint(&template).unwrap(), 1).get("role").is_none(), "a template has its own claims");
}

#[tokio::test]
async fn minting_knows_every_shape() {
    let (emulator, client, _) = start().await;
    let (user, organization) = editor(&emulator);
    let other = emulator.users().create(&json!({ "username": "helper" })).unwrap();
    let base = with_organization(&user, &organization);
    let mint = |request: &TokenRequest| emulator.mint(request).unwrap();

    let pending = claims(&mint(&TokenRequest { pending: true, ..base.clone() }));
    assert_eq!(pending.status, SessionStatus::Pending);

    let expired = claims(&mint(&TokenRequest { expires_in_seconds: Some(-30), ..base.clone() }));
    assert_eq!(expired.expires_at, START.minus(Duration::from_secs(30)));

    let decorated = claims(&mint(&TokenRequest {
        authorized_party: Some("https://app.example".to_owned()),
        role: Some("authenticated".to_owned()),
        actor: Some(user_id(&other)),
        ..base.clone()
    }));
    assert_eq!(decorated.authorized_party.as_deref(), Some("https://app.example"));
    assert_eq!(decorated.database_role.as_deref(), Some("authenticated"));
    assert_eq!(decorated.actor.unwrap().subject, id(&other));

    let unclassified = mint(&TokenRequest { class: TokenKind::Unclassified, ..base.clone() });
    assert!(part(&unclassified, 0).get("cat").is_none());
    assert_eq!(claims(&unclassified).class, TokenClass::Unclassified);

    let template = mint(&TokenRequest { class: TokenKind::Template, ..base.clone() });
    assert_eq!(claims(&template).class, TokenClass::Template);
    let (_, payload) = open(&client, &template).await;
    assert_eq!(payload.as_object().unwrap().keys().collect::<Vec<_>>(), ["exp", "iat", "iss", "jti", "nbf", "sub"]);

    let machine = mint(&TokenRequest {
        class: TokenKind::M2m,
        machine_id: Some(MachineId::parse("mch_worker").unwrap()),
        claims: json!({ "role": "service_role" }).as_object().unwrap().clone(),
        ..TokenRequest::default()
    });
    assert_eq!(part(&machine, 1)["role"], "service_role", "a machine may claim what it likes");
    let machine = claims(&machine);
    assert_eq!((machine.class, machine.subject.as_str()), (TokenClass::MachineToMachine, "mch_worker"));

    let oauth = mint(&TokenRequest { class: TokenKind::Oauth, ..base.clone() });
    assert_eq!(part(&oauth, 0)["typ"], "at+jwt");
    assert_eq!(claims(&oauth).class, TokenClass::OAuthAccess);

    let forged =
        mint(&TokenRequest { claims: json!({ "v": 3, "sid": null }).as_object().unwrap().clone(), ..base.clone() });
    let payload = part(&forged, 1);
    assert_eq!(payload["v"], 3);
    assert!(payload.get("sid").is_none(), "null removes a claim");
}

#[tokio::test]
async fn minting_changes_nothing_and_uses_the_newest_active_session() {
    let (emulator, _, clock) = start().await;
    let user = ada(&emulator);
    let request = TokenRequest::for_user(user_id(&user));
    let made_up = part(&emulator.mint(&request).unwrap(), 1)["sid"].as_str().unwrap().to_owned();
    assert_eq!(emulator.sessions().get(&made_up).unwrap_err().status(), 404);
    let messages = emulator.webhooks().message_ids().len();
    emulator.sessions().create(id(&user), None).unwrap();
    clock.advance(Duration::from_secs(60));
    let newest = emulator.sessions().create(id(&user), None).unwrap();
    assert_eq!(part(&emulator.mint(&request).unwrap(), 1)["sid"], newest["id"]);
    emulator.sessions().revoke(id(&newest)).unwrap();
    assert_ne!(part(&emulator.mint(&request).unwrap(), 1)["sid"], newest["id"]);
    assert_eq!(messages, 1, "minting before the sessions announced nothing");
}

#[tokio::test]
async fn what_cannot_be_minted_is_refused() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let organization = emulator.organizations().create(&json!({ "name": "Acme" })).unwrap();
    for (body, expected) in [
        (json!({}), "422 form_param_missing"),
        (json!({ "user_id": "user_nobody" }), "404 resource_not_found"),
        (json!({ "user_id": "org_x" }), "422 form_param_value_invalid"),
        (json!({ "user_id": user["id"], "organization_id": organization["id"] }), "422 form_param_value_invalid"),
        (json!({ "user_id": user["id"], "class": "template", "template": "none" }), "404 resource_not_found"),
        (json!({ "user_id": user["id"], "clas": "template" }), "422 form_param_value_invalid"),
    ] {
        assert_eq!(client.post("/__rowlock/tokens", body.clone()).await.refused(), expected, "{body}");
    }
    let body = json!({ "user_id": user["id"], "version": "v1", "azp": "https://app.example", "class": "session" });
    let minted = client.post("/__rowlock/tokens", body).await.ok();
    assert_eq!(part(minted["jwt"].as_str().unwrap(), 1)["azp"], "https://app.example");
}

#[tokio::test]
async fn the_pem_and_the_key_set_are_the_same_key() {
    let (emulator, client, _) = start().await;
    let token = emulator.mint(&TokenRequest::for_user(user_id(&ada(&emulator)))).unwrap();
    open(&client, &token).await;
    assert_eq!(client.get("/v1/jwks").await.ok(), client.get("/.well-known/jwks.json").await.ok());
    let body = client.get("/__rowlock/instance").await.ok();
    assert_eq!(body["jwt_key"], emulator.public_key_pem());
    assert!(emulator.public_key_pem().starts_with("-----BEGIN PUBLIC KEY-----\nMIIB"));
}
