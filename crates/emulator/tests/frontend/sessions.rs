//! Sessions of a browser: several people, tokens, tasks, signing out, a restart.

use emulator::{Emulator, EmulatorOptions, InstanceSettings};
use serde_json::{Value, json};

use super::{ada, claims, events};
use crate::support::{APP, Browser, acme, id, options, start};

const ADA: &str = "ada+clerk_test@example.com";
const PASSWORD: &str = "correct horse";

fn path(session: &Value, step: &str) -> String {
    format!("/v1/client/sessions/{}/{step}", id(session))
}

fn bob(emulator: &Emulator) -> Value {
    emulator.users().create(&json!({ "email_address": ["bob@example.com"], "password": PASSWORD })).unwrap()
}

async fn start_with(settings: InstanceSettings) -> Emulator {
    let (options, _) = options();
    Emulator::start(EmulatorOptions { settings, ..options }).await.unwrap()
}

#[tokio::test]
async fn one_browser_takes_one_person_unless_the_instance_says_otherwise() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    bob(&emulator);
    let browser = Browser::of(&emulator);
    let session = browser.sign_in(ADA, PASSWORD).await;
    let second = browser.post("/v1/client/sign_ins", &[("identifier", "bob@example.com")]).await;
    assert_eq!(second.refused(), "400 session_exists");
    assert_eq!(second.body["errors"][0]["meta"]["session_id"], session["id"]);

    let settings = InstanceSettings { multi_session: true, ..InstanceSettings::default() };
    let emulator = start_with(settings).await;
    ada(&emulator);
    bob(&emulator);
    let browser = Browser::of(&emulator);
    let first = browser.sign_in(ADA, PASSWORD).await;
    let second = browser.sign_in("bob@example.com", PASSWORD).await;
    let again = browser.post("/v1/client/sign_ins", &[("identifier", ADA)]).await;
    assert_eq!(again.refused(), "400 identifier_already_signed_in");
    let client = browser.client().await;
    assert_eq!(client["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(client["last_active_session_id"], second["id"]);
    browser.post(&path(&first, "touch"), &[]).await.ok();
    assert_eq!(browser.client().await["last_active_session_id"], first["id"]);
    browser.post(&path(&first, "end"), &[]).await.ok();
    let client = browser.client().await;
    assert_eq!(client["sessions"][0]["id"], second["id"], "the other one is still signed in");
    assert_eq!(client["last_active_session_id"], second["id"]);
}

#[tokio::test]
async fn a_token_is_for_the_organization_it_is_asked_for() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let organization = acme(&emulator, &user);
    let template = json!({ "name": "supabase", "claims": { "role": "authenticated" } });
    client.post("/v1/jwt_templates", template).await.ok();
    let browser = Browser::of(&emulator);
    let session = browser.sign_in(ADA, PASSWORD).await;
    let token = async |step: &str, form: &[(&str, &str)]| {
        let answer = browser.post(&path(&session, step), form).await.ok();
        claims(answer["jwt"].as_str().unwrap())
    };
    assert_eq!(token("tokens", &[]).await.get("o"), None);
    let of_acme = token("tokens", &[("organization_id", id(&organization))]).await;
    assert_eq!((&of_acme["o"]["id"], &of_acme["azp"]), (&organization["id"], &json!(APP)));
    let by_template = token("tokens/supabase", &[]).await;
    assert_eq!(
        (&by_template["role"], &by_template["azp"], by_template.get("sid")),
        (&json!("authenticated"), &json!(APP), None)
    );
    let nowhere = browser.post(&path(&session, "tokens"), &[("organization_id", "org_x")]).await;
    assert_eq!(nowhere.refused(), "404 organization_not_found_or_unauthorized");
    let unknown = browser.post(&path(&session, "tokens/unknown"), &[]).await;
    assert_eq!(unknown.refused(), "404 resource_not_found");

    // A v1 page gets a v1 token.
    let old = browser.post(&format!("{}?__clerk_api_version=2024-10-01", path(&session, "tokens")), &[]).await.ok();
    assert_eq!(claims(old["jwt"].as_str().unwrap()).get("v"), None);
}

