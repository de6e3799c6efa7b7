//! Configuration: the file, over it the environment, and what can be derived.
//!
//! The defaults are a commented file, `default.toml`, which is also the reference that people read; a setting without an
//! entry there does not exist. Settings that are missing are reported all at once, each with where it would come from.

mod secrets;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clerk::{SecretKey, SigningSecret};
use postgres::DatabaseUrl;
use serde::Deserialize;
use tokens::{DatabaseRoles, VerifierOptions};
use url::Url;

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
    /// What tokens must satisfy; its issuer is filled in when the server starts.
    pub verifier: VerifierOptions,
    /// The largest webhook body.
    pub max_body_bytes: usize,
    /// How old or new a webhook may be.
    pub tolerance: Duration,
}

/// How the trusted issuer is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Issuer {
    /// Said by the configuration or by a publishable key.
    Known(String),
    /// To be asked for with the secret key.
    AskBackendApi,
}

/// Why there is no configuration to start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named on the command line.
    #[error("cannot read `{}`", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, or a value of another type.
    #[error("`{}` is not a configuration", .path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: toml::de::Error,
    },
    /// A setting that does not exist.
    #[error("`{}` has a setting `{setting}` that does not exist; there are: {expected}", .path.display())]
    Unknown {
        /// Which file.
        path: PathBuf,
        /// The setting with its section.
        setting: String,
        /// What could stand there.
        expected: String,
    },
    /// A setting with a value that cannot be.
    #[error("{setting} cannot be used: {reason}")]
    Invalid {
        /// The setting or variable.
        setting: &'static str,
        /// What is wrong; never the value of a secret.
        reason: String,
    },
    /// Nothing can be verified without these.
    #[error("cannot start without {}", .0.join(" and "))]
    Missing(Vec<&'static str>),
}

/// The file's shape. Private: the rest of the house sees [`Config`].
#[derive(Debug, Deserialize)]
struct File {
    server: Server,
    database: Database,
    clerk: Clerk,
    webhooks: Webhooks,
    log: Log,
}

#[derive(Debug, Deserialize)]
struct Server {
    listen: SocketAddr,
    drain_seconds: u64,
}

#[derive(Debug, Deserialize)]
struct Database {
    owner_connections: usize,
    client_connections: usize,
    wait_milliseconds: u64,
}

#[derive(Debug, Deserialize)]
struct Clerk {
    issuer: String,
    jwks_url: String,
    api_url: Url,
    authorized_parties: Vec<String>,
    audiences: Vec<String>,
    clock_skew_seconds: u64,
    accept_pending: bool,
    database_roles: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Webhooks {
    max_body_bytes: usize,
    tolerance_seconds: u64,
}

#[derive(Debug, Deserialize)]
struct Log {
    format: LogFormat,
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
        for (section, values) in overrides {
            let unknown = |setting: String, known: &toml::Table| ConfigError::Unknown {
                path: path.to_path_buf(),
                setting,
                expected: known.keys().cloned().collect::<Vec<_>>().join(", "),
            };
            let (Some(toml::Value::Table(known)), toml::Value::Table(values)) = (settings.get_mut(&section), values)
            else {
                return Err(unknown(section, &settings));
            };
            for (name, value) in values {
                if !known.contains_key(&name) {
                    return Err(unknown(format!("{section}.{name}"), known));
                }
                known.insert(name, value);
            }
        }
        settings.try_into().map(Self).map_err(malformed)
    }

    /// How log lines are to be written.
    pub fn log_format(&self) -> LogFormat {
        self.0.log.format
    }

    /// What tokens must satisfy; the issuer may be empty.
    ///
    /// # Errors
    /// When a database role cannot be given to tokens.
    pub fn verifier(&self) -> Result<VerifierOptions, ConfigError> {
        let clerk = &self.0.clerk;
        Ok(VerifierOptions {
            issuer: clerk.issuer.trim_end_matches('/').to_owned(),
            authorized_parties: clerk.authorized_parties.clone(),
            audiences: clerk.audiences.clone(),
            clock_skew: Duration::from_secs(clerk.clock_skew_seconds),
            accept_pending: clerk.accept_pending,
            database_roles: DatabaseRoles::with_also(&clerk.database_roles)
                .map_err(|error| invalid("clerk.database_roles", &error))?,
        })
    }

    /// Where the signing keys are, when that is said.
    ///
    /// # Errors
    /// When it is not a URL.
    pub fn jwks_url(&self) -> Result<Option<Url>, ConfigError> {
        optional_url("clerk.jwks_url", &self.0.clerk.jwks_url)
    }

    /// Adds the environment, and checks that a server can start.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] lists everything that is missing at once.
    pub fn complete(self, environment: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let found = secrets::Secrets::read(environment)?;
        let (verifier, jwks_url) = (self.verifier()?, self.jwks_url()?);
        let file = self.0;
        let issuer = match (file.clerk.issuer.trim_end_matches('/'), &found.publishable_key, &found.secret_key) {
            ("", Some(key), _) => Some(Issuer::Known(key.issuer())),
            ("", None, Some(_)) => Some(Issuer::AskBackendApi),
            ("", None, None) => None,
            (issuer, ..) => Some(Issuer::Known(issuer.to_owned())),
        };
        let (Some(database_url), Some(issuer), false) =
            (&found.database_url, &issuer, found.signing_secrets.is_empty())
        else {
            let mut missing = Vec::new();
            if found.database_url.is_none() {
                missing.push("the database's address (DATABASE_URL)");
            }
            if issuer.is_none() {
                missing.push("the trusted issuer (CLERK_PUBLISHABLE_KEY, CLERK_SECRET_KEY or `clerk.issuer`)");
            }
            if found.signing_secrets.is_empty() {
                missing.push("the webhook endpoint's signing secret (CLERK_WEBHOOK_SIGNING_SECRET)");
            }
            return Err(ConfigError::Missing(missing));
        };
        Ok(Config {
            listen: file.server.listen,
            drain: Duration::from_secs(file.server.drain_seconds),
            client_database_url: found.client_database_url.unwrap_or_else(|| database_url.for_clients()),
            database_url: database_url.clone(),
            owner_connections: at_least_one("database.owner_connections", file.database.owner_connections)?,
            client_connections: at_least_one("database.client_connections", file.database.client_connections)?,
            connection_wait: Duration::from_millis(file.database.wait_milliseconds),
            issuer: issuer.clone(),
            jwks_url,
            api_url: file.clerk.api_url,
            secret_key: found.secret_key,
            signing_secrets: found.signing_secrets,
            verifier,
            max_body_bytes: file.webhooks.max_body_bytes,
            tolerance: Duration::from_secs(file.webhooks.tolerance_seconds),
        })
    }
}

fn invalid(setting: &'static str, error: &dyn std::error::Error) -> ConfigError {
    ConfigError::Invalid { setting, reason: error.to_string() }
}

fn at_least_one(setting: &'static str, value: usize) -> Result<usize, ConfigError> {
    if value == 0 {
        return Err(ConfigError::Invalid { setting, reason: "found 0; expected at least 1".to_owned() });
    }
    Ok(value)
}

fn optional_url(setting: &'static str, text: &str) -> Result<Option<Url>, ConfigError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| invalid(setting, &error))
}
