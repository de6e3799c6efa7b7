//! What of an outbox outlives the process: the endpoints and every message that is still open.
//!
//! Messages that reached all their endpoints, or were given up, are forgotten at a restart; they cannot be replayed then.

use std::collections::BTreeMap;

use bytes::Bytes;
use clerk::{DeliveryId, InvalidSigningSecret, SigningSecret, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    endpoint::Endpoint,
    message::{Delivery, DeliveryStatus, Message},
    outbox::{Outbox, OutboxSettings},
};

/// An outbox as the state file holds it: the endpoints and what is still open.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedOutbox {
    endpoints: Vec<SavedEndpoint>,
    messages: Vec<SavedMessage>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedEndpoint {
    id: String,
    url: String,
    secret: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_secret: Option<(String, Timestamp)>,
    events: Vec<String>,
    disabled: Option<String>,
    failing_since: Option<Timestamp>,
    created_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedMessage {
    id: DeliveryId,
    kind: String,
    body: String,
    created_at: Timestamp,
    deliveries: BTreeMap<String, Delivery>,
}

impl Outbox {
    pub(crate) fn save(&self) -> SavedOutbox {
        let endpoints = self.endpoints.values().map(|endpoint| SavedEndpoint {
            id: endpoint.id.clone(),
            url: endpoint.url.clone(),
            secret: endpoint.secret.expose().to_owned(),
            previous_secret: endpoint
                .previous_secret
                .as_ref()
                .map(|(secret, until)| (secret.expose().to_owned(), *until)),
            events: endpoint.events.clone(),
            disabled: endpoint.disabled.clone(),
            failing_since: endpoint.failing_since,
            created_at: endpoint.created_at,
        });
        let messages = self.messages.values().filter(|message| message.is_open()).map(|message| SavedMessage {
            id: message.id.clone(),
            kind: message.kind.clone(),
            body: String::from_utf8_lossy(&message.body).into_owned(),
            created_at: message.created_at,
            deliveries: message.deliveries.clone(),
        });
        SavedOutbox { endpoints: endpoints.collect(), messages: messages.collect() }
    }

    /// What was on its way when the instance stopped is due at once.
    pub(crate) fn load(
        settings: OutboxSettings,
        saved: SavedOutbox,
        now: Timestamp,
    ) -> Result<Self, InvalidSigningSecret> {
        let mut outbox = Self::new(settings);
        for saved in saved.endpoints {
            outbox.add_endpoint(Endpoint {
                secret: SigningSecret::parse(&saved.secret)?,
                previous_secret: match saved.previous_secret {
                    None => None,
                    Some((secret, until)) => Some((SigningSecret::parse(&secret)?, until)),
                },
                id: saved.id,
                url: saved.url,
                events: saved.events,
                disabled: saved.disabled,
                failing_since: saved.failing_since,
                created_at: saved.created_at,
            });
        }
        for saved in saved.messages {
            let mut deliveries = saved.deliveries;
            for delivery in deliveries.values_mut() {
                if delivery.status == DeliveryStatus::Sending {
                    delivery.status = DeliveryStatus::Pending { due: now };
                }
            }
            outbox.insert(Message {
                id: saved.id,
                kind: saved.kind,
                body: Bytes::from(saved.body),
                created_at: saved.created_at,
                deliveries,
            });
        }
        Ok(outbox)
    }
}
