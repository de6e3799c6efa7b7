//! The shape of `rowlock.toml`. Every setting is there, because the defaults are read first.

use std::net::SocketAddr;

use serde::Deserialize;
use url::Url;

use super::deletion;

#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) deletion: Vec<deletion::Section>,
    pub(super) erasure: deletion::Erasure,
    pub(super) server: Server,
    pub(super) database: Database,
    pub(super) clerk: Clerk,
    pub(super) webhooks: Webhooks,
    pub(super) reconcile: Reconcile,
    pub(super) mirror: Mirror,
    pub(super) revocations: Revocations,
    pub(super) data_api: DataApi,
    pub(super) limits: Limits,
    pub(super) changes: Changes,
    pub(super) log: Log,
}

#[derive(Debug, Deserialize)]
pub(super) struct Server {
    pub(super) listen: SocketAddr,
    pub(super) drain_seconds: u64,
    pub(super) trusted_proxies: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct Database {
    pub(super) owner_connections: usize,
    pub(super) client_connections: usize,
    pub(super) wait_milliseconds: u64,
    pub(super) client_prepared_statements: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Clerk {
    pub(super) issuer: String,
    pub(super) jwks_url: String,
    pub(super) further_issuers: Vec<String>,
    pub(super) api_url: Url,
    pub(super) requests_per_ten_seconds: u32,
    pub(super) authorized_parties: Vec<String>,
    pub(super) audiences: Vec<String>,
    pub(super) clock_skew_seconds: u64,
    pub(super) accept_pending: bool,
    pub(super) database_roles: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Webhooks {
    pub(super) max_body_bytes: usize,
    pub(super) tolerance_seconds: u64,
    pub(super) refusals_per_minute: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct Mirror {
    pub(super) silence_minutes: u64,
    pub(super) stalled_minutes: u64,
    pub(super) failing_minutes: u64,
    pub(super) keep_bodies_days: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reconcile {
    pub(super) every_hours: u64,
    pub(super) repair: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Revocations {
    pub(super) keep_days: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct DataApi {
    pub(super) schemas: Vec<String>,
    pub(super) extra_search_path: Vec<String>,
    pub(super) max_rows: i64,
    pub(super) max_body_bytes: usize,
    pub(super) cors_origins: Vec<String>,
    pub(super) slow_milliseconds: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Limits {
    pub(super) user_requests_per_minute: u32,
    pub(super) key_requests_per_minute: u32,
    pub(super) anonymous_requests_per_minute: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct Changes {
    pub(super) record: bool,
    pub(super) keep_days: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Log {
    pub(super) format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}
