//! `rowlock demo`: the main job, end to end, with real parts.
//!
//! A private Postgres, Clerk's emulator and the server that `rowlock serve` runs; every step is checked against what the
//! database or the server really says, and a step that does not hold makes the command fail.

mod deliveries;
mod people;
mod refusals;
mod rows;
mod story;

use std::process::ExitCode;
use std::time::Duration;

use emulator::EmulatorOptions;
use postgres::cluster::{Durability, Port};
use server::config::LogFormat;
use server::telemetry;

use crate::cli::DemoArguments;
use crate::printer::Printer;
use crate::signals;
use crate::stack::{Address, Stack, StackOptions};
use people::People;
use story::Story;

/// The waits of Svix's schedule are divided by this: 5 s become 5 ms.
const WEBHOOK_SPEED: f64 = 1000.0;

pub(super) async fn run(arguments: DemoArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let filter = super::environment("ROWLOCK_LOG");
    telemetry::start_logging(LogFormat::Text, filter.as_deref().or(Some("error")), Printer::colours_errors());
    let stop = signals::stop_token()?;
    tokio::select! {
        held = tell(arguments, printer) => Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        () = stop.cancelled() => Ok(ExitCode::FAILURE),
    }
}

async fn tell(arguments: DemoArguments, printer: Printer) -> anyhow::Result<bool> {
    let mut story = Story::begin(printer);
    let directory = tempfile::Builder::new().prefix("rowlock-demo-").tempdir()?;
    let any = Address::Fixed(([127, 0, 0, 1], 0).into());
    let stack = Stack::start(StackOptions {
        postgres_directory: directory.path().to_path_buf(),
        durability: Durability::Ephemeral,
        pg_bin: arguments.pg_bin,
        pg_port: Port::Free,
        listen: any,
        emulator: EmulatorOptions { webhook_speed: WEBHOOK_SPEED, ..EmulatorOptions::default() },
        emulator_listen: any,
        drain: Duration::from_secs(2),
        platform: None,
    })
    .await?;
    // From here on the cluster removes it when it stops, however it stops.
    let _ = directory.keep();
    ready(&stack, &mut story);
    let told = act(&stack, &mut story).await;
    stack.stop().await?;
    told?;
    Ok(story.end())
}

async fn act(stack: &Stack, story: &mut Story) -> anyhow::Result<()> {
    story.chapter("A user is created in Clerk");
    let people = People::sign_up(stack, story).await?;
    story.chapter("Each sees what is theirs, decided by Postgres");
    rows::show(stack, &people, story).await?;
    story.chapter("Webhooks come twice, late and in the wrong order");
    deliveries::shuffled(stack, story).await?;
    deliveries::late_after_the_end(stack, story).await?;
    story.chapter("Everything else is refused, with the reason");
    refusals::show(stack, &people, story).await
}

fn ready(stack: &Stack, story: &mut Story) {
    let milliseconds = |duration: Duration| format!("{} ms", duration.as_millis());
    let (version, port) = (stack.binaries.version(), stack.cluster.port());
    let took = milliseconds(stack.took.postgres);
    story.step("postgres-ready", true, format!("Postgres {version} is ready on 127.0.0.1:{port} after {took}"));
    let (address, instance) = (stack.emulator.address(), stack.emulator.instance_id());
    let took = milliseconds(stack.took.emulator);
    story.step("emulator-ready", true, format!("Clerk's emulator is ready on {address} after {took} ({instance})"));
    let took = milliseconds(stack.took.server);
    story.step("server-ready", true, format!("the server is ready on {} after {took}, migrations applied", stack.api));
}
