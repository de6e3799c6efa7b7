//! What holds for every request: keys, versions, bodies, what is not emulated.

use clerk::PublishableKey;
use emulator::{Emulator, EmulatorError, EmulatorOptions, RoleDefinition};
use insta::assert_snapshot;
use reqwest::Method;
use serde_json::json;

use crate::support::{Client, ada, id, read, shape, start};

#[tokio::test]
async fn a_request_without_the_right_key_learns_nothing() {
    let (_emulator, client, _) = start().await;
    for (header, expected) in [
        (None, "401 authentication_invalid"),
        (Some("sk_test_x"), "401 authorization_header_format_invalid"),
        (Some("bearer sk_test_x"), "401 authorization_header_format_invalid"),
        (Some("Bearer sk_test_x"), "401 clerk_key_invalid"),
        (Some("Bearer "), "401 authorization_header_format_invalid"),
    ] {
        for path in ["/v1/users", "/v1/unheard-of", "/__rowlock/instance"] {
            let mut request = client.anonymous(Method::GET, path);
            if let Some(header) = header {
                request = request.header("Authorization", header);
            }
            let refused = read(request).await.refused();
            // Clients trim the header, so a bare scheme arrives without its space.
            assert_eq!(refused, expected, "{header:?} {path}");
        }
    }
}

#[tokio::test]
async fn the_version_is_named_once_and_exists() {
    let (_emulator, client, _) = start().await;
    let both = client
        .request(Method::GET, "/v1/users?__clerk_api_version=2025-04-10")
        .header("Clerk-API-Version", "2025-04-10");
    assert_eq!(read(both).await.refused(), "400 api_version_invalid");
    assert_eq!(client.get("/v1/users?__clerk_api_version=2025-04-11").await.refused(), "400 api_version_invalid");
    client.get("/v1/users?__clerk_api_version=2021-02-05").await.ok();
}

