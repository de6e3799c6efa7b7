//! A PostgREST-compatible data API.
//!
//! ```text
//! HTTP request ─▶ request: what is asked for ─▶ plan: held against the schema ─▶ sql: one statement ─▶ execute ─▶ response
//!                 (pure)                         (pure, schema_cache)             (pure)
//! ```
//!
//! What clients see is PostgREST's: addresses, headers, bodies, codes and texts of errors. Postgres decides what a caller may
//! see or do, in one transaction under the caller's role; and it makes the JSON, which is handed on as it comes.
//!
//! The crate knows no sockets: [`DataApi::answer`] takes a request whose body is there and gives an answer. Whoever mounts it
//! bounds bodies and time.

mod auth;
mod config;
mod cors;
mod error;
mod execute;
mod figures;
mod identifier;
#[cfg(any(test, feature = "invariants"))]
pub mod invariant;
mod kind;
mod login;
mod openapi;
mod plan;
mod replicas;
mod request;
mod response;
mod schema_cache;
mod service;
mod slow;
mod sql;
mod timing;

pub use auth::Caller;
pub use config::{Config, ConfigError, Settings};
pub use figures::Figures;
pub use kind::RequestKind;
pub use login::{login_settings, role_settings, settings_of_role};
pub use replicas::ReplicaFigures;
pub use schema_cache::LoadError;
pub use service::DataApi;

/// The version of PostgREST whose behaviour this is.
pub(crate) const COMPATIBLE_WITH: &str = "16.2";
