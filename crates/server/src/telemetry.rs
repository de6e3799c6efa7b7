//! Logs on standard error, metrics for Prometheus.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging to standard error. `filter` is the value of `ROWLOCK_LOG`; without one, Rowlock's own `info`.
///
/// A second call changes nothing: the first subscriber of a process stays.
pub fn start_logging(format: LogFormat, filter: Option<&str>, colour: bool) {
    let filter = EnvFilter::new(filter.unwrap_or("info"));
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    let _ = match format {
        LogFormat::Text => builder.with_target(false).with_ansi(colour).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Starts collecting metrics.
///
/// # Errors
/// When another recorder is installed in this process.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    metrics::describe_counter!("rowlock_deliveries_total", "Deliveries settled, by outcome");
    metrics::describe_counter!("rowlock_refusals_total", "Requests refused or failed, by code");
    metrics::describe_gauge!("rowlock_inbox_deliveries", "Deliveries in the inbox that wait: failed or dead");
    metrics::describe_gauge!("rowlock_last_delivery_timestamp_seconds", "When the last delivery came, in Unix time");
    metrics::describe_gauge!("rowlock_signing_keys_age_seconds", "Age of the signing keys since their last fetch");
    metrics::describe_gauge!("rowlock_healthy", "1 when /healthz says ok, 0 when it does not");
    Ok(handle)
}
