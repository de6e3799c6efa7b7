//! Who receives webhooks.

use std::time::Duration;

use clerk::{SigningSecret, Timestamp};
use serde_json::{Value, json};

use crate::{
    form::{Field, Form},
    refusal::Refusal,
};

/// Svix: the old secret stays good for 24 hours.
const OVERLAP_SECONDS: i64 = 86_400;

/// An address that receives events. The secret signs every attempt.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) secret: SigningSecret,
    /// The secret before, and until when it signs beside the new one.
    pub(crate) previous_secret: Option<(SigningSecret, Timestamp)>,
    /// Event types that are wanted; empty means all.
    pub(crate) events: Vec<String>,
    /// Why nothing is sent, when nothing is sent.
    pub(crate) disabled: Option<String>,
    /// Since when every attempt has failed.
    pub(crate) failing_since: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
}

impl Endpoint {
    pub(crate) fn wants(&self, kind: &str) -> bool {
        self.disabled.is_none() && (self.events.is_empty() || self.events.iter().any(|wanted| wanted == kind))
    }

    /// The endpoint as the control API shows it. The secret is shown: whoever may ask owns the emulator.
    pub(crate) fn object(&self) -> Value {
        json!({
            "id": self.id,
            "url": self.url,
            "secret": self.secret.expose(),
            "events": self.events,
            "disabled": self.disabled,
            "failing_since": self.failing_since,
            "created_at": self.created_at,
        })
    }
}

/// An endpoint somebody adds.
#[derive(Debug)]
pub(crate) struct NewEndpoint {
    pub(crate) url: String,
    pub(crate) secret: Option<SigningSecret>,
    pub(crate) events: Vec<String>,
}

impl NewEndpoint {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let url = form.string("url")?.required("url")?;
        let secret = form.string("secret")?.given();
        let events = form.strings("events")?.given().unwrap_or_default();
        form.finish()?;
        Ok(Self { url: check_url(url)?, secret: secret.as_deref().map(parse_secret).transpose()?, events })
    }
}

/// Another secret for an endpoint. Svix signs with both for a day, unless told otherwise.
#[derive(Debug)]
pub(crate) struct SecretRotation {
    secret: Option<SigningSecret>,
    overlap: Duration,
}

impl SecretRotation {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let secret = form.string("secret")?.given();
        let overlap = form.bounded("overlap_seconds", 0..=i64::from(u32::MAX))?.given().unwrap_or(OVERLAP_SECONDS);
        form.finish()?;
        let secret = secret.as_deref().map(parse_secret).transpose()?;
        Ok(Self { secret, overlap: Duration::from_secs(overlap.unsigned_abs()) })
    }

    pub(crate) fn apply(self, endpoint: &mut Endpoint, now: Timestamp, draw: impl FnOnce() -> SigningSecret) {
        let old = std::mem::replace(&mut endpoint.secret, self.secret.unwrap_or_else(draw));
        endpoint.previous_secret = Some((old, now.plus(self.overlap)));
    }
}

/// Changes to an endpoint.
#[derive(Debug)]
pub(crate) struct EndpointPatch {
    url: Option<String>,
    secret: Option<SigningSecret>,
    events: Option<Vec<String>>,
    disabled: Field<bool>,
}

impl EndpointPatch {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let patch = Self {
            url: form.string("url")?.given().map(check_url).transpose()?,
            secret: form.string("secret")?.given().as_deref().map(parse_secret).transpose()?,
            events: form.strings("events")?.given(),
            disabled: form.boolean("disabled")?,
        };
        form.finish()?;
        Ok(patch)
    }

    pub(crate) fn apply(self, endpoint: &mut Endpoint) {
        if let Some(url) = self.url {
            endpoint.url = url;
        }
        if let Some(secret) = self.secret {
            endpoint.secret = secret;
        }
        if let Some(events) = self.events {
            endpoint.events = events;
        }
        match self.disabled {
            Field::Given(true) => endpoint.disabled = Some("disabled by hand".to_owned()),
            Field::Given(false) => {
                endpoint.disabled = None;
                endpoint.failing_since = None;
            }
            Field::Absent | Field::Null => {}
        }
    }
}

fn check_url(url: String) -> Result<String, Refusal> {
    let usable = url::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if usable { Ok(url) } else { Err(Refusal::wrong_format("url", "an http or https address with a host")) }
}

fn parse_secret(text: &str) -> Result<SigningSecret, Refusal> {
    SigningSecret::parse(text).map_err(|error| {
        let message = format!("The secret is unusable: {error}.");
        Refusal::form("form_param_format_invalid", "is invalid", message, "secret")
    })
}