#[tokio::test]
async fn signing_out_ends_tokens_and_says_so() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    let browser = Browser::of(&emulator);
    let session = browser.sign_in(ADA, PASSWORD).await;
    let answer = browser.delete("/v1/client/sessions").await.ok();
    assert_eq!(answer["response"]["sessions"], json!([]));
    assert_eq!(emulator.sessions().get(id(&session)).unwrap()["status"], "removed");
    assert_eq!(browser.post(&path(&session, "tokens"), &[]).await.refused(), "404 resource_not_found");
    assert_eq!(events(&emulator).last().unwrap(), "session.removed");
    assert_eq!(browser.get("/v1/me").await.refused(), "401 authentication_invalid");

    let session = browser.sign_in(ADA, PASSWORD).await;
    browser.post(&path(&session, "end"), &[]).await.ok();
    assert_eq!(events(&emulator).last().unwrap(), "session.ended");
    let session = browser.sign_in(ADA, PASSWORD).await;
    emulator.sessions().revoke(id(&session)).unwrap();
    assert_eq!(browser.client().await["sessions"], json!([]), "a server's revocation reaches the browser");
    assert_eq!(browser.delete("/v1/client").await.ok(), json!({ "response": null, "client": null }));
    assert_eq!(browser.client().await, Value::Null);
}

#[tokio::test]
async fn a_browser_reaches_its_own_sessions_only() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    bob(&emulator);
    let (hers, his) = (Browser::of(&emulator), Browser::of(&emulator));
    let session = hers.sign_in(ADA, PASSWORD).await;
    his.sign_in("bob@example.com", PASSWORD).await;
    for step in ["tokens", "touch", "end", "remove"] {
        assert_eq!(his.post(&path(&session, step), &[]).await.refused(), "404 resource_not_found", "{step}");
    }
    let foreign = format!("/v1/me?_clerk_session_id={}", id(&session));
    assert_eq!(his.get(&foreign).await.refused(), "401 authentication_invalid");
    let revoke = format!("/v1/me/sessions/{}/revoke", id(&session));
    assert_eq!(his.post(&revoke, &[]).await.refused(), "404 resource_not_found");
    assert_eq!(emulator.sessions().get(id(&session)).unwrap()["status"], "active");
}

#[tokio::test]
async fn where_an_organization_is_required_a_session_is_pending_until_one_is_chosen() {
    let settings = InstanceSettings { organization_required: true, ..InstanceSettings::default() };
    let emulator = start_with(settings).await;
    let user = ada(&emulator);
    let organization = acme(&emulator, &user);
    let browser = Browser::of(&emulator);
    let session = browser.sign_in(ADA, PASSWORD).await;
    assert_eq!(session["status"], "pending");
    assert_eq!(session["tasks"], json!([{ "key": "choose-organization" }]));
    assert_eq!(claims(session["last_active_token"]["jwt"].as_str().unwrap())["sts"], "pending");
    assert_eq!(events(&emulator).last().unwrap(), "session.pending");

    let chosen = browser.post(&path(&session, "touch"), &[("active_organization_id", id(&organization))]).await.ok();
    assert_eq!((&chosen["response"]["status"], &chosen["response"]["tasks"]), (&json!("active"), &Value::Null));
    assert_eq!(events(&emulator).last().unwrap(), "session.created");
    let kept = browser.post(&path(&session, "touch"), &[("active_organization_id", "")]).await.ok();
    assert_eq!(kept["response"]["last_active_organization_id"], organization["id"], "there is no personal account");
}

#[tokio::test]
async fn who_is_signed_in_survives_a_restart_and_another_instance_does_not_care() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("clerk.json");
    let (options, _) = options();
    let listen = options.listen;
    let emulator = Emulator::start(EmulatorOptions { state_file: Some(file.clone()), ..options }).await.unwrap();
    ada(&emulator);
    let browser = Browser::of(&emulator);
    let session = browser.sign_in(ADA, PASSWORD).await;
    let address = emulator.address();
    emulator.shutdown().await.unwrap();

    let (options, _) = crate::support::options();
    let again = EmulatorOptions { state_file: Some(file), listen: address, ..options };
    let emulator = Emulator::start(again).await.unwrap();
    assert_eq!(browser.client().await["sessions"][0]["id"], session["id"]);
    let foreign = Emulator::start(EmulatorOptions { listen, ..EmulatorOptions::default() }).await.unwrap();
    assert_eq!(browser.at(&foreign).client().await, Value::Null);
    drop(emulator);
}
