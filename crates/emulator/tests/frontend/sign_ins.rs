//! `/v1/client/sign_ins`: by password, by code, by ticket, and what is refused.

use std::time::Duration;

use emulator::{Emulator, EmulatorOptions, InstanceSettings, Requirement};
use serde_json::{Value, json};

use super::{ada, claims, events, newest};
use crate::support::{APP, Browser, id, options, start};

fn path(sign_in: &Value, step: &str) -> String {
    format!("/v1/client/sign_ins/{}/{step}", id(sign_in))
}

fn strategies(sign_in: &Value) -> Vec<&str> {
    let factors = sign_in["supported_first_factors"].as_array().unwrap().iter();
    factors.map(|factor| factor["strategy"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_password_signs_in_and_a_wrong_one_does_not() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let browser = Browser::of(&emulator);
    assert_eq!(browser.client().await, Value::Null, "a browser is nobody before its first sign-in");

    let answer = browser.post("/v1/client/sign_ins", &[("identifier", "Ada+clerk_test@example.com")]).await.ok();
    let sign_in = answer["response"].clone();
    assert_eq!(sign_in["status"], "needs_first_factor");
    assert_eq!(strategies(&sign_in), ["password", "email_code", "reset_password_email_code"]);
    assert_eq!(sign_in["supported_first_factors"][1]["safe_identifier"], "a*************@example.com");
    assert_eq!(answer["client"]["sign_in"]["id"], sign_in["id"], "clerk-js takes the id out of the client");

    let attempt = async |password: &str| {
        browser.post(&path(&sign_in, "attempt_first_factor"), &[("strategy", "password"), ("password", password)]).await
    };
    let wrong = attempt("battery staple").await;
    assert_eq!(wrong.refused(), "422 form_password_incorrect");
    assert_eq!(wrong.body["errors"][0]["meta"]["param_name"], "password");
    assert_eq!(events(&emulator), ["user.created"]);

    let answer = attempt("correct horse").await.ok();
    assert_eq!(answer["response"]["status"], "complete");
    let session = &answer["client"]["sessions"][0];
    assert_eq!(session["id"], answer["response"]["created_session_id"]);
    assert_eq!((&session["status"], &session["user"]["id"]), (&json!("active"), &user["id"]));
    assert_eq!(answer["client"]["sign_in"], Value::Null, "what is complete is no longer under way");
    assert_eq!(answer["client"]["last_active_session_id"], session["id"]);
    assert_eq!(events(&emulator), ["user.created", "user.updated", "session.created"]);

    let claims = claims(session["last_active_token"]["jwt"].as_str().unwrap());
    assert_eq!(
        (&claims["azp"], &claims["sid"], &claims["sub"], &claims["sts"], &claims["v"]),
        (&json!(APP), &session["id"], &user["id"], &json!("active"), &json!(2))
    );
    assert!(!browser.client().await.to_string().contains("for servers only"), "private metadata stays away from pages");
}

#[tokio::test]
async fn a_test_address_gets_the_known_code_and_any_other_one_gets_mail() {
    let (emulator, _, clock) = start().await;
    let email = |address: &str| json!({ "email_address": [address] });
    emulator.users().create(&email("bob+clerk_test@example.com")).unwrap();
    emulator.users().create(&email("carol@example.com")).unwrap();

    for address in ["bob+clerk_test@example.com", "carol@example.com"] {
        let browser = Browser::of(&emulator);
        let begun =
            browser.post("/v1/client/sign_ins", &[("identifier", address), ("strategy", "email_code")]).await.ok();
        let sign_in = begun["response"].clone();
        assert_eq!(sign_in["first_factor_verification"]["status"], "unverified");
        let attempt = async |code: &str| {
            browser.post(&path(&sign_in, "attempt_first_factor"), &[("strategy", "email_code"), ("code", code)]).await
        };
        let code = if address == "carol@example.com" {
            let mail = newest(&emulator, "email.created");
            assert_eq!(mail["to_email_address"], address);
            mail["data"]["otp_code"].as_str().unwrap().to_owned()
        } else {
            assert!(!events(&emulator).contains(&"email.created".to_owned()), "Clerk mails no test address");
            "424242".to_owned()
        };
        assert_eq!(attempt("000000").await.refused(), "422 form_code_incorrect");
        assert_eq!(attempt(&code).await.ok()["response"]["status"], "complete");
    }

    let browser = Browser::of(&emulator);
    let form = [("identifier", "bob+clerk_test@example.com"), ("strategy", "email_code")];
    let sign_in = browser.post("/v1/client/sign_ins", &form).await.ok()["response"].clone();
    clock.advance(Duration::from_secs(600));
    let late = [("strategy", "email_code"), ("code", "424242")];
    let answer = browser.post(&path(&sign_in, "attempt_first_factor"), &late).await;
    assert_eq!(answer.refused(), "400 verification_expired");
}

#[tokio::test]
async fn a_phone_signs_in_where_the_instance_wants_phones() {
    let (options, _) = options();
    let settings = InstanceSettings { phone_number: Requirement::Optional, ..InstanceSettings::default() };
    let emulator = Emulator::start(EmulatorOptions { settings, ..options }).await.unwrap();
    emulator.users().create(&json!({ "phone_number": ["+12015550100"] })).unwrap();
    let browser = Browser::of(&emulator);
    let form = [("identifier", "+12015550100"), ("strategy", "phone_code")];
    let begun = browser.post("/v1/client/sign_ins", &form).await.ok();
    assert_eq!(begun["response"]["supported_first_factors"][0]["safe_identifier"], "********0100");
    let code = [("strategy", "phone_code"), ("code", "424242")];
    let done = browser.post(&path(&begun["response"], "attempt_first_factor"), &code).await.ok();
    assert_eq!(done["response"]["status"], "complete");

    let (emulator, _, _) = start().await;
    emulator.users().create(&json!({ "phone_number": ["+12015550100"] })).unwrap();
    let off = Browser::of(&emulator).post("/v1/client/sign_ins", &form).await;
    assert_eq!(off.refused(), "422 form_identifier_not_found", "phone numbers are off by default, as with Clerk");
}

#[tokio::test]
async fn a_second_factor_is_a_code_to_the_reserved_phone() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let phone = json!({
        "user_id": user["id"], "phone_number": "+12015550101", "verified": true, "reserved_for_second_factor": true,
    });
    let client = crate::support::Client::of(&emulator);
    client.post("/v1/phone_numbers", phone).await.ok();
    let browser = Browser::of(&emulator);
    let form = [("identifier", "ada+clerk_test@example.com"), ("password", "correct horse")];
    let half = browser.post("/v1/client/sign_ins", &form).await.ok();
    let sign_in = &half["response"];
    assert_eq!(sign_in["status"], "needs_second_factor");
    assert_eq!(half["client"]["sessions"], json!([]));
    browser.post(&path(sign_in, "prepare_second_factor"), &[("strategy", "phone_code")]).await.ok();
    let code = [("strategy", "phone_code"), ("code", "424242")];
    let done = browser.post(&path(sign_in, "attempt_second_factor"), &code).await.ok();
    assert_eq!(done["response"]["status"], "complete");
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_code() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    let browser = Browser::of(&emulator);
    let form = [("identifier", "ada+clerk_test@example.com"), ("strategy", "reset_password_email_code")];
    let sign_in = browser.post("/v1/client/sign_ins", &form).await.ok()["response"].clone();
    let code = [("strategy", "reset_password_email_code"), ("code", "424242")];
    let proven = browser.post(&path(&sign_in, "attempt_first_factor"), &code).await.ok();
    assert_eq!(proven["response"]["status"], "needs_new_password");
    let reset = async |password: &str| browser.post(&path(&sign_in, "reset_password"), &[("password", password)]).await;
    assert_eq!(reset("short").await.refused(), "422 form_password_length_too_short");
    assert_eq!(reset("battery staple").await.ok()["response"]["status"], "complete");
    Browser::of(&emulator).sign_in("ada+clerk_test@example.com", "battery staple").await;
}

#[tokio::test]
async fn a_sign_in_token_works_once_and_can_name_an_organization() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let organization = crate::support::acme(&emulator, &user);
    let form = json!({ "user_id": user["id"], "org_id": organization["id"] });
    let token = client.post("/v1/sign_in_tokens", form).await.ok();
    assert_eq!(token["status"], "pending");
    let ticket = token["token"].as_str().unwrap();
    let sign_in = async || {
        let form = [("strategy", "ticket"), ("ticket", ticket)];
        Browser::of(&emulator).post("/v1/client/sign_ins", &form).await
    };
    let session = sign_in().await.ok()["client"]["sessions"][0].clone();
    assert_eq!(session["last_active_organization_id"], organization["id"]);
    assert_eq!(sign_in().await.refused(), "400 sign_in_token_already_used_code");

    let revoked = client.post("/v1/sign_in_tokens", json!({ "user_id": user["id"] })).await.ok();
    client.post(&format!("/v1/sign_in_tokens/{}/revoke", id(&revoked)), json!({})).await.ok();
    let form = [("strategy", "ticket"), ("ticket", revoked["token"].as_str().unwrap())];
    let answer = Browser::of(&emulator).post("/v1/client/sign_ins", &form).await;
    assert_eq!(answer.refused(), "400 sign_in_token_revoked_code");
}

