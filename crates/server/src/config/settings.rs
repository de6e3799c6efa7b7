//! The file over the defaults, and what it takes to make a [`Config`] of them.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use mirror::deletion::DeletionPolicy;
use mirror::{ReconcileSchedule, Retention};
use tokens::{DatabaseRoles, VerifierOptions};
use url::Url;

use super::check::{optional_web_address, origins, web_address, within};
use super::deletion;
use super::file::{File, LogFormat};
use super::secrets::Secrets;
use super::{Config, ConfigError, DEFAULTS, DataApiOptions, Issuer, MirrorPatience, RequestLimits};

/// Sections that `rowlock policy` reads and checks; a server has no use for them.
const ELSEWHERE: [&str; 3] = ["policies", "table", "persona"];

/// The settings of a file over the defaults, before anything is demanded of them.
#[derive(Debug)]
pub struct Settings(File);

impl Settings {
    /// Reads `path`, or `rowlock.toml` in the working directory where there is one.
    ///
    /// # Errors
    /// [`ConfigError`] names the file and the line.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let default = Path::new("rowlock.toml");
        let path = match path {
            Some(path) => path,
            None if default.is_file() => default,
            None => return Self::parse("", default),
        };
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_path_buf(), source })?;
        Self::parse(&text, path)
    }

    /// Reads settings from text; `path` is named in errors.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let malformed = |source| ConfigError::Malformed { path: path.to_path_buf(), source };
        let mut settings: toml::Table = toml::from_str(DEFAULTS).map_err(malformed)?;
        let overrides: toml::Table = toml::from_str(text).map_err(malformed)?;
        for (section, values) in overrides.into_iter().filter(|(section, _)| !ELSEWHERE.contains(&section.as_str())) {
            let unknown = |setting: String, known: &toml::Table| ConfigError::Unknown {
                path: path.to_path_buf(),
                setting,
                expected: known.keys().cloned().collect::<Vec<_>>().join(", "),
            };
            match (settings.get_mut(&section), values) {
                (Some(toml::Value::Table(known)), toml::Value::Table(values)) => {
                    for (name, value) in values {
                        if !known.contains_key(&name) {
                            return Err(unknown(format!("{section}.{name}"), known));
                        }
                        known.insert(name, value);
                    }
                }
                // A section that is no table: the types will say so.
                (Some(known), value) => *known = value,
                (None, _) => return Err(unknown(section, &settings)),
            }
        }
        settings.try_into().map(Self).map_err(malformed)
    }

    /// How log lines are to be written.
    pub fn log_format(&self) -> LogFormat {
        self.0.log.format
    }

    /// How long the mirror may be in a state before that is trouble.
    ///
    /// # Errors
    /// When a value cannot be: [`ConfigError::Invalid`].
    pub fn mirror_patience(&self) -> Result<MirrorPatience, ConfigError> {
        // A year: what is longer is a digit too many.
        let minutes = |setting, value| within(setting, value, 0..=525_600).map(|value| some(value).map(minutes));
        let mirror = &self.0.mirror;
        Ok(MirrorPatience {
            silence: minutes("mirror.silence_minutes", mirror.silence_minutes)?,
            stalled: minutes("mirror.stalled_minutes", mirror.stalled_minutes)?,
            failing: minutes("mirror.failing_minutes", mirror.failing_minutes)?,
        })
    }

    /// What tokens must satisfy; the issuer may be empty.
    ///
    /// # Errors
    /// When a value cannot be: [`ConfigError::Invalid`].
    pub fn verifier(&self) -> Result<VerifierOptions, ConfigError> {
        let clerk = &self.0.clerk;
        optional_web_address("clerk.issuer", &clerk.issuer)?;
        origins("clerk.authorized_parties", &clerk.authorized_parties)?;
        // Clerk lets templates choose up to 300 s.
        let skew = within("clerk.clock_skew_seconds", clerk.clock_skew_seconds, 0..=300)?;
        Ok(VerifierOptions {
            issuer: clerk.issuer.trim_end_matches('/').to_owned(),
            authorized_parties: clerk.authorized_parties.clone(),
            audiences: clerk.audiences.clone(),
            clock_skew: Duration::from_secs(skew),
            accept_pending: clerk.accept_pending,
            database_roles: DatabaseRoles::with_also(&clerk.database_roles)
                .map_err(|error| ConfigError::invalid("clerk.database_roles", error))?,
        })
    }

    /// Issuers that are trusted besides.
    fn further_issuers(&self) -> Result<Vec<String>, ConfigError> {
        const NAME: &str = "clerk.further_issuers";
        let issuers = &self.0.clerk.further_issuers;
        for issuer in issuers {
            let missing = || ConfigError::invalid(NAME, "found an empty one; expected `https://…`");
            let address = optional_web_address(NAME, issuer)?.ok_or_else(missing)?;
            let on_loopback = matches!(address.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
            if address.scheme() != "https" && !on_loopback {
                return Err(ConfigError::invalid(NAME, format!("`{issuer}` is not encrypted; expected `https://…`")));
            }
        }
        Ok(issuers.iter().map(|issuer| issuer.trim_end_matches('/').to_owned()).collect())
    }

    /// Where the signing keys are, when that is said.
    ///
    /// # Errors
    /// When it is not an address.
    pub fn jwks_url(&self) -> Result<Option<Url>, ConfigError> {
        optional_web_address("clerk.jwks_url", &self.0.clerk.jwks_url)
    }

    /// Clerk's Backend API.
    ///
    /// # Errors
    /// When it is not an address.
    pub fn api_url(&self) -> Result<Url, ConfigError> {
        web_address("clerk.api_url", self.0.clerk.api_url.clone())
    }

    /// What becomes of the application's rows when Clerk deletes a user or an organization.
    ///
    /// # Errors
    /// When a section cannot be understood.
    pub fn deletion(&self) -> Result<DeletionPolicy, ConfigError> {
        deletion::policy(&self.0.deletion, &self.0.erasure)
    }

    /// Adds the environment, and checks that a server can start.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] lists everything that is missing at once.
    pub fn complete(self, environment: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let found = Secrets::read(environment)?;
        let (verifier, jwks_url, patience) = (self.verifier()?, self.jwks_url()?, self.mirror_patience()?);
        let issuer = issuer(&verifier.issuer, &found);
        let (Some(database_url), Some(issuer), false) =
            (&found.database_url, &issuer, found.signing_secrets.is_empty())
        else {
            return Err(missing(&found, issuer.as_ref()));
        };
        let client_database_url = found.client_database_url.unwrap_or_else(|| database_url.for_clients());
        let deletion = self.deletion()?;
        let further_issuers = self.further_issuers()?;
        let File {
            server, database, clerk, webhooks, mirror, reconcile, revocations, changes, data_api, limits, ..
        } = self.0;
        Ok(Config {
            listen: server.listen,
            drain: Duration::from_secs(server.drain_seconds),
            database_url: database_url.clone(),
            replica_database_urls: found
                .replica_database_urls
                .iter()
                .map(|url| url.with_login_of(&client_database_url))
                .collect(),
            client_database_url,
            owner_connections: within("database.owner_connections", database.owner_connections, 1..=1000)?,
            client_connections: within("database.client_connections", database.client_connections, 1..=1000)?,
            // Below the 12 s after which a request is given up, so that it can say what it waited for.
            connection_wait: Duration::from_millis(within(
                "database.wait_milliseconds",
                database.wait_milliseconds,
                1..=10_000,
            )?),
            issuer: issuer.clone(),
            jwks_url,
            api_url: web_address("clerk.api_url", clerk.api_url)?,
            secret_key: found.secret_key,
            signing_secrets: found.signing_secrets,
            api_keys: found.api_keys,
            further_issuers,
            verifier,
            // Every byte may be held in memory for every connection.
            max_body_bytes: within("webhooks.max_body_bytes", webhooks.max_body_bytes, 1024..=64 * 1024 * 1024)?,
            requests_per_ten_seconds: NonZeroU32::new(clerk.requests_per_ten_seconds),
            reconcile: match within("reconcile.every_hours", reconcile.every_hours, 0..=720)? {
                0 => None,
                hours => {
                    Some(ReconcileSchedule { every: Duration::from_secs(hours * 60 * 60), repair: reconcile.repair })
                }
            },
            data_api: data_api_options(data_api, database.client_prepared_statements)?,
            limits: request_limits(&limits)?,
            // A token that is older than what is remembered is void, and Clerk's may be made to live for a day and longer.
            retention: Retention {
                revocations: days(within("revocations.keep_days", revocations.keep_days, 2..=3650)?),
                changes: days_or_ever(within("changes.keep_days", changes.keep_days, 0..=36_500)?),
            },
            record_changes: changes.record,
            deletion,
            // What is replayed later than a day ago is not a clock that is wrong.
            tolerance: Duration::from_secs(within(
                "webhooks.tolerance_seconds",
                webhooks.tolerance_seconds,
                1..=86_400,
            )?),
            refusals_per_minute: NonZeroU32::new(within(
                "webhooks.refusals_per_minute",
                webhooks.refusals_per_minute,
                0..=100_000,
            )?),
            trusted_proxies: within("server.trusted_proxies", server.trusted_proxies, 0..=10)?,
            patience,
            bodies_kept: some(within("mirror.keep_bodies_days", mirror.keep_bodies_days, 0..=3650)?).map(days),
        })
    }
}

