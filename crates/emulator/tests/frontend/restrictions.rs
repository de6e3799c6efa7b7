//! Who may sign up, and in old applications sign in.

use emulator::{Emulator, EmulatorOptions, InstanceSettings, SignUpMode};
use serde_json::json;

use super::{ada, newest};
use crate::support::{Browser, Client, options, start};

async fn in_mode(sign_up_mode: SignUpMode) -> (Emulator, Client) {
    let (options, _) = options();
    let settings = InstanceSettings { sign_up_mode, ..InstanceSettings::default() };
    let emulator = Emulator::start(EmulatorOptions { settings, ..options }).await.unwrap();
    let client = Client::of(&emulator);
    (emulator, client)
}

/// The status of a sign-up with that address, or why there is none.
async fn sign_up(emulator: &Emulator, address: &str) -> String {
    let answer = Browser::of(emulator).post("/v1/client/sign_ups", &[("email_address", address)]).await;
    match answer.status.is_success() {
        true => answer.body["response"]["status"].as_str().unwrap().to_owned(),
        false => answer.refused(),
    }
}

const BEGUN: &str = "missing_requirements";
const REFUSED: &str = "403 not_allowed_access";

#[tokio::test]
async fn the_allowlist_lets_in_who_is_on_it_and_wins_over_the_blocklist() {
    let (emulator, client, _) = start().await;
    let restrict = async |body| client.patch("/v1/instance/restrictions", body).await.ok();
    let list = async |list: &str, identifier: &str| {
        client.post(&format!("/v1/{list}list_identifiers"), json!({ "identifier": identifier })).await.ok()
    };
    list("allow", "*@acme.example").await;
    list("block", "eve@acme.example").await;
    list("block", "*@*.evil.example").await;
    assert_eq!(sign_up(&emulator, "anybody@elsewhere.example").await, BEGUN, "lists count when they are switched on");

    assert_eq!(restrict(json!({ "blocklist": true })).await["blocklist"], true);
    for (address, expected) in [
        ("EVE@acme.example", REFUSED),
        ("eve+again@acme.example", REFUSED),
        ("mallory@deep.evil.example", REFUSED),
        ("mallory@evil.example", BEGUN),
        ("anybody@elsewhere.example", BEGUN),
    ] {
        assert_eq!(sign_up(&emulator, address).await, expected, "{address}");
    }
    restrict(json!({ "allowlist": true })).await;
    for (address, expected) in
        [("eve@acme.example", BEGUN), ("Bob@ACME.example", BEGUN), ("anybody@elsewhere.example", REFUSED)]
    {
        assert_eq!(sign_up(&emulator, address).await, expected, "{address}");
    }
    let environment = Browser::of(&emulator).get("/v1/environment").await.ok();
    assert_eq!(environment["user_settings"]["restrictions"]["allowlist"]["enabled"], true);

    // What a refusal says, and that an invitation opens the door.
    let form = [("email_address", "guest@elsewhere.example")];
    let refused = Browser::of(&emulator).post("/v1/client/sign_ups", &form).await;
    assert_eq!(refused.body["errors"][0]["meta"]["identifiers"], json!(["guest@elsewhere.example"]));
    let invitation = json!({ "email_address": "guest@elsewhere.example" });
    let invited = client.post("/v1/invitations", invitation).await.ok();
    let ticket = invited["url"].as_str().unwrap().rsplit('=').next().unwrap();
    let form = [("strategy", "ticket"), ("ticket", ticket), ("password", "correct horse")];
    let done = Browser::of(&emulator).post("/v1/client/sign_ups", &form).await.ok();
    assert_eq!(done["response"]["status"], "complete");
}

