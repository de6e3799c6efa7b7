//! E-mails and text messages. Nobody receives them: they are the events `email.created` and `sms.created` and nothing
//! else, as they are for a customer of Clerk who delivers messages himself.
//!
//! What a person would read out of the message, a code or a link, is in `data`, where Clerk puts what the template was
//! filled with.

use clerk::{EventKind, UserId};
use serde_json::{Value, json};

use crate::change::Change;

/// The sender's local part that Clerk uses.
const FROM: &str = "notifications";
/// A number from the range that is reserved for fiction.
const FROM_NUMBER: &str = "+15005550006";

/// An e-mail about to be announced.
#[derive(Debug)]
pub(crate) struct Email<'a> {
    /// The template: `verification_code`, `invitation`, `organization_invitation`, …
    pub(crate) slug: &'static str,
    pub(crate) to: &'a str,
    pub(crate) email_address_id: Option<&'a str>,
    pub(crate) user_id: Option<&'a UserId>,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) data: Value,
}

/// A text message about to be announced.
#[derive(Debug)]
pub(crate) struct Sms<'a> {
    pub(crate) slug: &'static str,
    pub(crate) to: &'a str,
    pub(crate) phone_number_id: Option<&'a str>,
    pub(crate) user_id: Option<&'a UserId>,
    pub(crate) text: String,
    pub(crate) data: Value,
}

impl Change<'_> {
    pub(crate) fn announce_email(&mut self, email: &Email<'_>) {
        let object = json!({
            "object": "email",
            "id": self.state.ids.prefixed("ema_", self.now),
            "slug": email.slug,
            "from_email_name": FROM,
            "reply_to_email_name": null,
            "to_email_address": email.to,
            "email_address_id": email.email_address_id,
            "user_id": email.user_id,
            "subject": email.subject,
            "body": format!("<p>{}</p>", escape(&email.text)),
            "body_plain": email.text,
            "status": "queued",
            "data": email.data,
            "delivered_by_clerk": true,
        });
        self.announce(EventKind::EmailCreated, &object);
    }

    pub(crate) fn announce_sms(&mut self, sms: &Sms<'_>) {
        let object = json!({
            "object": "sms_message",
            "id": self.state.ids.prefixed("sms_", self.now),
            "slug": sms.slug,
            "from_phone_number": FROM_NUMBER,
            "to_phone_number": sms.to,
            "phone_number_id": sms.phone_number_id,
            "user_id": sms.user_id,
            "message": sms.text,
            "status": "queued",
            "data": sms.data,
            "delivered_by_clerk": true,
            // The schema names the one, Clerk's example the other (webhooks 2025-04-15, SmsEventPayload).
            "created_at_ms": self.now,
            "created_at": self.now,
        });
        self.announce(EventKind::SmsCreated, &object);
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
