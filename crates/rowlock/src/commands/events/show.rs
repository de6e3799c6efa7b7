//! `rowlock events show`: all that is known of one delivery.

use std::process::ExitCode;

use clerk::DeliveryId;
use mirror::{InboxEntry, InboxFilter, Mirror, MirrorError};
use serde_json::{Value, json};

use super::style;
use crate::moment;
use crate::printer::{DIM, Printer};

pub(super) async fn run(
    mirror: &Mirror,
    id: &DeliveryId,
    with_body: bool,
    printer: Printer,
) -> anyhow::Result<ExitCode> {
    let filter = InboxFilter { delivery_id: Some(id.to_string()), ..InboxFilter::default() };
    let Some(delivery) = mirror.deliveries(&filter, 1).await?.pop() else {
        return Err(MirrorError::NotReceived(id.to_string()).into());
    };
    let body = if with_body { mirror.body(id).await? } else { None };
    let mut value = json!(delivery);
    value["lag_milliseconds"] = json!(delivery.lag());
    if with_body {
        value["body"] = body.as_deref().map_or(Value::Null, readable);
    }
    printer.value(&value);
    print(&delivery, printer);
    if let Some(body) = body {
        printer.line("");
        let pretty = serde_json::from_slice::<Value>(&body).and_then(|body| serde_json::to_string_pretty(&body));
        printer.line(pretty.unwrap_or_else(|_| String::from_utf8_lossy(&body).escape_debug().to_string()));
    }
    Ok(ExitCode::SUCCESS)
}

fn print(delivery: &InboxEntry, printer: Printer) {
    let line = |name: &str, value: String| printer.line(format!("{DIM}{name:<13}{DIM:#} {value}"));
    let at = |milliseconds: i64| format!("{} UTC ({})", moment::time(milliseconds), moment::from_now(milliseconds));
    let state = style(&delivery.state);
    line("delivery", delivery.delivery_id.clone());
    line("event", delivery.event_type.clone().unwrap_or_else(|| "unreadable".to_owned()));
    if let Some(object) = &delivery.object_id {
        line("object", object.clone());
    }
    if let Some(user) = delivery.user_id.as_ref().filter(|user| delivery.object_id.as_ref() != Some(user)) {
        line("speaks of", user.clone());
    }
    line("state", format!("{state}{}{state:#}", delivery.state));
    if let Some(reason) = &delivery.reason {
        line("reason", reason.clone());
    }
    line("attempts", delivery.attempts.to_string());
    if let Some(next) = delivery.next_attempt_at {
        line("next attempt", at(next));
    }
    if let Some(event) = delivery.event_at {
        line("happened", at(event));
    }
    line("sent", at(delivery.sent_at));
    line("received", at(delivery.received_at));
    if let Some(settled) = delivery.settled_at {
        let lag = delivery.lag().map(|lag| format!(", {} after it happened", moment::span(lag))).unwrap_or_default();
        line("settled", format!("{}{lag}", at(settled)));
    }
    let id = &delivery.delivery_id;
    line(
        "body",
        match delivery.body_bytes {
            Some(bytes) => format!("{bytes} bytes, personal data: `rowlock events show {id} --body`"),
            None => "not kept any more: too old, or the person is erased".to_owned(),
        },
    );
    if matches!(delivery.state.as_str(), "failed" | "dead" | "kept") && delivery.body_bytes.is_some() {
        line("next", format!("`rowlock events replay {id} --dry-run`, then without --dry-run"));
    }
}

/// The body as JSON where it is JSON, as text where it is text.
fn readable(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}
