//! Spans of ours on their way to the collector.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Status, TraceContextExt as _, TracerProvider as _};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::exporter::OurClient;

/// How long the last spans may take at the end.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Our own crates: what others call a span is theirs.
const OURS: [&str; 2] = ["server", "data_api"];

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// What collects spans; nothing when nobody wants them or the exporter cannot be made.
pub(crate) fn layer<S>() -> Option<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    if !super::are_wanted() {
        return None;
    }
    // There is no subscriber yet that could be told.
    let exporter = SpanExporter::builder().with_http().with_http_client(OurClient::new()).build().ok()?;
    let resource = Resource::builder().with_attribute(opentelemetry::KeyValue::new("service.version", VERSION));
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some_and(|name| !name.is_empty());
    let resource = if named { resource } else { resource.with_service_name("rowlock") };
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
    let tracer = provider.tracer("rowlock");
    let _ = PROVIDER.set(provider);
    let ours = filter_fn(|metadata| {
        let of = metadata.target().split("::").next().unwrap_or_default();
        metadata.is_span() && *metadata.level() <= Level::DEBUG && OURS.contains(&of)
    });
    let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
    Some(Box::new(layer.with_tracked_inactivity(false).with_target(false).with_filter(ours)))
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The span of a request that begins: a child of the caller's, if the caller has one.
pub(crate) fn begun(span: &Span, method: &str, route: &str, headers: &HeaderMap) {
    if PROVIDER.get().is_none() {
        return;
    }
    let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if parent.span().span_context().is_valid() {
        // Refused where the span is not collected.
        let _ = span.set_parent(parent);
    }
    span.context().span().update_name(format!("{method} {route}"));
    span.set_attribute("http.request.method", method.to_owned());
    span.set_attribute("http.route", route.to_owned());
}

/// How it ended.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    if PROVIDER.get().is_none() {
        return;
    }
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
    // OpenTelemetry, "HTTP spans": of a server only 5xx are errors.
    if status.is_server_error() {
        span.set_status(Status::error(status.as_str().to_owned()));
    }
}

/// Sends what is left.
pub(crate) fn stop() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown_with_timeout(LAST_WORDS)
    {
        tracing::warn!(error = error.to_string(), "the last traces could not be sent");
    }
}