#[tokio::test]
async fn old_applications_restrict_who_signs_in_too() {
    let (emulator, client, _) = start().await;
    ada(&emulator);
    client.post("/v1/blocklist_identifiers", json!({ "identifier": "*@example.com" })).await.ok();
    client.patch("/v1/instance/restrictions", json!({ "blocklist": true })).await.ok();
    let form = [("identifier", "ada+clerk_test@example.com"), ("password", "correct horse")];
    let sign_in = async || Browser::of(&emulator).post("/v1/client/sign_ins", &form).await;
    assert_eq!(sign_in().await.ok()["response"]["status"], "complete");
    client.patch("/v1/instance/restrictions", json!({ "allowlist_blocklist_disabled_on_sign_in": false })).await.ok();
    assert_eq!(sign_in().await.refused(), REFUSED);
}

#[tokio::test]
async fn subaddresses_can_be_kept_out() {
    let (emulator, client, _) = start().await;
    client.patch("/v1/instance/restrictions", json!({ "block_email_subaddresses": true })).await.ok();
    assert_eq!(sign_up(&emulator, "bob+2@example.com").await, REFUSED);
    assert_eq!(sign_up(&emulator, "bob@example.com").await, BEGUN);
    assert_eq!(sign_up(&emulator, "bob+clerk_test@example.com").await, BEGUN, "test addresses stay usable");
    let disposable = json!({ "block_disposable_email_domains": true });
    assert_eq!(client.patch("/v1/instance/restrictions", disposable).await.refused(), "501 not_emulated");
}

#[tokio::test]
async fn a_restricted_application_takes_whoever_was_invited() {
    let (emulator, client) = in_mode(SignUpMode::Restricted).await;
    assert_eq!(sign_up(&emulator, "bob@example.com").await, "403 sign_up_mode_restricted");
    client.post("/v1/users", json!({ "email_address": ["made@example.com"] })).await.ok();
    let invited = client.post("/v1/invitations", json!({ "email_address": "bob@example.com" })).await.ok();
    let ticket = invited["url"].as_str().unwrap().rsplit('=').next().unwrap();
    let form = [("strategy", "ticket"), ("ticket", ticket), ("password", "correct horse")];
    let done = Browser::of(&emulator).post("/v1/client/sign_ups", &form).await.ok();
    assert_eq!(done["response"]["status"], "complete");
    let made_up = [("strategy", "ticket"), ("ticket", "nonsense")];
    let refused = Browser::of(&emulator).post("/v1/client/sign_ups", &made_up).await;
    assert_eq!(refused.refused(), "400 ticket_invalid_code");
}

#[tokio::test]
async fn the_waitlist_is_joined_and_left_by_an_invitation() {
    let (emulator, client) = in_mode(SignUpMode::Waitlist).await;
    assert_eq!(sign_up(&emulator, "bob@example.com").await, "403 sign_up_restricted_waitlist");
    let environment = Browser::of(&emulator).get("/v1/environment").await.ok();
    assert_eq!(environment["user_settings"]["sign_up"]["mode"], "waitlist");
    let join = async || Browser::of(&emulator).post("/v1/waitlist", &[("email_address", "bob@example.com")]).await.ok();
    let entry = join().await["response"]["id"].as_str().unwrap().to_owned();
    assert_eq!(join().await["response"]["id"], entry.as_str(), "once on the list");
    assert_eq!(newest(&emulator, "waitlistEntry.created")["email_address"], "bob@example.com");
    client.post(&format!("/v1/waitlist_entries/{entry}/invite"), json!({})).await.ok();
    let invitation = newest(&emulator, "email.created")["data"]["action_url"].as_str().unwrap().to_owned();
    let ticket = invitation.rsplit('=').next().unwrap();
    let form = [("strategy", "ticket"), ("ticket", ticket), ("password", "correct horse")];
    let done = Browser::of(&emulator).post("/v1/client/sign_ups", &form).await.ok();
    assert_eq!(done["response"]["status"], "complete");
    assert_eq!(newest(&emulator, "waitlistEntry.updated")["status"], "completed");
}

#[tokio::test]
async fn an_application_without_a_waitlist_takes_nobody_on_it() {
    let (emulator, _, _) = start().await;
    let refused = Browser::of(&emulator).post("/v1/waitlist", &[("email_address", "bob@example.com")]).await;
    assert_eq!(refused.refused(), "403 waitlist_not_accepting_entries");
}
