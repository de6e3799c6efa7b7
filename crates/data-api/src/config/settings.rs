//! PostgREST's own configuration: `PGRST_*` variables, over which `pgrst.*` settings of the login role win.

use std::collections::{BTreeMap, HashMap};

use super::{Config, OpenApiMode};
use crate::auth::Keys;
use crate::auth::role_claim::RoleClaim;
use crate::identifier::Qualified;

/// Why a setting cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that means nothing.
    #[error("`{name}` is `{found}`; expected {expected}")]
    Value {
        /// The setting, as PostgREST names it.
        name: &'static str,
        /// What stands there.
        found: String,
        /// What could.
        expected: &'static str,
    },
    /// The secret or key set cannot verify anything. Its text is never shown.
    #[error("`jwt-secret` cannot be used: {0}")]
    Secret(String),
    /// A file that a setting names with `@` cannot be read.
    #[error("the file that `{name}` names cannot be read")]
    File {
        /// The setting.
        name: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Settings as they were found, by name without prefix: `db_schemas`.
#[derive(Clone, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
    app: BTreeMap<String, String>,
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

/// The settings that the database may give; the rest is the machine's.
pub(crate) const FROM_DATABASE: &[&str] = &[
    "db_aggregates_enabled",
    "client_error_verbosity",
    "db_anon_role",
    "db_pre_config",
    "db_extra_search_path",
    "db_max_rows",
    "db_plan_enabled",
    "db_pre_request",
    "db_prepared_statements",
    "db_root_spec",
    "db_schemas",
    "db_tx_end",
    "db_hoisted_tx_settings",
    "jwt_aud",
    "jwt_role_claim_key",
    "jwt_secret",
    "jwt_secret_is_base64",
    "openapi_mode",
    "openapi_security_active",
    "openapi_server_proxy_uri",
    "server_cors_allowed_origins",
    "server_trace_header",
    "server_timing_enabled",
    "url_use_legacy_target_names",
];

impl Settings {
    /// From variables such as `PGRST_DB_SCHEMAS`; others are passed over.
    pub fn from_environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut settings = Self::default();
        for (name, value) in variables {
            let Some(name) = name.strip_prefix("PGRST_") else { continue };
            match name.strip_prefix("APP_SETTINGS_") {
                Some(name) => settings.app.insert(format!("app.settings.{name}"), value),
                None => settings.values.insert(name.to_ascii_lowercase(), value),
            };
        }
        settings
    }

    /// The same, with what the database says in place of what the environment said.
    #[must_use]
    pub fn with_database(mut self, settings: impl IntoIterator<Item = (String, String)>) -> Self {
        self.values.extend(settings.into_iter().filter(|(name, _)| FROM_DATABASE.contains(&name.as_str())));
        self
    }

    /// The same without what is about callers.
    pub(crate) fn without_identity(&self) -> Self {
        let mut settings = self.clone();
        settings.values.retain(|name, _| !name.starts_with("jwt_") && name != "db_anon_role");
        settings
    }

    /// A value with something in it.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A value as text under its name or an older one.
    fn text_or(&self, name: &str, older: &str) -> Option<&str> {
        self.text(name).or_else(|| self.text(older))
    }

    /// A yes or no in any spelling: `true`, `True`, `1`.
    ///
    /// # Errors
    /// For anything else.
    pub fn flag(&self, name: &'static str, default: bool) -> Result<bool, ConfigError> {
        let Some(text) = self.text(name) else { return Ok(default) };
        match text.trim_matches('"').to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            number => match number.parse::<i64>() {
                Ok(number) => Ok(number > 0),
                Err(_) => Err(ConfigError::Value { name, found: text.to_owned(), expected: "`true` or `false`" }),
            },
        }
    }

    /// A number.
    ///
    /// # Errors
    /// For anything else.
    pub fn number(&self, name: &'static str) -> Result<Option<i64>, ConfigError> {
        let refuse = |text: &str| ConfigError::Value { name, found: text.to_owned(), expected: "a number" };
        self.text(name).map(|text| text.trim().parse().map_err(|_| refuse(text))).transpose()
    }

    /// The configuration that these settings make.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn config(&self, role_settings: HashMap<String, Vec<(String, String)>>) -> Result<Config, ConfigError> {
        let defaults = Config::default();
        let (rolls_back, transaction_end_is_theirs) = self.transaction_end()?;
        let max_rows = match self.number("db_max_rows")? {
            Some(number) => Some(number),
            None => self.number("max_rows")?,
        };
        let older_base64 = self.flag("secret_is_base64", false)?;
        let keys = match self.secret()? {
            Some(secret) => {
                let base64 = self.flag("jwt_secret_is_base64", older_base64)?;
                Some(Keys::from_secret(&secret, base64).map_err(ConfigError::Secret)?)
            }
            None => None,
        };
        Ok(Config {
            schemas: self.schemas()?,
            extra_search_path: match self.values.get("db_extra_search_path") {
                Some(text) if text.is_empty() => Vec::new(),
                Some(text) => list(text),
                None => defaults.extra_search_path,
            },
            anonymous_role: self.text("db_anon_role").map(str::to_owned),
            max_rows,
            aggregates: self.flag("db_aggregates_enabled", false)?,
            plans: self.flag("db_plan_enabled", false)?,
            pre_request: self.text_or("db_pre_request", "pre_request").map(Qualified::parse),
            root_function: self.text_or("db_root_spec", "root_spec").map(Qualified::parse),
            rolls_back,
            transaction_end_is_theirs,
            hoisted_settings: self.text("db_hoisted_tx_settings").map_or(defaults.hoisted_settings, list),
            app_settings: self.app.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            role_settings,
            openapi_mode: self.openapi_mode()?,
            openapi_security: self.flag("openapi_security_active", false)?,
            openapi_proxy: self.proxy()?,
            address: self.address()?,
            cors_origins: self.text("server_cors_allowed_origins").map(list).unwrap_or_default(),
            trace_header: self.trace_header()?,
            server_timing: self.flag("server_timing_enabled", false)?,
            legacy_target_names: self.flag("url_use_legacy_target_names", true)?,
            terse_errors: self.terse_errors()?,
            prepares_statements: self.flag("db_prepared_statements", true)?,
            hides_estimates: false,
            slow_after: None,
            keys,
            audience: self.text("jwt_aud").map(str::to_owned),
            role_claim: self.role_claim()?,
        })
    }

    fn schemas(&self) -> Result<Vec<String>, ConfigError> {
        let schemas = self.text_or("db_schemas", "db_schema").map_or_else(|| vec!["public".to_owned()], list);
        match schemas.iter().find(|schema| matches!(schema.as_str(), "pg_catalog" | "information_schema" | "")) {
            Some(schema) => Err(ConfigError::Value {
                name: "db-schemas",
                found: schema.clone(),
                expected: "schemas of your own, between commas",
            }),
            None => Ok(schemas),
        }
    }

    /// Whether it rolls back, and whether a client may choose.
    fn transaction_end(&self) -> Result<(bool, bool), ConfigError> {
        match self.text("db_tx_end") {
            None | Some("commit") => Ok((false, false)),
            Some("commit-allow-override") => Ok((false, true)),
            Some("rollback") => Ok((true, false)),
            Some("rollback-allow-override") => Ok((true, true)),
            Some(other) => Err(ConfigError::Value {
                name: "db-tx-end",
                found: other.to_owned(),
                expected: "`commit`, `commit-allow-override`, `rollback` or `rollback-allow-override`",
            }),
        }
    }

    fn openapi_mode(&self) -> Result<OpenApiMode, ConfigError> {
        match self.text("openapi_mode") {
            None | Some("follow-privileges") => Ok(OpenApiMode::FollowPrivileges),
            Some("ignore-privileges") => Ok(OpenApiMode::IgnorePrivileges),
            Some("disabled") => Ok(OpenApiMode::Disabled),
            Some(other) => Err(ConfigError::Value {
                name: "openapi-mode",
                found: other.to_owned(),
                expected: "`follow-privileges`, `ignore-privileges` or `disabled`",
            }),
        }
    }

    /// Where to listen: `host:port`. PostgREST writes `!4`, `*4` and `*` for all addresses.
    ///
    /// # Errors
    /// When the port is no number.
    pub fn address(&self) -> Result<String, ConfigError> {
        let port = self.number("server_port")?.unwrap_or(3000);
        Ok(format!("{}:{port}", listening(self.text("server_host").unwrap_or("!4"))))
    }

    /// Where whoever watches over the process asks: the same host, unless another is said. None without a port.
    ///
    /// # Errors
    /// When the port is no number.
    pub fn admin_address(&self) -> Result<Option<String>, ConfigError> {
        let Some(port) = self.number("admin_server_port")? else { return Ok(None) };
        let host = self.text("admin_server_host").or_else(|| self.text("server_host")).unwrap_or("!4");
        Ok(Some(format!("{}:{port}", listening(host))))
    }

    fn proxy(&self) -> Result<Option<String>, ConfigError> {
        let Some(text) = self.text("openapi_server_proxy_uri") else { return Ok(None) };
        let usable = text
            .parse::<http::Uri>()
            .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
        if usable {
            return Ok(Some(text.to_owned()));
        }
        let expected = "an address such as https://example.com:8443/basePath";
        Err(ConfigError::Value { name: "openapi-server-proxy-uri", found: text.to_owned(), expected })
    }

    fn trace_header(&self) -> Result<Option<http::HeaderName>, ConfigError> {
        let Some(text) = self.text("server_trace_header") else { return Ok(None) };
        let refuse =
            |_| ConfigError::Value { name: "server-trace-header", found: text.to_owned(), expected: "a header's name" };
        text.parse().map(Some).map_err(refuse)
    }

    fn terse_errors(&self) -> Result<bool, ConfigError> {
        match self.text("client_error_verbosity") {
            None | Some("verbose") => Ok(false),
            Some("minimal") => Ok(true),
            Some(other) => Err(ConfigError::Value {
                name: "client-error-verbosity",
                found: other.to_owned(),
                expected: "`verbose` or `minimal`",
            }),
        }
    }

    fn role_claim(&self) -> Result<RoleClaim, ConfigError> {
        let Some(text) = self.text_or("jwt_role_claim_key", "role_claim_key") else { return Ok(RoleClaim::default()) };
        let expected = "a path such as `.role` or `$.app.roles[0]`";
        RoleClaim::parse(text).ok_or_else(|| ConfigError::Value {
            name: "jwt-role-claim-key",
            found: text.to_owned(),
            expected,
        })
    }

    /// The secret itself, also where a file holds it.
    fn secret(&self) -> Result<Option<String>, ConfigError> {
        let Some(text) = self.text("jwt_secret") else { return Ok(None) };
        let Some(path) = text.strip_prefix('@') else { return Ok(Some(text.to_owned())) };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File { name: "jwt-secret", source })?;
        Ok(Some(text.strip_suffix('\n').unwrap_or(&text).to_owned()))
    }
}

/// PostgREST's words for all addresses.
fn listening(host: &str) -> &str {
    match host {
        "*" | "*4" | "!4" => "0.0.0.0",
        "*6" | "!6" => "[::]",
        host => host,
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).collect()
}