#[tokio::test]
async fn what_is_not_emulated_says_so() {
    let (_emulator, client, _) = start().await;
    let answer = client.post("/v1/saml_connections", json!({ "name": "x" })).await;
    assert_eq!((answer.status.as_u16(), answer.content_type.as_str()), (501, "application/json"));
    assert_snapshot!(shape(&answer.body), @r#"
    {
      "clerk_trace_id": "[random]",
      "errors": [
        {
          "code": "not_emulated",
          "long_message": "CreateSAMLConnection (POST /v1/saml_connections) is not emulated. Leave it out, or test this against a development instance of Clerk.",
          "message": "not emulated"
        }
      ]
    }
    "#);
    // What Clerk has not either is not found.
    assert_eq!(client.delete("/v1/users").await.refused(), "404 resource_not_found");
    assert_eq!(client.get("/v1/usrs").await.refused(), "404 resource_not_found");
}

#[tokio::test]
async fn bodies_are_json_objects_of_reasonable_size() {
    let (_emulator, client, _) = start().await;
    let post = |content_type: &'static str, body: String| {
        read(client.request(Method::POST, "/v1/users").header("Content-Type", content_type).body(body))
    };
    let form = "username=lovelace".to_owned();
    assert_eq!(post("application/x-www-form-urlencoded", form).await.refused(), "415 unsupported_content_type");
    assert_eq!(post("application/json", "[]".to_owned()).await.refused(), "400 request_body_invalid");
    assert_eq!(post("application/json", "{".to_owned()).await.refused(), "400 request_body_invalid");
    let charset = r#"{"username":"lovelace"}"#.to_owned();
    post("application/json; charset=utf-8", charset).await.ok();
    let large = format!(r#"{{"username":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
    assert_eq!(post("application/json", large).await.refused(), "400 request_body_invalid");
}

#[tokio::test]
async fn the_instance_publishes_where_it_is() {
    let (emulator, client, _) = start().await;
    let host = emulator.address().to_string();
    assert_eq!(emulator.publishable_key().frontend_api(), host);
    assert_eq!(PublishableKey::parse(&emulator.publishable_key().to_string()).unwrap().frontend_api(), host);
    let discovery = read(client.anonymous(Method::GET, "/.well-known/openid-configuration")).await.ok();
    assert_eq!(discovery["issuer"], emulator.issuer());
    let keys = read(client.anonymous(Method::GET, "/.well-known/jwks.json")).await.ok();
    assert_eq!(keys["keys"][0]["kid"], emulator.instance_id().as_str());
    assert_eq!(discovery["jwks_uri"], format!("{}/.well-known/jwks.json", emulator.base_url()));
}

#[tokio::test]
async fn two_instances_have_nothing_in_common() {
    let one = Emulator::start(EmulatorOptions::default()).await.unwrap();
    let two = Emulator::start(EmulatorOptions::default()).await.unwrap();
    assert_ne!(one.instance_id(), two.instance_id());
    assert_ne!(one.secret_key(), two.secret_key());
    assert_ne!(one.webhook_secret().expose(), two.webhook_secret().expose());
    assert_ne!(one.public_key_pem(), two.public_key_pem());
    let stranger = Client::of(&one);
    let request = stranger.anonymous(Method::GET, "/v1/users").bearer_auth(two.secret_key());
    assert_eq!(read(request).await.refused(), "401 clerk_key_invalid");
}

#[tokio::test]
async fn a_seed_repeats_ids_and_secrets_but_never_the_key() {
    let start = |seed| Emulator::start(EmulatorOptions { seed: Some(seed), ..EmulatorOptions::default() });
    let (one, same, other) = (start(7).await.unwrap(), start(7).await.unwrap(), start(8).await.unwrap());
    assert_eq!(one.secret_key(), same.secret_key());
    assert_eq!(one.webhook_secret().expose(), same.webhook_secret().expose());
    assert_eq!(id(&ada(&one)), id(&ada(&same)));
    assert_ne!(id(&ada(&other)), one.users().list(&[]).unwrap()[0]["id"].as_str().unwrap());
    assert_ne!(one.instance_id(), same.instance_id(), "a kid never names two keys");
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused() {
    let taken = Emulator::start(EmulatorOptions::default()).await.unwrap();
    let options = EmulatorOptions { listen: taken.address(), ..EmulatorOptions::default() };
    assert!(matches!(Emulator::start(options).await, Err(EmulatorError::Listen { .. })));
    let options = EmulatorOptions { webhook_speed: 0.0, ..EmulatorOptions::default() };
    assert!(matches!(Emulator::start(options).await, Err(EmulatorError::Speed(_))));
    let role = RoleDefinition { key: "boss".to_owned(), name: "Boss".to_owned(), permissions: Vec::new() };
    let options = EmulatorOptions { roles: vec![role], ..EmulatorOptions::default() };
    assert!(matches!(Emulator::start(options).await, Err(EmulatorError::Role(_))));
}

#[tokio::test]
async fn an_issuer_of_ones_own_stands_in_tokens_and_discovery() {
    let options =
        EmulatorOptions { issuer: Some("https://clerk.app.example".to_owned()), ..EmulatorOptions::default() };
    let emulator = Emulator::start(options).await.unwrap();
    let client = Client::of(&emulator);
    let discovery = client.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(discovery["issuer"], "https://clerk.app.example");
    assert_eq!(emulator.issuer(), "https://clerk.app.example");
}

#[tokio::test]
async fn shutting_down_or_dropping_stops_listening() {
    let listens = async |address| tokio::net::TcpStream::connect(address).await.is_ok();
    let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
    let address = emulator.address();
    assert!(listens(address).await);
    emulator.shutdown().await.unwrap();
    assert!(!listens(address).await);

    let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
    let address = emulator.address();
    assert!(listens(address).await);
    drop(emulator);
    let stopped = async {
        while listens(address).await {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), stopped).await.unwrap();
}
