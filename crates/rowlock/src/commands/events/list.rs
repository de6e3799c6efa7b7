//! `rowlock events list`.

use std::process::ExitCode;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use mirror::{InboxFilter, Mirror};

use crate::moment;
use crate::printer::{DIM, Printer};

pub(super) async fn run(
    mirror: &Mirror,
    filter: &InboxFilter,
    limit: i64,
    printer: Printer,
) -> anyhow::Result<ExitCode> {
    let deliveries = mirror.deliveries(filter, limit).await?;
    printer.value(&deliveries);
    if deliveries.is_empty() {
        printer.line("no such deliveries");
        return Ok(ExitCode::SUCCESS);
    }
    let shown = deliveries.len();
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["received (UTC)", "delivery", "event", "object", "state", "reason"]);
    for delivery in deliveries {
        table.add_row([
            moment::time(delivery.received_at),
            delivery.delivery_id,
            delivery.event_type.unwrap_or_else(|| "?".to_owned()),
            delivery.object_id.unwrap_or_default(),
            delivery.state,
            delivery.reason.unwrap_or_default(),
        ]);
    }
    printer.line(table.trim_fmt());
    if i64::try_from(shown) == Ok(limit) {
        printer.line(format!("{DIM}the newest {limit}; there may be more: --limit, --since, --type, --state{DIM:#}"));
    }
    Ok(ExitCode::SUCCESS)
}
