//! `rowlock events`: the inbox.

use std::process::ExitCode;

use anyhow::Context as _;
use clerk::DeliveryId;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use jiff::Timestamp;
use mirror::{InboxFilter, Mirror, Outcome};
use serde_json::json;

use crate::cli::EventsCommand;
use crate::printer::Printer;

pub(super) async fn run(command: EventsCommand, printer: Printer) -> anyhow::Result<ExitCode> {
    let mirror = Mirror::new(super::migrated_pool().await?, None);
    match command {
        EventsCommand::List { state, event_type, object, limit } => {
            let filter = InboxFilter { state, event_type, object_id: object };
            list(&mirror, &filter, limit, printer).await
        }
        EventsCommand::Replay { delivery } => {
            let id = DeliveryId::parse(&delivery).context("this is no delivery id")?;
            replay(&mirror, &id, printer).await
        }
    }
}

async fn list(mirror: &Mirror, filter: &InboxFilter, limit: i64, printer: Printer) -> anyhow::Result<ExitCode> {
    let deliveries = mirror.deliveries(filter, limit).await?;
    printer.value(&deliveries);
    if deliveries.is_empty() {
        printer.line("no such deliveries");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["received", "delivery", "event", "object", "state", "reason"]);
    for delivery in deliveries {
        table.add_row([
            time(delivery.received_at),
            delivery.delivery_id,
            delivery.event_type.unwrap_or_default(),
            delivery.object_id.unwrap_or_default(),
            delivery.state,
            delivery.reason.unwrap_or_default(),
        ]);
    }
    printer.line(table.trim_fmt());
    Ok(ExitCode::SUCCESS)
}

async fn replay(mirror: &Mirror, id: &DeliveryId, printer: Printer) -> anyhow::Result<ExitCode> {
    let outcome = mirror.replay(id).await?;
    let reason = outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
    printer.line(format!("{id} is {}{reason}", outcome.as_str()));
    printer.value(&json!({ "delivery": id.as_str(), "outcome": outcome.as_str(), "reason": outcome.reason() }));
    let settled = !matches!(outcome, Outcome::Failed(_) | Outcome::Dead(_));
    Ok(if settled { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map(|time| time.strftime("%F %T").to_string()).unwrap_or_default()
}
