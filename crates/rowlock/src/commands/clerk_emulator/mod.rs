//! `rowlock clerk`: Clerk's emulator alone.

mod control;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use emulator::{Emulator, EmulatorError, EmulatorOptions};
use serde::Serialize;
use serde_json::{Map, Value};
use server::config::LogFormat;
use server::telemetry;

use crate::cli::ClerkArguments;
use crate::printer::{DIM, GOOD, Printer, STRONG};
use crate::report::Hinted;
use crate::signals;

use super::running_emulator::Running;
use super::seed_file::SeedFile;

pub(super) use control::advance;

/// Everything an app needs to know, printed by `--json`.
#[derive(Debug, Serialize)]
struct Ready<'a> {
    event: &'static str,
    api_url: &'a str,
    issuer: &'a str,
    instance_id: String,
    publishable_key: String,
    secret_key: &'a str,
    webhook_secret: &'a str,
    jwt_key: String,
    scripts_installed: bool,
    /// What belongs into `.env.local`.
    environment: Map<String, Value>,
}

pub(super) async fn run(arguments: ClerkArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    if let Some(command) = arguments.command {
        return control::run(command, printer).await;
    }
    let filter = super::environment("ROWLOCK_LOG");
    telemetry::start_logging(LogFormat::Text, filter.as_deref().or(Some("warn")), Printer::colours_errors());
    let stop = signals::stop_token()?;
    let seed = SeedFile::read_or_people(arguments.seed.as_deref())?;
    let options = EmulatorOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], arguments.port)),
        seed: arguments.repeatable,
        state_file: (!arguments.ephemeral).then(|| arguments.state.clone()),
        settings: seed.settings.clone(),
        roles: seed.roles.clone(),
        seed_data: seed.seed(),
        ..EmulatorOptions::default()
    };
    // A signal during the start drops what has been started, which stops it.
    let emulator = tokio::select! {
        started = Emulator::start(options) => started.map_err(cannot_start)?,
        () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    if let Some(url) = &arguments.webhook {
        send_webhooks_to(&emulator, url.as_str())?;
    }
    let kept = (!arguments.ephemeral).then_some(arguments.state.as_path());
    let running = kept.map(|state| Running::file(state.parent().unwrap_or_else(|| Path::new(""))));
    if let Some(file) = &running {
        let running = Running { api_url: emulator.base_url().to_owned(), secret_key: emulator.secret_key().to_owned() };
        super::write_private(file, &serde_json::to_string(&running)?)?;
    }
    welcome(&emulator, kept, printer);
    stop.cancelled().await;
    if let Some(file) = &running {
        let _ = std::fs::remove_file(file);
    }
    emulator.shutdown().await.context("the emulator did not stop well")?;
    printer.line(if arguments.ephemeral { "stopped" } else { "stopped; the instance stays for the next time" });
    Ok(ExitCode::SUCCESS)
}

async fn install(printer: Printer) -> anyhow::Result<ExitCode> {
    let installed = tokio::task::spawn_blocking(emulator::install_scripts).await??;
    for package in &installed {
        printer.line(format!("{package} is installed"));
    }
    printer.value(&serde_json::json!({ "installed": installed }));
    Ok(ExitCode::SUCCESS)
}

fn cannot_start(error: EmulatorError) -> anyhow::Error {
    let taken =
        matches!(&error, EmulatorError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse);
    if taken {
        let message = format!("{error}: something else listens there");
        return Hinted::new(message, "stop it, or give this one another port with --port; keys name their port").into();
    }
    error.into()
}

/// One endpoint of that address, however often the emulator is started with it.
fn send_webhooks_to(emulator: &Emulator, url: &str) -> anyhow::Result<()> {
    let webhooks = emulator.webhooks();
    let known = webhooks.endpoints()?;
    if !known.as_array().into_iter().flatten().any(|endpoint| endpoint["url"] == url) {
        webhooks.add_endpoint(url)?;
    }
    Ok(())
}

/// The variables of an app that uses Next.js: addresses for its server, and a path of its own for its pages.
fn environment(emulator: &Emulator) -> Vec<(&'static str, String)> {
    vec![
        ("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", emulator.publishable_key().to_string()),
        ("CLERK_SECRET_KEY", emulator.secret_key().to_owned()),
        ("CLERK_API_URL", emulator.base_url().to_owned()),
        ("CLERK_FAPI_URL", emulator.base_url().to_owned()),
        ("NEXT_PUBLIC_CLERK_PROXY_URL", "/__clerk".to_owned()),
        ("NEXT_PUBLIC_CLERK_TELEMETRY_DISABLED", "1".to_owned()),
    ]
}

fn welcome(emulator: &Emulator, state: Option<&Path>, printer: Printer) {
    let environment = environment(emulator);
    printer.value(&Ready {
        event: "ready",
        api_url: emulator.base_url(),
        issuer: emulator.issuer(),
        instance_id: emulator.instance_id().to_string(),
        publishable_key: emulator.publishable_key().to_string(),
        secret_key: emulator.secret_key(),
        webhook_secret: emulator.webhook_secret().expose(),
        jwt_key: emulator.public_key_pem(),
        scripts_installed: emulator::scripts_installed(),
        environment: environment.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect(),
    });
    let kept = state.map_or_else(|| "nothing is kept".to_owned(), |file| format!("kept in {}", file.display()));
    printer.line(format!("{GOOD}rowlock clerk is ready{GOOD:#}, offline; {kept}"));
    printer.line("");
    printer.line(format!(
        "  {STRONG}{}{STRONG:#}   people, organizations, deliveries; sign in as anybody",
        emulator.base_url()
    ));
    printer.line("");
    printer.line(format!("{DIM}# .env.local{DIM:#}"));
    for (name, value) in environment {
        printer.line(format!("{name}={value}"));
    }
    printer.line("");
    printer.line(format!("{DIM}# proxy.ts{DIM:#}"));
    printer.line("export default clerkMiddleware({ frontendApiProxy: { enabled: true } });");
    if !emulator::scripts_installed() {
        printer.line("");
        printer.line(format!(
            "{STRONG}Pages need Clerk's scripts: run `rowlock clerk install` once, with a network.{STRONG:#}"
        ));
    }
    printer.line("");
    printer.line(format!("  {DIM}Ctrl-C stops it{DIM:#}"));
}
