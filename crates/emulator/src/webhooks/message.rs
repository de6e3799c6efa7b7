//! Messages and their deliveries.

use std::collections::BTreeMap;

use bytes::Bytes;
use clerk::{DeliveryId, InstanceId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::attempt::Attempt;
use crate::change::Event;

/// Who caused an event, for `event_attributes.http_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) client_ip: String,
    pub(crate) user_agent: String,
}

/// The body of a webhook: Clerk's envelope around the object.
pub(crate) fn envelope(event: &Event, instance_id: &InstanceId, origin: &Origin) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a> {
        data: &'a RawValue,
        event_attributes: Value,
        instance_id: &'a InstanceId,
        object: &'static str,
        timestamp: Timestamp,
        r#type: &'a str,
    }
    let envelope = Envelope {
        data: &event.data,
        event_attributes: json!({
            "http_request": { "client_ip": origin.client_ip, "user_agent": origin.user_agent }
        }),
        instance_id,
        object: "event",
        timestamp: event.at,
        r#type: event.kind.as_str(),
    };
    Bytes::from(serde_json::to_vec(&envelope).expect("an envelope has a JSON form"))
}

/// One event on its way to every endpoint that wants it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: DeliveryId,
    pub(crate) kind: String,
    pub(crate) body: Bytes,
    pub(crate) created_at: Timestamp,
    /// By endpoint id.
    pub(crate) deliveries: BTreeMap<String, Delivery>,
}

/// A message on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delivery {
    pub(crate) status: DeliveryStatus,
    /// Scheduled attempts that failed.
    pub(crate) failures: usize,
    pub(crate) attempts: Vec<Attempt>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryStatus {
    /// To be sent at that time, or as soon as the outbox is no longer paused.
    Pending {
        due: Timestamp,
    },
    Sending,
    Delivered,
    /// Given up, for that reason.
    Failed(String),
    /// Taken out by hand: as lost as a message can be.
    Discarded,
}

impl DeliveryStatus {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Failed(_) => "failed",
            Self::Discarded => "discarded",
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Pending { .. } | Self::Sending)
    }
}

impl Message {
    pub(crate) fn is_open(&self) -> bool {
        self.deliveries.values().any(|delivery| delivery.status.is_open())
    }

    /// The message as the control API shows it.
    pub(crate) fn object(&self) -> Value {
        let deliveries: Vec<Value> =
            self.deliveries.iter().map(|(endpoint, delivery)| delivery.object(endpoint)).collect();
        json!({
            "id": self.id,
            "type": self.kind,
            "created_at": self.created_at,
            "deliveries": deliveries,
        })
    }
}

impl Delivery {
    fn object(&self, endpoint: &str) -> Value {
        let mut object = json!({
            "endpoint_id": endpoint,
            "status": self.status.name(),
            "attempts": self.attempts,
        });
        match &self.status {
            DeliveryStatus::Pending { due } => object["next_attempt_at"] = json!(due),
            DeliveryStatus::Failed(reason) => object["reason"] = json!(reason),
            DeliveryStatus::Sending | DeliveryStatus::Delivered | DeliveryStatus::Discarded => {}
        }
        object
    }
}
