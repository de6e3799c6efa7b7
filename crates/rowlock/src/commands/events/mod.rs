//! `rowlock events`: the inbox.
//!
//! What is listed and followed says nothing about people but their ids. Bodies and the values of rows are shown one delivery
//! at a time and on demand; nothing of it is ever logged.

mod list;
mod rehearse;
mod replay;
mod show;
mod tail;

use std::process::ExitCode;

use anstyle::Style;
use anyhow::Context as _;
use clerk::DeliveryId;
use mirror::{InboxFilter, Mirror};

use crate::cli::{EventsCommand, FilterArguments};
use crate::printer::{BAD, DIM, GOOD, Printer, WARN};

pub(super) async fn run(command: EventsCommand, printer: Printer) -> anyhow::Result<ExitCode> {
    let mirror = Mirror::new(super::migrated_pool().await?, None);
    match command {
        EventsCommand::List { filter, limit } => list::run(&mirror, &filter.into(), limit, printer).await,
        EventsCommand::Show { delivery, body } => show::run(&mirror, &id(&delivery)?, body, printer).await,
        EventsCommand::Replay(arguments) => replay::run(&mirror, arguments, printer).await,
        EventsCommand::Tail { filter, limit } => tail::run(&mirror, &filter.into(), limit, printer).await,
    }
}

impl From<FilterArguments> for InboxFilter {
    fn from(arguments: FilterArguments) -> Self {
        Self {
            state: arguments.state,
            event_type: arguments.event_type,
            delivery_id: arguments.id,
            object_id: arguments.object,
            user_id: arguments.user,
            since: arguments.since,
        }
    }
}

fn id(text: &str) -> anyhow::Result<DeliveryId> {
    DeliveryId::parse(text).with_context(|| format!("`{text}` is no delivery id; expected one such as `msg_2b9…`"))
}

/// How much a state or outcome matters.
fn style(state: &str) -> Style {
    match state {
        "applied" => GOOD,
        "failed" => WARN,
        "dead" => BAD,
        _ => DIM,
    }
}
