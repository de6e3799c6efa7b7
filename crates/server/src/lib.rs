//! What `rowlock serve` and `rowlock dev` share: configuration, the services behind the routes, and the routes.
//!
//! ```text
//! POST /webhooks/clerk   signature → mirror            (signed by Clerk, or refused)
//! GET  /whoami           token → principal → Postgres  (whoever calls, as the database sees them)
//! *    /rest/v1/…        token → principal → Postgres  (rows, for whoever calls)
//! GET  /healthz          is everything well            (anybody: says nothing about people)
//! GET  /readyz           can requests be served        (anybody: says nothing about people)
//! GET  /metrics          Prometheus                    (anybody: says nothing about people)
//! ```
//!
//! A handler gets its caller through an extractor ([`Caller`](auth::Caller)), so a route that acts for somebody cannot be
//! written without deciding for whom; and the router is made of a list ([`ROUTES`]) that a test walks as a stranger.

mod allowance;
mod api_key;
pub mod auth;
mod background;
pub mod config;
mod connections;
mod failure;
mod health;
mod known_callers;
mod listener;
mod measured;
mod patient_stream;
mod pools;
mod rest;
mod routes;
mod run;
mod services;
mod strangers;
pub mod telemetry;
mod traces;

pub use config::{Config, ConfigError};
pub use failure::Failure;
pub use listener::Listener;
pub use rest::{Probes, run_probes, run_rest};
pub use routes::{ROUTES, Route, router};
pub use run::run;
pub use services::{Services, StartError};
pub use strangers::Peer;
