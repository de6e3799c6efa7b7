//! Configuration: the file, over it the environment, and what can be derived.
//!
//! The defaults are a commented file, `default.toml`, which is also the reference that people read; a setting without an
//! entry there does not exist. Settings that are missing are reported all at once, each with where it would come from.
//! What cannot be right is refused here, before anything is started, and no error repeats a secret.

mod check;
mod deletion;
mod error;
mod file;
mod secrets;
mod settings;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use clerk::{SecretKey, SigningSecret};
use mirror::deletion::DeletionPolicy;
use mirror::{ReconcileSchedule, Retention};
use postgres::DatabaseUrl;
use tokens::{ApiKeys, VerifierOptions};
use url::Url;

pub use error::ConfigError;
pub use file::LogFormat;
pub use settings::Settings;

/// The defaults, commented: the configuration reference.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Everything that a server needs to start, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How long requests may take to finish once the server is to stop.
    pub drain: Duration,
    /// The owner's database address.
    pub database_url: DatabaseUrl,
    /// The address for clients' statements.
    pub client_database_url: DatabaseUrl,
    /// Addresses of replicas, for what clients only read.
    pub replica_database_urls: Vec<DatabaseUrl>,
    /// Connections for Rowlock's own work.
    pub owner_connections: usize,
    /// Connections for clients' statements.
    pub client_connections: usize,
    /// How long to wait for a connection.
    pub connection_wait: Duration,
    /// How the issuer is known.
    pub issuer: Issuer,
    /// Where the keys are, when not below the issuer.
    pub jwks_url: Option<Url>,
    /// Clerk's Backend API.
    pub api_url: Url,
    /// The secret key, when there is one.
    pub secret_key: Option<SecretKey>,
    /// Signing secrets of the webhook endpoints.
    pub signing_secrets: Vec<SigningSecret>,
    /// Keys that applications send beside or in place of tokens.
    pub api_keys: ApiKeys,
    /// Issuers that are trusted besides: their users may call, and have no rows in the mirror.
    pub further_issuers: Vec<String>,
    /// What tokens must satisfy; its issuer is filled in when the server starts.
    pub verifier: VerifierOptions,
    /// The largest webhook body.
    pub max_body_bytes: usize,
    /// How often Clerk's Backend API is asked at most; none is half of what Clerk permits.
    pub requests_per_ten_seconds: Option<NonZeroU32>,
    /// How often the mirror is compared with Clerk; none is never.
    pub reconcile: Option<ReconcileSchedule>,
    /// What `/rest/v1` shows, if anything.
    pub data_api: Option<DataApiOptions>,
    /// How often `/rest/v1` may be asked.
    pub limits: RequestLimits,
    /// Whether the audit trail is written.
    pub record_changes: bool,
    /// What becomes of the application's rows when Clerk deletes a user or an organization.
    pub deletion: DeletionPolicy,
    /// How long things are remembered.
    pub retention: Retention,
    /// How old or new a webhook may be.
    pub tolerance: Duration,
    /// How many refused deliveries an address may send in a minute; none without a limit.
    pub refusals_per_minute: Option<NonZeroU32>,
    /// How many proxies stand in front.
    pub trusted_proxies: usize,
    /// When the mirror is unwell.
    pub patience: MirrorPatience,
    /// How long bodies of settled deliveries are kept; for ever without a time.
    pub bodies_kept: Option<Duration>,
}

/// How long the mirror may be in a state before that is trouble; never without a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MirrorPatience {
    /// No delivery comes, although some did before.
    pub silence: Option<Duration>,
    /// A delivery is due and is not tried again.
    pub stalled: Option<Duration>,
    /// A delivery fails again and again.
    pub failing: Option<Duration>,
}

/// What the data API shows, and how much of it.
#[derive(Debug, Clone)]
pub struct DataApiOptions {
    /// The schemas shown; the first is the default. Not empty.
    pub schemas: Vec<String>,
    /// Where else names are looked up.
    pub extra_search_path: Vec<String>,
    /// The largest number of rows given at once.
    pub max_rows: Option<i64>,
    /// The largest body.
    pub max_body_bytes: usize,
    /// Origins whose pages may call with credentials; empty for all, without.
    pub cors_origins: Vec<String>,
    /// Whether connections remember statements that they have prepared.
    pub prepared_statements: bool,
    /// What takes this long in the database is logged; nothing without a time.
    pub slow_after: Option<Duration>,
}

/// How many requests one caller may send in a minute; without a number as many as they like.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestLimits {
    /// One user.
    pub user: Option<NonZeroU32>,
    /// Whoever has one secret key.
    pub key: Option<NonZeroU32>,
    /// One address, of those who are nobody in particular.
    pub anonymous: Option<NonZeroU32>,
}

/// As `rowlock config` prints it.
impl Default for DataApiOptions {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            schemas: words(&["public"]),
            extra_search_path: words(&["public", "extensions"]),
            max_rows: Some(1000),
            max_body_bytes: 16 * 1024 * 1024,
            cors_origins: Vec::new(),
            prepared_statements: true,
            slow_after: Some(Duration::from_secs(1)),
        }
    }
}

/// How the trusted issuer is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Issuer {
    /// Said by the configuration or by a publishable key.
    Known(String),
    /// To be asked for with the secret key.
    AskBackendApi,
}
