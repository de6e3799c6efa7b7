//! Passwords, authenticator apps, backup codes and pictures, over the Backend API and at a sign-in.

use std::time::Duration;

use emulator::Emulator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Browser, Client, id, read, start};

/// "12345678901234567890" in base32, and its code at 2026-01-01T00:00:00Z, where the clock of these tests stands (computed
/// elsewhere).
const TOTP_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const TOTP_CODE: &str = "745690";

fn grace(emulator: &Emulator, more: Value) -> Value {
    let mut body = json!({ "email_address": ["grace+clerk_test@example.com"], "password": "correct horse" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    emulator.users().create(&body).unwrap()
}

#[tokio::test]
async fn a_password_is_verified_and_can_be_known_to_others() {
    let (emulator, client, _) = start().await;
    let user = grace(&emulator, json!({}));
    let path = |step: &str| format!("/v1/users/{}/{step}", id(&user));
    let verify = async |password: &str| client.post(&path("verify_password"), json!({ "password": password })).await;
    assert_eq!(verify("correct horse").await.ok(), json!({ "verified": true }));
    assert_eq!(verify("battery staple").await.refused(), "422 incorrect_password");
    let other = emulator.users().create(&json!({ "username": "lovelace" })).unwrap();
    let without = format!("/v1/users/{}/verify_password", id(&other));
    assert_eq!(client.post(&without, json!({ "password": "x" })).await.refused(), "400 no_password_set");

    let session = emulator.sessions().create(id(&user), None).unwrap();
    client.post(&path("password/set_compromised"), json!({ "revoke_all_sessions": true })).await.ok();
    assert_eq!(emulator.sessions().get(id(&session)).unwrap()["status"], "revoked");
    let form = [("identifier", "grace+clerk_test@example.com"), ("password", "correct horse")];
    let refused = Browser::of(&emulator).post("/v1/client/sign_ins", &form).await;
    assert_eq!(refused.refused(), "422 form_password_compromised");
    client.post(&path("password/unset_compromised"), json!({})).await.ok();
    Browser::of(&emulator).sign_in("grace+clerk_test@example.com", "correct horse").await;
}

#[tokio::test]
async fn second_factors_come_along_are_verified_and_go() {
    let (emulator, client, clock) = start().await;
    let user = grace(&emulator, json!({ "totp_secret": TOTP_SECRET, "backup_codes": ["first", "second", "third"] }));
    assert_eq!([&user["totp_enabled"], &user["backup_code_enabled"], &user["two_factor_enabled"]], [true, true, true]);
    assert!(!user.to_string().contains(TOTP_SECRET));
    let path = |step: &str| format!("/v1/users/{}/{step}", id(&user));
    let verify = async |code: &str| client.post(&path("verify_totp"), json!({ "code": code })).await;
    assert_eq!(verify(TOTP_CODE).await.ok(), json!({ "verified": true, "code_type": "totp" }));
    clock.advance(Duration::from_secs(90));
    assert_eq!(verify(TOTP_CODE).await.refused(), "422 totp_incorrect_code", "its time is over");
    assert_eq!(verify("first").await.ok(), json!({ "verified": true, "code_type": "backup_code" }));
    assert_eq!(verify("first").await.refused(), "422 totp_incorrect_code", "used up");

    let browser = Browser::of(&emulator);
    let form = [("identifier", "grace+clerk_test@example.com"), ("password", "correct horse")];
    let begun = browser.post("/v1/client/sign_ins", &form).await.ok();
    assert_eq!(begun["response"]["status"], "needs_second_factor");
    let strategies: Vec<&Value> = begun["response"]["supported_second_factors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|factor| &factor["strategy"])
        .collect();
    assert_eq!(strategies, ["totp", "backup_code"]);
    let attempt = format!("/v1/client/sign_ins/{}/attempt_second_factor", id(&begun["response"]));
    let with = async |code: &str| browser.post(&attempt, &[("strategy", "backup_code"), ("code", code)]).await;
    assert_eq!(with("first").await.refused(), "422 form_code_incorrect");
    assert_eq!(with("second").await.ok()["response"]["status"], "complete");

    assert_eq!(client.delete(&path("totp")).await.ok(), json!({ "user_id": user["id"] }));
    assert_eq!(client.delete(&path("backup_code")).await.ok(), json!({ "user_id": user["id"] }));
    assert_eq!(verify("third").await.refused(), "400 totp_disabled");
    let invalid = json!({ "username": "other", "totp_secret": "1" });
    assert_eq!(client.post("/v1/users", invalid).await.refused(), "422 invalid_totp_secret_code");
}

#[tokio::test]
async fn pictures_are_kept_shown_and_taken_away() {
    let (emulator, client, _) = start().await;
    let user = grace(&emulator, json!({}));
    let path = format!("/v1/users/{}/profile_image", id(&user));
    assert_eq!(upload(&client, Method::POST, &path, b"GIF89a and so on").await["has_image"], true);
    let shown = emulator.users().get(id(&user)).unwrap();
    let url = shown["image_url"].as_str().unwrap().strip_prefix(emulator.base_url()).unwrap().to_owned();
    let picture = client.anonymous(Method::GET, &url).send().await.unwrap();
    assert_eq!(picture.headers()["content-type"], "image/gif");
    assert_eq!(picture.bytes().await.unwrap(), &b"GIF89a and so on"[..]);

    let refused = part(&client, Method::POST, &path, b"<svg/>").await;
    assert_eq!(refused, (400, "request_body_invalid".to_owned()));
    let refused = part(&client, Method::POST, &path, &[0xff; 10 * 1024 * 1024 + 1]).await;
    assert_eq!(refused, (413, "image_too_large".to_owned()));
    let nothing = read(client.request(Method::POST, &path)).await;
    assert_eq!(nothing.refused(), "400 form_param_missing");
    assert_eq!(client.delete(&path).await.ok()["has_image"], false);
    assert_eq!(client.delete(&path).await.refused(), "404 image_not_found");

    let organization = emulator.organizations().create(&json!({ "name": "Acme" })).unwrap();
    let path = format!("/v1/organizations/{}/logo", id(&organization));
    let logo = upload(&client, Method::PUT, &path, b"\x89PNG\r\n\x1a\n and so on").await;
    assert_eq!((&logo["has_image"], &logo["logo_url"]), (&json!(true), &logo["image_url"]));
    assert_eq!(client.delete(&path).await.ok()["has_image"], false);
}

async fn upload(client: &Client, method: Method, path: &str, bytes: &[u8]) -> Value {
    read(multipart(client, method, path, bytes)).await.ok()
}

async fn part(client: &Client, method: Method, path: &str, bytes: &[u8]) -> (u16, String) {
    let answer = read(multipart(client, method, path, bytes)).await;
    (answer.status.as_u16(), answer.body["errors"][0]["code"].as_str().unwrap().to_owned())
}

fn multipart(client: &Client, method: Method, path: &str, bytes: &[u8]) -> reqwest::RequestBuilder {
    let mut body = b"--limit\r\ncontent-disposition: form-data; name=\"file\"; filename=\"picture\"\r\n\
                     content-type: image/any\r\n\r\n"
        .to_vec();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--limit--\r\n");
    client.request(method, path).header("content-type", "multipart/form-data; boundary=limit").body(body)
}
