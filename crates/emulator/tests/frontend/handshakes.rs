//! The handshake between an app's server and the browser's Clerk.

use std::{collections::HashMap, time::Duration};

use emulator::Emulator;
use reqwest::{Method, header};
use serde_json::Value;
use url::Url;

use super::{ada, claims};
use crate::support::{Browser, Client, acme, id, start};

const PAGE: &str = "http://localhost:3000/dashboard?tab=1";

async fn handshake(browser: &Browser, query: &[(&str, &str)]) -> reqwest::Response {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let path = format!("/v1/client/handshake?{query}");
    browser.send(browser.request(Method::GET, &path).header("clerk-api-version", "2026-05-12")).await
}

/// Where the browser is sent, and the parameters of that address.
fn destination(response: &reqwest::Response) -> (Url, HashMap<String, String>) {
    assert_eq!(response.status(), 307);
    let to = Url::parse(response.headers()[header::LOCATION].to_str().unwrap()).unwrap();
    let parameters = to.query_pairs().into_owned().collect();
    (to, parameters)
}

async fn redeem(client: &Client, nonce: &str) -> Vec<String> {
    let payload = client.get(&format!("/v1/clients/handshake_payload?nonce={nonce}")).await.ok();
    serde_json::from_value(payload["directives"].clone()).unwrap()
}

fn cookie<'a>(directives: &'a [String], name: &str) -> &'a str {
    let of_name = |directive: &&'a String| directive.split('=').next() == Some(name);
    let found = directives.iter().find(of_name).unwrap_or_else(|| panic!("no {name} in {directives:?}"));
    found.split_once('=').unwrap().1.split(';').next().unwrap()
}

async fn signed_in(emulator: &Emulator) -> (Browser, Value) {
    let browser = Browser::of(emulator);
    let session = browser.sign_in("ada+clerk_test@example.com", "correct horse").await;
    (browser, session)
}

#[tokio::test]
async fn a_nonce_brings_the_cookies_of_whoever_is_signed_in() {
    let (emulator, client, clock) = start().await;
    let user = ada(&emulator);
    let (browser, session) = signed_in(&emulator).await;
    let response = handshake(&browser, &[("redirect_url", PAGE), ("format", "nonce")]).await;
    let (to, parameters) = destination(&response);
    assert_eq!((to.path(), parameters["tab"].as_str()), ("/dashboard", "1"));
    let nonce = &parameters["__clerk_handshake_nonce"];
    let directives = redeem(&client, nonce).await;
    let token = claims(cookie(&directives, "__session"));
    assert_eq!(
        (&token["sub"], &token["sid"], &token["azp"]),
        (&user["id"], &session["id"], &Value::from("http://localhost:3000"))
    );
    assert!(cookie(&directives, "__client_uat").parse::<i64>().unwrap() > 0);
    assert!(cookie(&directives, "__clerk_db_jwt").starts_with("dvb_"));
    assert_eq!(directives.len(), 6, "each in both spellings: {directives:?}");

    let again = client.get(&format!("/v1/clients/handshake_payload?nonce={nonce}")).await;
    assert_eq!(again.refused(), "404 resource_not_found", "a nonce works once");
    let response = handshake(&browser, &[("redirect_url", PAGE), ("format", "nonce")]).await;
    let (_, parameters) = destination(&response);
    clock.advance(Duration::from_secs(61));
    let late =
        client.get(&format!("/v1/clients/handshake_payload?nonce={}", parameters["__clerk_handshake_nonce"])).await;
    assert_eq!(late.refused(), "404 resource_not_found", "and for a minute");
}

#[tokio::test]
async fn a_token_carries_the_same_and_says_when_nobody_is_there() {
    let (emulator, _, _) = start().await;
    let browser = Browser::of(&emulator);
    let response = handshake(&browser, &[("redirect_url", PAGE)]).await;
    let (_, parameters) = destination(&response);
    let token = &parameters["__clerk_handshake"];
    let directives: Vec<String> = serde_json::from_value(claims(token)["handshake"].clone()).unwrap();
    assert_eq!(cookie(&directives, "__client_uat"), "0");
    assert_eq!(cookie(&directives, "__session"), "");
    assert!(directives.iter().any(|it| it.starts_with("__session=;") && it.contains("Max-Age=0")), "{directives:?}");

    // The development browser is the same one at the next handshake, and can speak for the browser.
    let known = cookie(&directives, "__clerk_db_jwt").to_owned();
    ada(&emulator);
    browser.sign_in("ada+clerk_test@example.com", "correct horse").await;
    let by_token = Browser::of(&emulator);
    let client = by_token.get(&format!("/v1/client?__clerk_db_jwt={known}")).await.ok();
    assert_eq!(client["response"]["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_address_can_name_the_organization_to_activate() {
    let (emulator, client, _) = start().await;
    let organization = acme(&emulator, &ada(&emulator));
    let (browser, _) = signed_in(&emulator).await;
    let organization_of = async |wanted: &str| {
        let query = [("redirect_url", PAGE), ("format", "nonce"), ("organization_id", wanted)];
        let response = handshake(&browser, &query).await;
        let (_, parameters) = destination(&response);
        let directives = redeem(&client, &parameters["__clerk_handshake_nonce"]).await;
        claims(cookie(&directives, "__session"))["o"]["id"].clone()
    };
    assert_eq!(organization_of("acme").await, organization["id"], "by its slug");
    assert_eq!(organization_of("org_unknown").await, organization["id"], "what cannot be active changes nothing");
    assert_eq!(organization_of("").await, Value::Null, "the personal account");
    assert_eq!(organization_of(id(&organization)).await, organization["id"]);
}

#[tokio::test]
async fn a_session_goes_to_this_machine_only() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    let (browser, _) = signed_in(&emulator).await;
    for elsewhere in ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/relative", ""] {
        let response = handshake(&browser, &[("redirect_url", elsewhere)]).await;
        assert_eq!(response.status(), 422, "{elsewhere}");
        assert!(response.headers().get(header::LOCATION).is_none(), "{elsewhere}");
    }
    // The app's own origin is told by its proxy, which proves itself with the secret key.
    let path = "/v1/client/handshake?redirect_url=https%3A%2F%2Ftunnel.example%2Fx";
    let proxied = |key: &str| {
        let request = browser.request(Method::GET, path);
        request.header("clerk-proxy-url", "https://tunnel.example/__clerk").header("clerk-secret-key", key)
    };
    assert_eq!(browser.send(proxied(emulator.secret_key())).await.status(), 307);
    assert_eq!(browser.send(proxied("sk_test_wrong")).await.status(), 401);
}