/// None when no schema is shown.
fn data_api_options(
    file: super::file::DataApi,
    prepared_statements: bool,
) -> Result<Option<DataApiOptions>, ConfigError> {
    origins("data_api.cors_origins", &file.cors_origins)?;
    let max_rows = within("data_api.max_rows", file.max_rows, 0..=1_000_000)?;
    let max_body_bytes = within("data_api.max_body_bytes", file.max_body_bytes, 1024..=256 * 1024 * 1024)?;
    let slow = within("data_api.slow_milliseconds", file.slow_milliseconds, 0..=60_000)?;
    let ours = ["clerk", "rowlock", "pg_catalog", "information_schema", ""];
    if let Some(schema) = file.schemas.iter().find(|schema| ours.contains(&schema.as_str())) {
        let why = format!("found `{schema}`; expected schemas of your own");
        return Err(ConfigError::invalid("data_api.schemas", why));
    }
    Ok((!file.schemas.is_empty()).then_some(DataApiOptions {
        schemas: file.schemas,
        extra_search_path: file.extra_search_path,
        max_rows: (max_rows > 0).then_some(max_rows),
        max_body_bytes,
        cors_origins: file.cors_origins,
        prepared_statements,
        slow_after: some(slow).map(Duration::from_millis),
    }))
}

