//! `/v1/me`: what people change about themselves.

use serde_json::{Value, json};

use emulator::{Emulator, EmulatorOptions, InstanceSettings, Requirement, SecondFactor};

use super::{ada, events, newest};
use crate::support::{Browser, START, id, options, start};

const ADA: &str = "ada+clerk_test@example.com";
const PASSWORD: &str = "correct horse";

#[tokio::test]
async fn names_and_unsafe_metadata_are_ones_own() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let browser = Browser::of(&emulator);
    browser.sign_in(ADA, PASSWORD).await;
    let changed = browser.patch("/v1/me", &[("first_name", "Augusta"), ("last_name", "King")]).await.ok();
    assert_eq!(changed["response"]["last_name"], "King");
    assert_eq!(changed["client"]["sessions"][0]["user"]["first_name"], "Augusta");
    let cleared = browser.patch("/v1/me", &[("last_name", "")]).await.ok();
    assert_eq!(cleared["response"]["last_name"], Value::Null);
    browser.patch("/v1/me/metadata", &[("unsafe_metadata", r#"{"theme":"dark"}"#)]).await.ok();
    let merged = browser.patch("/v1/me/metadata", &[("unsafe_metadata", r#"{"size":2}"#)]).await.ok();
    assert_eq!(merged["response"]["unsafe_metadata"], json!({ "theme": "dark", "size": 2 }));
    browser.patch("/v1/me", &[("public_metadata", r#"{"admin":true}"#)]).await.ok();
    assert_eq!(emulator.users().get(id(&user)).unwrap()["public_metadata"], json!({}), "that is the server's");
    assert_eq!(events(&emulator).last().unwrap(), "user.updated");
}

#[tokio::test]
async fn an_address_is_added_proven_made_primary_and_removed() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let browser = Browser::of(&emulator);
    browser.sign_in(ADA, PASSWORD).await;
    // clerk-js ends this address with a slash.
    let added = browser.post("/v1/me/email_addresses/", &[("email_address", "countess@example.com")]).await.ok();
    let address = &added["response"];
    assert_eq!(address["verification"], Value::Null);
    let one = format!("/v1/me/email_addresses/{}", id(address));
    let prepared = browser.post(&format!("{one}/prepare_verification"), &[("strategy", "email_code")]).await.ok();
    assert_eq!(prepared["response"]["verification"]["status"], "unverified");
    let code = newest(&emulator, "email.created")["data"]["otp_code"].as_str().unwrap().to_owned();
    let attempt = async |code: &str| browser.post(&format!("{one}/attempt_verification"), &[("code", code)]).await;
    assert_eq!(attempt("wrong").await.refused(), "422 form_code_incorrect");
    assert_eq!(attempt(&code).await.ok()["response"]["verification"]["status"], "verified");
    browser.patch("/v1/me", &[("primary_email_address_id", id(address))]).await.ok();
    let old = format!("/v1/me/email_addresses/{}", id(&user["email_addresses"][0]));
    assert_eq!(browser.delete(&old).await.ok()["response"]["deleted"], true);
    let last = browser.delete(&one).await;
    assert_eq!(last.refused(), "409 last_identification_deletion_failed");
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    let (here, elsewhere) = (Browser::of(&emulator), Browser::of(&emulator));
    here.sign_in(ADA, PASSWORD).await;
    elsewhere.sign_in(ADA, PASSWORD).await;
    let change = async |current: &str| {
        let form =
            [("current_password", current), ("new_password", "battery staple"), ("sign_out_of_other_sessions", "true")];
        here.post("/v1/me/change_password", &form).await
    };
    assert_eq!(change("wrong").await.refused(), "422 form_password_incorrect");
    change(PASSWORD).await.ok();
    assert_eq!(here.client().await["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(elsewhere.client().await["sessions"], json!([]));
    let active = here.get("/v1/me/sessions/active").await.ok();
    assert_eq!(active.as_array().unwrap().len(), 1);
    assert_eq!(here.post("/v1/me/remove_password", &[]).await.refused(), "403 password_required");
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and the rest";

#[tokio::test]
async fn a_picture_is_uploaded_served_and_removed() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let browser = Browser::of(&emulator);
    assert_eq!(browser.upload("/v1/me/profile_image", "POST", "me.png", PNG).await.status, 401);
    browser.sign_in(ADA, PASSWORD).await;
    let sent = browser.upload("/v1/me/profile_image", "POST", "me.png", PNG).await.ok();
    assert_eq!((&sent["response"]["object"], &sent["response"]["name"]), (&json!("image"), &json!("me.png")));
    let url = sent["response"]["public_url"].as_str().unwrap();
    let seen = &sent["client"]["sessions"][0]["user"];
    assert_eq!((&seen["has_image"], &seen["image_url"]), (&json!(true), &json!(url)));
    let served = reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap();
    assert_eq!(served.headers()["content-type"], "image/png");
    assert_eq!(served.headers()["access-control-allow-origin"], "*");
    assert_eq!(served.bytes().await.unwrap(), PNG);
    assert_eq!(newest(&emulator, "user.updated")["image_url"], url);

    let page = browser.upload("/v1/me/profile_image", "POST", "me.png", b"<script>").await;
    assert_eq!(page.refused(), "400 request_body_invalid");
    let huge = [PNG, &vec![0; 10 * 1024 * 1024]].concat();
    let huge = browser.upload("/v1/me/profile_image", "POST", "me.png", &huge).await;
    assert_eq!(huge.refused(), "413 image_too_large");
    assert_eq!(emulator.users().get(id(&user)).unwrap()["image_url"], url, "refused pictures change nothing");

    assert_eq!(browser.delete("/v1/me/profile_image").await.ok()["response"]["deleted"], true);
    assert_eq!(emulator.users().get(id(&user)).unwrap()["has_image"], false);
    assert_eq!(browser.delete("/v1/me/profile_image").await.refused(), "404 image_not_found");
}

async fn start_with_second_factors() -> Emulator {
    let settings = InstanceSettings {
        phone_number: Requirement::Optional,
        second_factors: vec![SecondFactor::Totp, SecondFactor::PhoneCode, SecondFactor::BackupCode],
        ..InstanceSettings::default()
    };
    Emulator::start(EmulatorOptions { settings, ..options().0 }).await.unwrap()
}

#[tokio::test]
async fn an_authenticator_app_is_enrolled_asked_for_and_removed() {
    let emulator = start_with_second_factors().await;
    let user = ada(&emulator);
    let browser = Browser::of(&emulator);
    browser.sign_in(ADA, PASSWORD).await;
    let shown = browser.post("/v1/me/totp", &[]).await.ok()["response"].clone();
    let secret = shown["secret"].as_str().unwrap();
    assert!(shown["uri"].as_str().unwrap().contains(secret));
    let kept = || emulator.users().get(id(&user)).unwrap();
    assert_eq!((&kept()["totp_enabled"], &kept()["two_factor_enabled"]), (&json!(false), &json!(false)));
    let attempt = async |code: &str| browser.post("/v1/me/totp/attempt_verification", &[("code", code)]).await;
    // Six digits can be right by chance; letters cannot.
    assert_eq!(attempt("wrong!").await.refused(), "422 form_code_incorrect");
    let proven = attempt(&totp(secret, START.seconds())).await.ok()["response"].clone();
    assert_eq!((&proven["verified"], &proven["secret"]), (&json!(true), &Value::Null));
    let codes = proven["backup_codes"].as_array().unwrap().clone();
    assert_eq!(codes.len(), 10);
    let enrolled = kept();
    assert_eq!((&enrolled["totp_enabled"], &enrolled["backup_code_enabled"]), (&json!(true), &json!(true)));
    assert!(enrolled["mfa_enabled_at"].is_number());
    assert_eq!(newest(&emulator, "user.updated")["two_factor_enabled"], true);
    assert_eq!(browser.post("/v1/me/totp", &[]).await.refused(), "400 totp_already_enabled");

    let second = async |strategy: &str, code: &str| {
        let elsewhere = Browser::of(&emulator);
        let begun = elsewhere.post("/v1/client/sign_ins", &[("identifier", ADA), ("password", PASSWORD)]).await.ok();
        assert_eq!(begun["response"]["status"], "needs_second_factor");
        let path = format!("/v1/client/sign_ins/{}/attempt_second_factor", id(&begun["response"]));
        elsewhere.post(&path, &[("strategy", strategy), ("code", code)]).await
    };
    let complete = second("totp", &totp(secret, START.seconds())).await.ok();
    assert_eq!(complete["response"]["status"], "complete");
    let backup = codes[3].as_str().unwrap();
    assert_eq!(second("backup_code", backup).await.ok()["response"]["status"], "complete");
    assert_eq!(second("backup_code", backup).await.refused(), "422 form_code_incorrect");

    let fresh = browser.post("/v1/me/backup_codes", &[]).await.ok()["response"]["codes"].clone();
    assert_eq!(second("backup_code", codes[4].as_str().unwrap()).await.refused(), "422 form_code_incorrect");
    assert_eq!(second("backup_code", fresh[4].as_str().unwrap()).await.ok()["response"]["status"], "complete");

    let removed = browser.delete("/v1/me/totp").await.ok();
    assert_eq!((&removed["response"]["id"], &removed["response"]["deleted"]), (&shown["id"], &json!(true)));
    assert_eq!((&kept()["two_factor_enabled"], &kept()["backup_code_enabled"]), (&json!(false), &json!(false)));
    assert!(kept()["mfa_disabled_at"].is_number());
    assert_eq!(browser.delete("/v1/me/totp").await.refused(), "404 resource_not_found");
    assert_eq!(browser.post("/v1/me/backup_codes", &[]).await.refused(), "400 backup_codes_not_available");
    Browser::of(&emulator).sign_in(ADA, PASSWORD).await;
}

#[tokio::test]
async fn a_phone_number_becomes_a_second_factor_and_brings_backup_codes() {
    let emulator = start_with_second_factors().await;
    let user = ada(&emulator);
    let browser = Browser::of(&emulator);
    browser.sign_in(ADA, PASSWORD).await;
    let added = browser.post("/v1/me/phone_numbers", &[("phone_number", "+12015550100")]).await.ok();
    let one = format!("/v1/me/phone_numbers/{}", id(&added["response"]));
    browser.post(&format!("{one}/prepare_verification"), &[("strategy", "phone_code")]).await.ok();
    browser.post(&format!("{one}/attempt_verification"), &[("code", "424242")]).await.ok();
    let reserved = browser.patch(&one, &[("reserved_for_second_factor", "true")]).await.ok();
    assert_eq!(reserved["response"]["reserved_for_second_factor"], true);
    assert_eq!(reserved["response"]["backup_codes"].as_array().unwrap().len(), 10);
    let kept = || emulator.users().get(id(&user)).unwrap();
    assert_eq!(kept()["two_factor_enabled"], true);
    let freed = browser.patch(&one, &[("reserved_for_second_factor", "false")]).await.ok();
    assert_eq!(freed["response"]["backup_codes"], Value::Null);
    assert_eq!((&kept()["two_factor_enabled"], &kept()["backup_code_enabled"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn what_the_settings_have_not_is_not_enrolled() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    let browser = Browser::of(&emulator);
    browser.sign_in(ADA, PASSWORD).await;
    assert_eq!(browser.post("/v1/me/totp", &[]).await.refused(), "403 feature_not_enabled");
    assert_eq!(browser.post("/v1/me/backup_codes", &[]).await.refused(), "403 feature_not_enabled");
    let environment = browser.get("/v1/environment").await.ok();
    assert_eq!(environment["auth_config"]["second_factors"], json!([]));
    assert_eq!(environment["user_settings"]["attributes"]["authenticator_app"]["enabled"], false);
}

/// RFC 6238, as an app computes it.
fn totp(secret: &str, seconds: i64) -> String {
    let mut bits = String::new();
    for letter in secret.chars() {
        let place = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
        bits.push_str(&format!("{place:05b}"));
    }
    let key: Vec<u8> =
        (0..bits.len() / 8).map(|byte| u8::from_str_radix(&bits[byte * 8..byte * 8 + 8], 2).unwrap()).collect();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = aws_lc_rs::hmac::sign(&key, &(seconds / 30).to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] % 16);
    let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) % (1 << 31) % 1_000_000;
    format!("{number:06}")
}

#[tokio::test]
async fn whoever_deletes_the_account_is_gone() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let browser = Browser::of(&emulator);
    browser.sign_in(ADA, PASSWORD).await;
    assert_eq!(browser.delete("/v1/me").await.ok()["response"]["deleted"], true);
    assert_eq!(emulator.users().get(id(&user)).unwrap_err().code(), "resource_not_found");
    assert_eq!(browser.client().await["sessions"], json!([]));
    assert_eq!(events(&emulator).last().unwrap(), "user.deleted");
}
