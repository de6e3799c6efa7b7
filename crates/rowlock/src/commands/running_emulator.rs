//! The control side of an emulator that runs already, found by the file its command leaves while it runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::dev;
use crate::cli::EmulatorArguments;
use crate::report::Hinted;

/// The emulator answers at once, but it may have a thousand events to make.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where `rowlock clerk` can be reached while it runs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Running {
    pub(super) api_url: String,
    pub(super) secret_key: String,
}

impl Running {
    /// Beside the state of `rowlock clerk`; removed when it stops.
    pub(super) fn file(data_dir: &Path) -> PathBuf {
        data_dir.join("clerk.running.json")
    }

    fn find(data_dir: &Path) -> anyhow::Result<Self> {
        let file = Self::file(data_dir);
        if let Ok(text) = std::fs::read_to_string(&file) {
            return serde_json::from_str(&text).with_context(|| format!("`{}` is damaged", file.display()));
        }
        let ready = dev::Ready::of_running(data_dir)?.ok_or_else(|| {
            Hinted::new(
                format!("no emulator runs here: there is no `{}`", dev::Ready::file(data_dir).display()),
                "start `rowlock dev` or `rowlock clerk` in this directory, or name one with --emulator and --secret-key",
            )
        })?;
        Ok(Self { api_url: ready.clerk.api_url, secret_key: ready.clerk.secret_key })
    }
}

/// A client of the control API.
pub(super) struct RunningEmulator {
    client: reqwest::Client,
    base: Url,
    secret_key: String,
}

impl RunningEmulator {
    pub(super) fn find(arguments: &EmulatorArguments) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build()?;
        if let (Some(base), Some(secret_key)) = (&arguments.emulator, &arguments.secret_key) {
            return Ok(Self { client, base: base.clone(), secret_key: secret_key.clone() });
        }
        let Running { api_url, secret_key } = Running::find(&arguments.data_dir)?;
        Ok(Self { client, base: api_url.parse()?, secret_key })
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.client.post(self.control(path)?).json(body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.client.patch(self.control(path)?).json(body)).await
    }

    fn control(&self, path: &str) -> anyhow::Result<Url> {
        Ok(self.base.join(&format!("__rowlock/{path}"))?)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let response = request.bearer_auth(&self.secret_key).send().await.map_err(|_| {
            let hint = "it may have ended without a word; start it again, or name another with --emulator";
            Hinted::new(format!("no emulator answers at {}", self.base), hint)
        })?;
        let status = response.status();
        let answer: Value = response.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        bail!("the emulator answered {status}: {}", answer["errors"][0]["long_message"].as_str().unwrap_or("no reason"))
    }
}
