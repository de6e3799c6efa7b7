//! How the data API behaves. The names are PostgREST's; `rowlock rest` reads them as PostgREST does ([`settings`]).

mod settings;

use std::collections::HashMap;
use std::time::Duration;

use crate::auth::Keys;
use crate::auth::role_claim::RoleClaim;
use crate::identifier::Qualified;

pub(crate) use settings::FROM_DATABASE;
pub use settings::{ConfigError, Settings};

/// Everything that a request may depend on beside the schema.
#[derive(Debug, Clone)]
pub struct Config {
    /// The exposed schemas; the first is the default. Never empty.
    pub(crate) schemas: Vec<String>,
    pub(crate) extra_search_path: Vec<String>,
    /// The role of requests without a token; none refuses them.
    pub(crate) anonymous_role: Option<String>,
    pub(crate) max_rows: Option<i64>,
    pub(crate) aggregates: bool,
    pub(crate) plans: bool,
    pub(crate) pre_request: Option<Qualified>,
    pub(crate) root_function: Option<Qualified>,
    /// Transactions are rolled back, unless a client may say otherwise and does.
    pub(crate) rolls_back: bool,
    pub(crate) transaction_end_is_theirs: bool,
    /// Settings of functions that hold for the whole transaction.
    pub(crate) hoisted_settings: Vec<String>,
    pub(crate) app_settings: Vec<(String, String)>,
    pub(crate) role_settings: HashMap<String, Vec<(String, String)>>,
    pub(crate) openapi_mode: OpenApiMode,
    pub(crate) openapi_security: bool,
    pub(crate) openapi_proxy: Option<String>,
    /// Host and port, for the root document where no proxy is named.
    pub(crate) address: String,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) trace_header: Option<http::HeaderName>,
    pub(crate) server_timing: bool,
    /// Whether a relation with an alias may also be meant by its own name.
    pub(crate) legacy_target_names: bool,
    pub(crate) terse_errors: bool,
    pub(crate) prepares_statements: bool,
    /// Whether the planner's guess about rows is kept from those who may see only some. PostgREST shows it.
    pub(crate) hides_estimates: bool,
    /// What takes this long in the database is worth a log line.
    pub(crate) slow_after: Option<Duration>,
    pub(crate) keys: Option<Keys>,
    pub(crate) audience: Option<String>,
    pub(crate) role_claim: RoleClaim,
}

/// What the root document shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenApiMode {
    /// What the caller may use.
    FollowPrivileges,
    /// Everything.
    IgnorePrivileges,
    Disabled,
}

impl Default for Config {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            schemas: words(&["public"]),
            extra_search_path: words(&["public"]),
            anonymous_role: None,
            max_rows: None,
            aggregates: false,
            plans: false,
            pre_request: None,
            root_function: None,
            rolls_back: false,
            transaction_end_is_theirs: false,
            hoisted_settings: words(&[
                "statement_timeout",
                "plan_filter.statement_cost_limit",
                "default_transaction_isolation",
            ]),
            app_settings: Vec::new(),
            role_settings: HashMap::new(),
            openapi_mode: OpenApiMode::FollowPrivileges,
            openapi_security: false,
            openapi_proxy: None,
            address: "0.0.0.0:3000".to_owned(),
            cors_origins: Vec::new(),
            trace_header: None,
            server_timing: false,
            legacy_target_names: true,
            terse_errors: false,
            prepares_statements: true,
            hides_estimates: false,
            slow_after: None,
            keys: None,
            audience: None,
            role_claim: RoleClaim::default(),
        }
    }
}

impl Config {
    /// Exposes `schemas`, of which the first is the default, and looks names up in `extra_search_path`, too.
    ///
    /// # Panics
    /// Without a schema: there would be nothing to serve.
    #[must_use]
    pub fn exposing(schemas: Vec<String>, extra_search_path: Vec<String>) -> Self {
        assert!(!schemas.is_empty(), "the data API exposes at least one schema");
        Self { schemas, extra_search_path, ..Self::default() }
    }

    /// Gives no more than `rows` at once.
    #[must_use]
    pub fn with_max_rows(mut self, rows: Option<i64>) -> Self {
        self.max_rows = rows;
        self
    }

    /// Lets pages of these origins call with credentials; none means all, without.
    #[must_use]
    pub fn with_cors_origins(mut self, origins: Vec<String>) -> Self {
        self.cors_origins = origins;
        self
    }

    /// Sets who is anonymous.
    #[must_use]
    pub fn with_anonymous_role(mut self, role: &str) -> Self {
        self.anonymous_role = Some(role.to_owned());
        self
    }

    /// Settings of each role that hold in its transactions, by the role's name.
    #[must_use]
    pub fn with_role_settings(mut self, settings: HashMap<String, Vec<(String, String)>>) -> Self {
        self.role_settings = settings;
        self
    }

    /// What `settings` say about answers, over what is there: aggregates, plans, bounds, schemas, the function before requests. What
    /// they say about callers (secrets, the anonymous role, origins) is passed over: that is decided elsewhere.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn with_settings(mut self, settings: &Settings) -> Result<Self, ConfigError> {
        let told = settings.without_identity().config(HashMap::new())?;
        macro_rules! take {
            ($($name:literal => $($field:ident),+;)+) => {
                $(if settings.text($name).is_some() { $(self.$field = told.$field;)+ })+
            };
        }
        take! {
            "db_aggregates_enabled" => aggregates;
            "db_plan_enabled" => plans;
            "db_max_rows" => max_rows;
            "db_schemas" => schemas;
            "db_extra_search_path" => extra_search_path;
            "db_pre_request" => pre_request;
            "db_root_spec" => root_function;
            "db_tx_end" => rolls_back, transaction_end_is_theirs;
            "db_hoisted_tx_settings" => hoisted_settings;
            "openapi_mode" => openapi_mode;
            "openapi_security_active" => openapi_security;
            "openapi_server_proxy_uri" => openapi_proxy;
            "server_timing_enabled" => server_timing;
            "client_error_verbosity" => terse_errors;
            "url_use_legacy_target_names" => legacy_target_names;
        }
        Ok(self)
    }

    /// Counts rows where the planner's guess would tell of rows that the caller may not see.
    #[must_use]
    pub fn hiding_estimates(mut self) -> Self {
        self.hides_estimates = true;
        self
    }

    /// Whether connections remember statements, which a pooler in transaction mode cannot.
    #[must_use]
    pub fn with_prepared_statements(mut self, prepares: bool) -> Self {
        self.prepares_statements = prepares;
        self
    }

    /// Logs what takes this long in the database, the wait for a connection included; nothing without a time.
    #[must_use]
    pub fn with_slow_after(mut self, patience: Option<Duration>) -> Self {
        self.slow_after = patience;
        self
    }

    pub(crate) fn role_settings_of(&self, role: &str) -> &[(String, String)] {
        self.role_settings.get(role).map_or(&[], Vec::as_slice)
    }
}