#[tokio::test]
async fn what_is_not_emulated_says_so_in_clerks_form() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    let browser = Browser::of(&emulator);
    let sign_in = async |strategy: &str| {
        let form = [("identifier", "ada+clerk_test@example.com"), ("strategy", strategy)];
        browser.post("/v1/client/sign_ins", &form).await
    };
    for strategy in ["passkey", "oauth_google", "email_link", "saml", "web3_metamask_signature", "totp"] {
        let answer = sign_in(strategy).await;
        assert_eq!(answer.refused(), "501 not_emulated", "{strategy}");
        assert_eq!(answer.content_type, "application/json");
        let said = answer.body["errors"][0]["long_message"].as_str().unwrap();
        assert!(said.contains(strategy), "{said}");
    }
    assert_eq!(sign_in("phone_code").await.refused(), "422 strategy_for_user_invalid", "Ada has no phone");
    let nobody = browser.post("/v1/client/sign_ins", &[("identifier", "nobody@example.com")]).await;
    assert_eq!(nobody.refused(), "422 form_identifier_not_found");
    assert_eq!(browser.client().await, Value::Null, "a refused sign-in leaves no client behind");
}

#[tokio::test]
async fn a_banned_user_and_a_locked_one_stay_outside() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let browser = Browser::of(&emulator);
    let form = [("identifier", "ada+clerk_test@example.com"), ("password", "correct horse")];
    emulator.users().ban(id(&user)).unwrap();
    assert_eq!(browser.post("/v1/client/sign_ins", &form).await.refused(), "403 user_banned");
    emulator.users().unban(id(&user)).unwrap();
    emulator.users().lock(id(&user)).unwrap();
    assert_eq!(browser.post("/v1/client/sign_ins", &form).await.refused(), "403 user_locked");
}
