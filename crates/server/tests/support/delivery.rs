//! Deliveries as Svix sends them for Clerk, and what may happen to them on the way.

use clerk::{DeliveryId, SigningSecret};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::NOW;

/// The endpoint's signing secret.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The secret of another endpoint.
pub(crate) const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A delivery on the wire: every part can be changed after it was signed.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Delivery {
    /// Signed with [`SECRET`], sent now.
    pub(crate) fn of(id: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::signed_at(SECRET, id, NOW, body)
    }

    pub(crate) fn signed_at(secret: &str, id: &str, seconds: i64, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let signature = SigningSecret::parse(secret).unwrap().sign(&DeliveryId::parse(id).unwrap(), seconds, &body);
        let headers =
            vec![("svix-id", id.to_owned()), ("svix-timestamp", seconds.to_string()), ("svix-signature", signature)];
        Self { headers, body }
    }

    /// `user.created` for this user, under a delivery id of the same name.
    pub(crate) fn user_created(name: &str) -> Self {
        let body = event("user.created", &user(&format!("user_{name}")));
        Self::of(&format!("msg_{name}"), body)
    }

    /// Puts `value` in the place of the header's.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        let header = self.headers.iter_mut().find(|header| header.0 == name).unwrap();
        header.1 = value.into();
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|header| header.0 != name);
        self
    }

    /// With the header names of Standard Webhooks.
    pub(crate) fn white_labelled(mut self) -> Self {
        for (header, name) in self.headers.iter_mut().zip(["webhook-id", "webhook-timestamp", "webhook-signature"]) {
            header.0 = name;
        }
        self
    }

    pub(crate) fn on(&self, mut request: RequestBuilder) -> RequestBuilder {
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.header("content-type", "application/json").body(self.body.clone())
    }

    /// The head of the request, up to the headers that say how long the body is.
    pub(crate) fn head(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("POST /webhooks/clerk HTTP/1.1\r\nhost: localhost\r\n{headers}")
    }
}

/// The body of an event.
pub(crate) fn event(kind: &str, data: &Value) -> String {
    json!({ "object": "event", "type": kind, "timestamp": NOW * 1000, "instance_id": "ins_test", "data": data })
        .to_string()
}

/// Ada Lovelace, under this id.
pub(crate) fn user(id: &str) -> Value {
    json!({
        "id": id, "object": "user", "first_name": "Ada", "last_name": "Lovelace",
        "created_at": NOW * 1000, "updated_at": NOW * 1000, "primary_email_address_id": "idn_1",
        "email_addresses": [
            { "id": "idn_1", "email_address": "ada@example.com", "verification": { "status": "verified" } },
        ],
        "public_metadata": {}, "private_metadata": { "note": "hush" },
    })
}
