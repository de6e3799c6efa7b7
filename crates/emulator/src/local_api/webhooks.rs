//! The webhook sender from Rust.

use std::sync::Arc;

use bytes::Bytes;
use clerk::{DeliveryId, EventKind, Timestamp};
use serde_json::{Value, json};

use super::LocalCall;
use crate::{Refusal, control, instance::Instance};

/// A message as an endpoint of the instance would get it, taken out of the outbox.
#[derive(Debug, Clone)]
pub struct RawMessage {
    /// The `svix-id`.
    pub id: DeliveryId,
    /// What happened.
    pub kind: EventKind,
    /// The very bytes that are signed.
    pub body: Bytes,
    /// When it was signed: when it was taken.
    pub signed_at: Timestamp,
    signature: String,
}

impl RawMessage {
    /// The headers of a delivery, signed with the instance's own secret.
    #[must_use]
    pub fn headers(&self) -> [(&'static str, String); 4] {
        [
            ("content-type", "application/json".to_owned()),
            ("svix-id", self.id.to_string()),
            ("svix-timestamp", self.signed_at.seconds().to_string()),
            ("svix-signature", self.signature.clone()),
        ]
    }
}

/// Endpoints, deliveries, and the means to disturb them: what a test of a receiver needs.
#[derive(Debug, Clone, Copy)]
pub struct WebhooksApi<'a>(pub(super) &'a Arc<Instance>);

#[expect(clippy::missing_errors_doc, reason = "refused are ids that do not exist and malformed endpoints only")]
impl WebhooksApi<'_> {
    /// Adds an endpoint that gets every event, signed with the instance's own secret. Answers with the endpoint.
    pub fn add_endpoint(&self, url: &str) -> Result<Value, Refusal> {
        let secret = self.0.identity.webhook_secret.expose();
        self.add_endpoint_with(&json!({ "url": url, "secret": secret }))
    }

    /// Adds an endpoint: `url`, and if wanted `secret` (drawn otherwise) and `events` (all otherwise).
    pub fn add_endpoint_with(&self, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).body(body).run(control::add_endpoint)
    }

    /// Changes `url`, `secret`, `events` or `disabled` of an endpoint.
    pub fn change_endpoint(&self, id: &str, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("endpoint_id", id).body(body).run(control::change_endpoint)
    }

    /// Every endpoint.
    pub fn endpoints(&self) -> Result<Value, Refusal> {
        LocalCall::to(self.0).run(control::list_endpoints)
    }

    /// Removes an endpoint; what is still open for it fails.
    pub fn remove_endpoint(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("endpoint_id", id).run(control::remove_endpoint)
    }

    /// The ids of all messages, oldest first: the order in which things happened.
    #[must_use]
    pub fn message_ids(&self) -> Vec<String> {
        self.0.webhooks.read(|outbox| outbox.oldest_first().map(|message| message.id.to_string()).collect())
    }

    /// A message with its deliveries, their attempts, and the payload.
    pub fn message(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("message_id", id).run(control::get_delivery)
    }

    /// Holds scheduled deliveries back until [`WebhooksApi::resume`].
    pub fn pause(&self) {
        self.0.webhooks.with(|outbox| outbox.set_paused(true));
    }

    /// Takes every message out, oldest first, whether an endpoint was to get it or not: the outbox is empty afterwards
    /// and sends none of them. For whoever wants to deliver them himself, in an order of his own.
    #[must_use]
    pub fn take(&self) -> Vec<RawMessage> {
        let taken = self.0.webhooks.with(|outbox| outbox.take_all());
        let (secret, now) = (&self.0.identity.webhook_secret, self.0.clock.now());
        taken
            .into_iter()
            .map(|message| RawMessage {
                signature: secret.sign(&message.id, now.seconds(), &message.body),
                signed_at: now,
                id: message.id,
                kind: EventKind::parse(&message.kind),
                body: message.body,
            })
            .collect()
    }

    /// Lets held deliveries go.
    pub fn resume(&self) {
        self.0.webhooks.with(|outbox| outbox.set_paused(false));
    }

    /// Sends a message now, paused or not, as often as said, always under its own id.
    pub fn send(&self, id: &str, copies: usize) -> Result<(), Refusal> {
        self.0.webhooks.with(|outbox| outbox.send_again(id, None, copies)).map(|_| ())
    }

    /// Loses a message: what is still open of it is never sent by the schedule.
    pub fn discard(&self, id: &str) -> Result<(), Refusal> {
        self.0.webhooks.with(|outbox| outbox.discard(id))
    }

    /// Announces an event of an object that exists, without changing it. Answers with the message.
    pub fn trigger(&self, kind: &str, object_id: &str) -> Result<Value, Refusal> {
        self.trigger_any(&json!({ "type": kind, "object_id": object_id })).map(|mut messages| messages.remove(0))
    }

    /// Announces an event with data of the caller's own. Answers with the message.
    pub fn trigger_with(&self, kind: &str, data: &Value) -> Result<Value, Refusal> {
        self.trigger_any(&json!({ "type": kind, "data": data })).map(|mut messages| messages.remove(0))
    }

    /// Lets an event of a kind happen, with everything that has to be there first. Answers with the messages.
    pub fn happen(&self, kind: &str) -> Result<Vec<Value>, Refusal> {
        self.trigger_any(&json!({ "type": kind }))
    }

    /// `POST /__rowlock/events`: `type`, and if wanted `user`, `object_id` or `data`, `count`, `duplicate`, `shuffle`,
    /// `drop`, `delay_ms`. Answers with the messages.
    pub fn trigger_any(&self, body: &Value) -> Result<Vec<Value>, Refusal> {
        let mut answer = LocalCall::to(self.0).body(body).run(control::trigger)?;
        match answer["messages"].take() {
            Value::Array(messages) => Ok(messages),
            other => unreachable!("a trigger answers with a list, not with {other}"),
        }
    }

    /// Waits until nothing is on its way and nothing is due. With a receiver that keeps failing this takes as long as
    /// the schedule does.
    pub async fn settled(&self) {
        self.0.webhooks.settled().await;
    }
}
