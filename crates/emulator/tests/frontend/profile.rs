//! `/v1/me`: what people change about themselves.

use serde_json::{Value, json};

use super::{ada, events, newest};
use crate::support::{Browser, id, start};

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
