//! Traces for an OpenTelemetry collector, in builds that have the feature `otel`.
//!
//! A request is a span of its own, a child of the caller's where the caller says so (W3C `traceparent`), and what it does in the
//! database is a span below it. They carry what log lines carry and no more: method, route, status, kind, relation, role. Where they
//! go and how many is said by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, …); without an
//! address nothing is collected.
//!
//! A build without the feature has the same functions, which do nothing.

#[cfg(not(feature = "otel"))]
mod absent;
#[cfg(feature = "otel")]
mod collected;
#[cfg(feature = "otel")]
mod exporter;

#[cfg(not(feature = "otel"))]
pub(crate) use absent::{answered, begun, stop};
#[cfg(feature = "otel")]
pub(crate) use collected::{answered, begun, layer, stop};

/// Whether somebody wants traces: one of OpenTelemetry's variables says where to send them.
pub(crate) fn are_wanted() -> bool {
    let said = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    said("OTEL_EXPORTER_OTLP_ENDPOINT") || said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
}
