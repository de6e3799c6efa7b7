//! `rowlock serve`: production.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clerk::SystemClock;
use serde_json::json;
use server::config::{ConfigError, Settings};
use server::{Services, telemetry};
use tokio::net::TcpListener;

use crate::cli::ServeArguments;
use crate::printer::Printer;
use crate::signals;

pub(super) async fn run(arguments: ServeArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(arguments.config.as_deref())?;
    let filter = super::environment("ROWLOCK_LOG");
    telemetry::start_logging(settings.log_format(), filter.as_deref(), Printer::colours_errors());
    let mut config = settings.complete(super::environment).map_err(with_hint)?;
    if let Some(listen) = arguments.listen {
        config.listen = listen;
    }
    let stop = signals::stop_token()?;
    let metrics = telemetry::start_metrics().context("metrics cannot be collected")?;
    let services = Services::start(&config, Arc::new(SystemClock), Some(metrics)).await?;
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let issuer = services.verifier().issuer().to_owned();
    printer.value(&json!({ "event": "ready", "api": format!("http://{address}"), "issuer": issuer }));
    tracing::info!(%address, issuer, database = %config.database_url, "rowlock serves");
    server::run(listener, services, config.drain, stop).await.context("serving failed")?;
    tracing::info!("rowlock has stopped");
    telemetry::stop_traces();
    Ok(ExitCode::SUCCESS)
}

fn with_hint(error: ConfigError) -> anyhow::Error {
    match error {
        ConfigError::Missing(_) => {
            let hint = "`rowlock config` prints every setting; `rowlock dev` needs none of them";
            crate::report::Hinted::new(error.to_string(), hint).into()
        }
        other => other.into(),
    }
}
