//! Logs on standard error, metrics for Prometheus.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::config::LogFormat;
use crate::measured::REQUEST_SECONDS;
use crate::traces;

/// Starts logging to standard error, and traces where the build has them and somebody wants them. `filter` is the value of
/// `ROWLOCK_LOG`; without one, Rowlock's own `info`.
///
/// A second call changes nothing: the first subscriber of a process stays.
pub fn start_logging(format: LogFormat, filter: Option<&str>, colour: bool) {
    let filter = EnvFilter::new(filter.unwrap_or("info"));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_target(false).with_ansi(colour).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    #[cfg(feature = "otel")]
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces::layer()).try_init();
    #[cfg(not(feature = "otel"))]
    {
        let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
        if traces::are_wanted() {
            tracing::warn!("traces are wanted, and this build has none: it was made without the feature `otel`");
        }
    }
}

/// Sends what is left of the traces, at the end of the process.
pub fn stop_traces() {
    traces::stop();
}

/// From a webhook that is as fast as it can be to one that Svix sends again after a day, in seconds.
const LAG_BUCKETS: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0, 172_800.0];

/// From a row by its id to a request that is given up, in seconds.
const REQUEST_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 12.0];

/// How often what was recorded is put into its buckets: until then each record takes memory of its own.
const UPKEEP: Duration = Duration::from_secs(5);

/// Keeps the metrics small while nobody asks for them, until `stop`.
pub async fn keep_up(metrics: PrometheusHandle, stop: CancellationToken) {
    while tokio::time::timeout(UPKEEP, stop.cancelled()).await.is_err() {
        metrics.run_upkeep();
    }
}

/// Starts collecting metrics, which somebody must [keep up](keep_up).
///
/// # Errors
/// When another recorder is installed in this process.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    let lag = Matcher::Full("rowlock_delivery_lag_seconds".to_owned());
    let requests = Matcher::Full(REQUEST_SECONDS.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(lag, LAG_BUCKETS)?
        .set_buckets_for_metric(requests, REQUEST_BUCKETS)?
        .install_recorder()?;
    metrics::describe_histogram!(REQUEST_SECONDS, "How long the data API's requests took");
    metrics::describe_counter!("rowlock_data_api_schema_loads_total", "How often the schema was read, by outcome");
    metrics::describe_gauge!("rowlock_data_api_schema_load_seconds", "How long the last reading of the schema took");
    metrics::describe_gauge!("rowlock_pool_connections", "Connections to Postgres, by pool and state");
    metrics::describe_gauge!("rowlock_pool_waiting", "Requests that wait for a connection, by pool");
    metrics::describe_counter!("rowlock_pool_timeouts_total", "Requests that waited for nothing, by pool");
    metrics::describe_gauge!("rowlock_replica_asked", "1 while a replica is asked, 0 while it is left alone");
    metrics::describe_histogram!("rowlock_delivery_lag_seconds", "Time from the event at Clerk to its row");
    metrics::describe_gauge!("rowlock_last_success_timestamp_seconds", "When each source last brought something");
    metrics::describe_gauge!("rowlock_ingest_queue_deliveries", "Deliveries that wait in this process");
    metrics::describe_gauge!("rowlock_ingest_queue_bytes", "Bytes of deliveries that wait in this process");
    metrics::describe_gauge!("rowlock_inquiries", "Objects that Clerk is to be asked about, by cause");
    metrics::describe_gauge!("rowlock_stubs", "Rows of which only the id is known, by table");
    metrics::describe_counter!("rowlock_deliveries_total", "Deliveries settled, by outcome");
    metrics::describe_counter!("rowlock_refusals_total", "Requests refused or failed, by code");
    metrics::describe_gauge!("rowlock_inbox_deliveries", "Deliveries in the inbox that wait: failed or dead");
    metrics::describe_gauge!("rowlock_last_delivery_timestamp_seconds", "When the last delivery came, in Unix time");
    metrics::describe_gauge!("rowlock_signing_keys_age_seconds", "Age of the signing keys since their last fetch");
    metrics::describe_gauge!("rowlock_healthy", "1 when /healthz says ok, 0 when it does not");
    Ok(handle)
}
