//! `/v1/client/sign_ups`: what is missing, what is unverified, and the user at the end.

use emulator::{Emulator, EmulatorOptions, InstanceSettings, Requirement};
use serde_json::{Value, json};

use super::{ada, events, newest};
use crate::support::{Browser, acme, id, options, start};

fn path(sign_up: &Value, step: &str) -> String {
    format!("/v1/client/sign_ups/{}{step}", id(sign_up))
}

#[tokio::test]
async fn somebody_new_signs_up_step_by_step() {
    let (emulator, _, _) = start().await;
    let browser = Browser::of(&emulator);
    let begun = browser.post("/v1/client/sign_ups", &[("email_address", "new+clerk_test@example.com")]).await.ok();
    let sign_up = begun["response"].clone();
    assert_eq!(sign_up["status"], "missing_requirements");
    assert_eq!(sign_up["missing_fields"], json!(["password"]));
    assert_eq!(sign_up["unverified_fields"], json!(["email_address"]));
    assert_eq!(sign_up["verifications"]["email_address"]["next_action"], "needs_prepare");
    assert_eq!(begun["client"]["sign_up"]["id"], sign_up["id"]);

    let metadata = [("password", "correct horse"), ("first_name", "New"), ("unsafe_metadata", r#"{"source":"test"}"#)];
    let patched = browser.patch(&path(&sign_up, ""), &metadata).await.ok();
    assert_eq!(patched["response"]["missing_fields"], json!([]));

    let email_code = [("strategy", "email_code")];
    let prepared = browser.post(&path(&sign_up, "/prepare_verification"), &email_code).await.ok();
    assert_eq!(prepared["response"]["verifications"]["email_address"]["next_action"], "needs_attempt");
    let attempt = async |code: &str| {
        let form = [("strategy", "email_code"), ("code", code)];
        browser.post(&path(&sign_up, "/attempt_verification"), &form).await
    };
    assert_eq!(attempt("000000").await.refused(), "422 form_code_incorrect");
    assert_eq!(events(&emulator), [""; 0]);
    let done = attempt("424242").await.ok();
    assert_eq!(done["response"]["status"], "complete");
    let session = &done["client"]["sessions"][0];
    assert_eq!(session["id"], done["response"]["created_session_id"]);
    assert_eq!(events(&emulator), ["user.created", "user.updated", "session.created"]);

    let user = emulator.users().get(done["response"]["created_user_id"].as_str().unwrap()).unwrap();
    assert_eq!((&user["first_name"], &user["password_enabled"]), (&json!("New"), &json!(true)));
    assert_eq!(user["unsafe_metadata"], json!({ "source": "test" }));
    assert_eq!(user["email_addresses"][0]["verification"]["status"], "verified");
    Browser::of(&emulator).sign_in("new+clerk_test@example.com", "correct horse").await;
}

#[tokio::test]
async fn the_settings_say_what_is_asked_for() {
    let (options, _) = options();
    let settings = InstanceSettings {
        password: Requirement::Off,
        username: Requirement::Required,
        first_name: Requirement::Off,
        ..InstanceSettings::default()
    };
    let emulator = Emulator::start(EmulatorOptions { settings, ..options }).await.unwrap();
    let browser = Browser::of(&emulator);
    let begun = browser.post("/v1/client/sign_ups", &[("email_address", "new+clerk_test@example.com")]).await.ok();
    assert_eq!(begun["response"]["required_fields"], json!(["email_address", "username"]));
    assert_eq!(begun["response"]["optional_fields"], json!(["last_name"]));
    assert_eq!(begun["response"]["missing_fields"], json!(["username"]));
    let refused = async |form: &[(&str, &str)]| browser.post("/v1/client/sign_ups", form).await.refused();
    assert_eq!(refused(&[("password", "correct horse")]).await, "422 form_param_unknown");
    assert_eq!(refused(&[("username", "ab")]).await, "422 form_username_invalid_length");
    let environment = browser.get("/v1/environment").await.ok();
    let attributes = &environment["user_settings"]["attributes"];
    assert_eq!(
        (&attributes["username"]["required"], &attributes["password"]["enabled"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn an_address_that_somebody_has_is_taken() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    let browser = Browser::of(&emulator);
    let sign_up = async |form: &[(&str, &str)]| browser.post("/v1/client/sign_ups", form).await.refused();
    assert_eq!(sign_up(&[("email_address", "ADA+clerk_test@example.com")]).await, "422 form_identifier_exists");
    assert_eq!(sign_up(&[("email_address", "nonsense")]).await, "422 form_param_format_invalid");
    assert_eq!(sign_up(&[("strategy", "oauth_google")]).await, "501 not_emulated");
}

#[tokio::test]
async fn an_invitation_is_accepted_by_signing_up_with_its_ticket() {
    let (emulator, client, _) = start().await;
    let organization = acme(&emulator, &ada(&emulator));
    let invitation = json!({
        "email_address": "bob@example.com", "role": "org:member", "redirect_url": "http://localhost:3000/join",
    });
    client.post(&format!("/v1/organizations/{}/invitations", id(&organization)), invitation).await.ok();
    let mail = newest(&emulator, "email.created");
    let link = mail["data"]["action_url"].as_str().unwrap().strip_prefix(emulator.base_url()).unwrap();

    let browser = Browser::of(&emulator);
    let response = browser.send(browser.request(reqwest::Method::GET, link)).await;
    assert_eq!(response.status(), 307);
    let to = url::Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    let parameters: std::collections::HashMap<_, _> = to.query_pairs().into_owned().collect();
    assert_eq!((to.path(), parameters["__clerk_status"].as_str()), ("/join", "sign_up"));

    let ticket = parameters["__clerk_ticket"].as_str();
    let form = [("strategy", "ticket"), ("ticket", ticket), ("password", "correct horse")];
    let done = browser.post("/v1/client/sign_ups", &form).await.ok();
    assert_eq!(done["response"]["status"], "complete", "the ticket proves the address");
    let session = &done["client"]["sessions"][0];
    assert_eq!(session["last_active_organization_id"], organization["id"]);
    assert_eq!(session["user"]["organization_memberships"][0]["role"], "org:member");
    let happened = events(&emulator);
    for kind in ["organizationInvitation.accepted", "organizationMembership.created", "session.created"] {
        assert!(happened.contains(&kind.to_owned()), "{kind} in {happened:?}");
    }
    let again = Browser::of(&emulator).post("/v1/client/sign_ups", &form).await;
    assert_eq!(again.refused(), "400 ticket_invalid_code");
}
