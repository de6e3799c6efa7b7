//! `rowlock events replay`: one delivery, or many of a kind.

use std::process::ExitCode;

use clerk::DeliveryId;
use mirror::{InboxFilter, Mirror, MirrorError, Outcome};
use serde_json::json;

use super::{id, rehearse, style};
use crate::cli::ReplayArguments;
use crate::confirm;
use crate::printer::{GOOD, Printer};
use crate::report::Hinted;

/// How often the progress of many is told, in deliveries.
const TOLD_EVERY: usize = 100;

pub(super) async fn run(mirror: &Mirror, arguments: ReplayArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let ReplayArguments { delivery, filter, limit, dry_run, values, yes } = arguments;
    let values = values || printer.is_read_by_a_person();
    if let Some(delivery) = delivery {
        let id = id(&delivery)?;
        if dry_run {
            return rehearse::run(mirror, &id, values, printer).await;
        }
        let outcome = mirror.replay(&id).await?;
        tell(&id, &outcome, printer);
        return Ok(if is_settled(&outcome) { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let filter = InboxFilter::from(filter);
    if let Some(state @ ("applied" | "stale")) = filter.state.as_deref() {
        let message = format!("{state} deliveries do not wait: there is nothing to replay");
        return Err(Hinted::new(message, "replay those in state failed, dead or kept").into());
    }
    let waiting = mirror.waiting(&filter, limit).await?;
    if waiting.ids.is_empty() {
        printer.line("no such deliveries wait");
        printer.value(&json!({ "replayed": 0, "settled": 0, "waiting": 0, "left": 0 }));
        return Ok(ExitCode::SUCCESS);
    }
    if dry_run {
        let mut settled = true;
        for id in &waiting.ids {
            settled &= rehearse::run(mirror, id, values, printer).await? == ExitCode::SUCCESS;
        }
        return Ok(if settled { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let of_all = if waiting.total > limit { format!(" of {}", waiting.total) } else { String::new() };
    let question = format!("replay {}{of_all} {}, oldest first", waiting.ids.len(), deliveries(waiting.ids.len()));
    if !confirm::agreed(&question, yes)? {
        printer.line("nothing was replayed");
        return Ok(ExitCode::FAILURE);
    }
    many(mirror, &waiting.ids, waiting.total, printer).await
}

/// Replays one after the other, and goes on when one of them stays where it is.
async fn many(mirror: &Mirror, ids: &[DeliveryId], total: i64, printer: Printer) -> anyhow::Result<ExitCode> {
    let (mut settled, mut stayed) = (0, 0);
    for (number, id) in ids.iter().enumerate() {
        match mirror.replay(id).await {
            Ok(outcome) => {
                if is_settled(&outcome) {
                    settled += 1
                } else {
                    stayed += 1
                }
                tell(id, &outcome, printer);
            }
            // Somebody else was faster, or its person was erased meanwhile.
            Err(error @ (MirrorError::NotWaiting { .. } | MirrorError::BodyGone(_))) => {
                printer.line(error.to_string());
            }
            Err(error) => {
                let message = format!("stopped after {number} of {} {}", ids.len(), deliveries(ids.len()));
                return Err(anyhow::Error::from(error).context(message));
            }
        }
        if (number + 1) % TOLD_EVERY == 0 {
            printer.line(format!("{} of {}", number + 1, ids.len()));
        }
    }
    let left = total - i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let rest = if left > 0 { format!("; {left} more wait beyond --limit") } else { String::new() };
    printer.line(format!("{GOOD}{settled} settled{GOOD:#}, {stayed} still failed or dead{rest}"));
    printer.value(&json!({ "replayed": ids.len(), "settled": settled, "waiting": stayed, "left": left.max(0) }));
    Ok(if stayed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(id: &DeliveryId, outcome: &Outcome, printer: Printer) {
    let style = style(outcome.as_str());
    let reason = outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
    printer.line(format!("{id} is {style}{}{style:#}{reason}", outcome.as_str()));
    printer.value(&json!({ "delivery": id.as_str(), "outcome": outcome.as_str(), "reason": outcome.reason() }));
}

fn is_settled(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Failed(_) | Outcome::Dead(_))
}

fn deliveries(count: usize) -> &'static str {
    if count == 1 { "delivery" } else { "deliveries" }
}