fn request_limits(file: &super::file::Limits) -> Result<RequestLimits, ConfigError> {
    let limit = |name, value| within(name, value, 0..=1_000_000).map(NonZeroU32::new);
    Ok(RequestLimits {
        user: limit("limits.user_requests_per_minute", file.user_requests_per_minute)?,
        key: limit("limits.key_requests_per_minute", file.key_requests_per_minute)?,
        anonymous: limit("limits.anonymous_requests_per_minute", file.anonymous_requests_per_minute)?,
    })
}

/// A number that is not 0, which stands for never.
fn some(number: u64) -> Option<u64> {
    Some(number).filter(|number| *number > 0)
}

const fn minutes(number: u64) -> Duration {
    Duration::from_secs(number * 60)
}

/// 0 is for ever.
fn days_or_ever(number: u64) -> Option<Duration> {
    (number > 0).then(|| days(number))
}

const fn days(number: u64) -> Duration {
    Duration::from_secs(number * 24 * 60 * 60)
}

/// Said, derived, or to be asked for: in this order, because what is known needs no network.
fn issuer(said: &str, found: &Secrets) -> Option<Issuer> {
    match (said, &found.publishable_key, &found.secret_key) {
        ("", Some(key), _) => Some(Issuer::Known(key.issuer())),
        ("", None, Some(_)) => Some(Issuer::AskBackendApi),
        ("", None, None) => None,
        (said, ..) => Some(Issuer::Known(said.to_owned())),
    }
}

fn missing(found: &Secrets, issuer: Option<&Issuer>) -> ConfigError {
    let parts = [
        (found.database_url.is_none(), "the database's address (DATABASE_URL)"),
        (issuer.is_none(), "the trusted issuer (CLERK_PUBLISHABLE_KEY, CLERK_SECRET_KEY or `clerk.issuer`)"),
        (found.signing_secrets.is_empty(), "the webhook endpoint's signing secret (CLERK_WEBHOOK_SIGNING_SECRET)"),
    ];
    ConfigError::Missing(parts.into_iter().filter_map(|(is_missing, what)| is_missing.then_some(what)).collect())
}
