//! HTTP wiring shared by serve and dev: routes, auth layer, configuration, telemetry
