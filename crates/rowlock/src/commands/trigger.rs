//! `rowlock trigger`: lets something happen in a running emulator, and lets its webhooks meet with what webhooks meet.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::running_emulator::RunningEmulator;
use crate::cli::TriggerArguments;
use crate::printer::{DIM, GOOD, Printer, WARN};

pub(super) async fn run(arguments: TriggerArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let emulator = RunningEmulator::find(&arguments.emulator)?;
    let mut told = json!({});
    if let Some(by) = arguments.advance {
        told["clock"] = super::clerk_emulator::advance(&emulator, by, printer).await?;
    }
    if let Some(event) = &arguments.event {
        let answer = emulator.post("events", &request(event, &arguments)).await?;
        let messages = answer["messages"].as_array().context("the emulator's answer names no messages")?;
        show(messages, &arguments, printer);
        told["event"] = json!(event);
        told["messages"] = answer["messages"].clone();
    }
    printer.value(&told);
    Ok(ExitCode::SUCCESS)
}

fn request(event: &str, arguments: &TriggerArguments) -> Value {
    let mut request = json!({
        "type": event,
        "count": arguments.count,
        "duplicate": arguments.duplicate,
        "shuffle": arguments.shuffle,
        "drop": arguments.drop,
        "delay_ms": arguments.delay.map_or(0, |delay| delay.as_millis()),
    });
    for (name, value) in [("user", &arguments.user), ("object_id", &arguments.object)] {
        if let Some(value) = value {
            request[name] = json!(value);
        }
    }
    request
}

/// One line for each message: what happened on the way is as real as what was asked for.
fn show(messages: &[Value], arguments: &TriggerArguments, printer: Printer) {
    for message in messages {
        let (kind, id) = (message["type"].as_str().unwrap_or_default(), message["id"].as_str().unwrap_or_default());
        let deliveries = message["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
        let lost = !deliveries.is_empty() && deliveries.iter().all(|delivery| delivery["status"] == "discarded");
        printer.line(match lost {
            true => format!("{WARN}✗{WARN:#} {kind} {DIM}{id}{DIM:#}, lost on its way"),
            false => format!("{GOOD}✓{GOOD:#} {kind} {DIM}{id}{DIM:#}"),
        });
    }
    let nobody = messages.iter().all(|message| message["deliveries"].as_array().is_none_or(Vec::is_empty));
    if nobody {
        printer.line(format!("{WARN}nobody gets it: no webhook endpoint wants this event{WARN:#}"));
    }
    let mut fate = Vec::new();
    if arguments.duplicate > 0 {
        fate.push(format!("{} more of each", arguments.duplicate));
    }
    if arguments.shuffle {
        fate.push("in another order".to_owned());
    }
    if let Some(delay) = arguments.delay {
        fate.push(format!("not before {} ms", delay.as_millis()));
    }
    if !nobody && !fate.is_empty() {
        printer.line(format!("{DIM}sent {}{DIM:#}", fate.join(", ")));
    }
}
