//! `rowlock trigger`: lets something happen in a running emulator.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use url::Url;

use super::dev::Ready;
use crate::cli::TriggerArguments;
use crate::printer::{GOOD, Printer};
use crate::report::Hinted;

pub(super) async fn run(arguments: TriggerArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let emulator = Emulator::find(&arguments)?;
    let message = match &arguments.object {
        Some(id) => emulator.post("__rowlock/events", &json!({ "type": arguments.event, "object_id": id })).await?,
        None => emulator.make(&arguments.event).await?,
    };
    let id = message["id"].as_str().context("the emulator's answer names no delivery")?.to_owned();
    if arguments.duplicate > 0 {
        let path = format!("__rowlock/deliveries/{id}/send");
        emulator.post(&path, &json!({ "copies": arguments.duplicate })).await?;
    }
    let copies =
        if arguments.duplicate > 0 { format!(", and {} more of it", arguments.duplicate) } else { String::new() };
    printer.line(format!("{GOOD}✓{GOOD:#} {} as {id}{copies}", arguments.event));
    printer.value(&json!({ "event": arguments.event, "delivery": id, "duplicates": arguments.duplicate }));
    Ok(ExitCode::SUCCESS)
}

/// The control side of a running emulator.
struct Emulator {
    client: reqwest::Client,
    base: Url,
    secret_key: String,
}

impl Emulator {
    fn find(arguments: &TriggerArguments) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(10)).build()?;
        if let (Some(base), Some(secret_key)) = (&arguments.emulator, &arguments.secret_key) {
            return Ok(Self { client, base: base.clone(), secret_key: secret_key.clone() });
        }
        let file = Ready::file(&arguments.data_dir);
        let text = std::fs::read_to_string(&file).map_err(|_| {
            Hinted::new(
                format!("no emulator runs here: there is no `{}`", file.display()),
                "start `rowlock dev` in this directory, or name one with --emulator and --secret-key",
            )
        })?;
        let ready: Ready = serde_json::from_str(&text).with_context(|| format!("`{}` is damaged", file.display()))?;
        Ok(Self { client, base: ready.clerk.api_url.parse()?, secret_key: ready.clerk.secret_key })
    }

    /// Creates what the event is about, through the API that an application would use.
    async fn make(&self, event: &str) -> anyhow::Result<Value> {
        let tag = jiff::Timestamp::now().as_millisecond();
        let created = match event {
            "user.created" => {
                let address = format!("user{tag}+clerk_test@example.com");
                let body = json!({ "email_address": [address], "first_name": "Grace", "last_name": "Hopper" });
                self.post("v1/users", &body).await?
            }
            "organization.created" => self.post("v1/organizations", &json!({ "name": format!("Team {tag}") })).await?,
            _ => {
                let hint = "only user.created and organization.created make something by themselves";
                return Err(
                    Hinted::new(format!("`{event}` needs something to be about: add --object <id>"), hint).into()
                );
            }
        };
        let id = created["id"].as_str().context("the emulator's answer has no id")?;
        let newest = self.get(&format!("__rowlock/deliveries?type={event}&limit=10")).await?;
        for message in newest.as_array().into_iter().flatten() {
            let Some(message_id) = message["id"].as_str() else { continue };
            let message = self.get(&format!("__rowlock/deliveries/{message_id}")).await?;
            if message["payload"]["data"]["id"] == id {
                return Ok(message);
            }
        }
        bail!("the emulator made {id} and announced nothing about it")
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.client.get(self.base.join(path)?)).await
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.client.post(self.base.join(path)?).json(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let response = request
            .bearer_auth(&self.secret_key)
            .send()
            .await
            .with_context(|| format!("the emulator at {} gave no answer", self.base))?;
        let status = response.status();
        let answer: Value = response.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        bail!("the emulator answered {status}: {}", answer["errors"][0]["long_message"].as_str().unwrap_or("no reason"))
    }
}
