//! What the server does not accept, and what it says about it.

use anyhow::Context as _;
use clerk::UserId;
use emulator::{Emulator, EmulatorOptions, TokenKind, TokenRequest};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::people::People;
use super::story::Story;
use crate::stack::{Stack, WEBHOOK_PATH};

pub(super) async fn show(stack: &Stack, people: &People, story: &mut Story) -> anyhow::Result<()> {
    let client = reqwest::Client::new();
    let webhook = client.post(format!("{}{WEBHOOK_PATH}", stack.api_url()));
    let unsigned = webhook.json(&json!({ "type": "user.created", "data": { "id": "user_forged" } }));
    refused("unsigned-webhook", "a webhook without a signature", unsigned, story).await?;

    let ada = Some(UserId::parse(&people.ada.user_id)?);
    let asking = |token: &str| client.get(format!("{}/whoami", stack.api_url())).bearer_auth(token);
    let expired = TokenRequest { user_id: ada.clone(), expires_in_seconds: Some(-30), ..TokenRequest::default() };
    refused("expired-token", "an expired token", asking(&stack.emulator.mint(&expired)?), story).await?;

    let elsewhere = Emulator::start(EmulatorOptions::default()).await?;
    let stranger = elsewhere.users().create(&json!({ "email_address": ["ada@example.com"] }))?;
    let user_id = Some(UserId::parse(stranger["id"].as_str().context("a user has an id")?)?);
    let foreign = elsewhere.mint(&TokenRequest { user_id, ..TokenRequest::default() })?;
    refused("foreign-token", "a token of another instance", asking(&foreign), story).await?;
    elsewhere.shutdown().await?;

    let template = TokenRequest { user_id: ada, class: TokenKind::Template, ..TokenRequest::default() };
    refused("template-token", "a JWT template as a session", asking(&stack.emulator.mint(&template)?), story).await
}

/// Sends a request that must be refused with 401 and a reason.
async fn refused(name: &'static str, what: &str, request: RequestBuilder, story: &mut Story) -> anyhow::Result<()> {
    let response = request.send().await.context("the server gave no answer")?;
    let status = response.status();
    let answer: Value = response.json().await.unwrap_or_default();
    let message = answer["error"]["message"].as_str().unwrap_or("no reason was given");
    let held = status == reqwest::StatusCode::UNAUTHORIZED && answer["error"]["code"].is_string();
    story.step(name, held, format!("{what}: {} {message}", status.as_u16()));
    Ok(())
}
