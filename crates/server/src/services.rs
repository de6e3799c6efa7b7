//! Everything that stands behind the routes, started and checked.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use clerk::{Claims, Clock, SecretKey, SigningSecret};
use clerk_api::{BackendApi, RequestRate};
use data_api::DataApi;
use metrics_exporter_prometheus::PrometheusHandle;
use mirror::deletion::Deletions;
use mirror::{ArrivalWatch, Mirror, ReconcileSchedule, Retention, Revocations};
use postgres::{ClientPool, DatabaseUrl, Parameter, Pool, PoolOptions, Row, migrations};
use secrecy::SecretString;
use tokens::{ApiKeys, DatabaseRole, HttpKeySource, KeyCache, RememberingVerifier, Verifier, unverified_issuer};
use tokio::sync::Semaphore;

use crate::Config;
use crate::Failure;
use crate::allowance::Allowances;
use crate::auth::Caller;
use crate::config::{DataApiOptions, Issuer, MirrorPatience};
use crate::health::{LastLook, LastQuestions};
use crate::known_callers::KnownCallers;
use crate::strangers::Strangers;

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct Services(Arc<Parts>);

/// What is behind [`Services`], none of it public. A request clones its services several times, so they have one count.
pub struct Parts {
    pub(crate) verifier: RememberingVerifier,
    /// Of issuers that are trusted besides.
    further_verifiers: Vec<RememberingVerifier>,
    pub(crate) api_keys: ApiKeys,
    pub(crate) mirror: Mirror,
    pub(crate) revocations: Revocations,
    pub(crate) reconcile: Option<ReconcileSchedule>,
    pub(crate) arrival: ArrivalWatch,
    pub(crate) retention: Retention,
    pub(crate) deletions: Deletions,
    pub(crate) owner: Pool,
    pub(crate) clients: ClientPool,
    pub(crate) data_api: Option<MountedDataApi>,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) allowances: Allowances,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Option<PrometheusHandle>,
    pub(crate) last_look: Arc<LastLook>,
    pub(crate) last_questions: Arc<LastQuestions>,
    pub(crate) patience: MirrorPatience,
    known_callers: KnownCallers,
    pub(crate) data_api_options: Option<DataApiOptions>,
}

/// Where it is announced that tables or functions have changed: PostgREST's channel, which Supabase's event triggers notify.
pub(crate) const SCHEMA_CHANGES: &str = "pgrst";

/// The data API below `/rest/v1`.
#[derive(Clone)]
pub(crate) struct MountedDataApi {
    pub(crate) api: DataApi,
    pub(crate) max_body_bytes: usize,
    /// For all bodies that are being read or worked on, in pages.
    pub(crate) room: Arc<Semaphore>,
}

/// What room is counted in, in bytes.
pub(crate) const PAGE: usize = 4096;
/// What all bodies may take together, unless one alone may take more.
const ROOM_BYTES: usize = 256 * 1024 * 1024;

/// What a webhook must satisfy.
#[derive(Debug)]
pub(crate) struct Webhooks {
    pub(crate) secrets: Vec<SigningSecret>,
    pub(crate) tolerance: Duration,
    pub(crate) max_body_bytes: usize,
    pub(crate) strangers: Strangers,
}

/// Why the services cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be reached, or has another shape than this build expects.
    #[error("the database at {url} cannot be used")]
    Database {
        /// The address, without its password.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Migrations are missing.
    #[error("the database at {url} lacks {missing} of Rowlock's migrations; run `rowlock migrate`")]
    NotMigrated {
        /// The address, without its password.
        url: String,
        /// How many.
        missing: usize,
    },
    /// The login for clients does not work or is too powerful.
    #[error("the login for clients' statements at {url} cannot be used; `rowlock migrate` sets it up")]
    ClientLogin {
        /// The address, without its password.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The login for secret keys cannot be made.
    #[error(
        "the login for secret keys at {url} cannot be made; the owner needs the right to make roles and to grant `service_role`"
    )]
    ServiceLogin {
        /// The address, without its password.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is declared about deletion does not fit the database.
    #[error(transparent)]
    Deletion(#[from] mirror::deletion::RuleError),
    /// Clerk could not be asked whose tokens to trust, or has no usable address.
    #[error("Clerk cannot be used: {0}")]
    Clerk(String),
}

impl Deref for Services {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Services {
    /// Connects to everything and checks that it is what it should be: fails now rather than at the first request.
    ///
    /// Signing keys are the exception. They are fetched now, but an outage at Clerk does not keep a server from starting:
    /// until they come, tokens are refused with 503, and webhooks are taken all the same.
    ///
    /// # Errors
    /// [`StartError`] says what to do.
    pub async fn start(
        config: &Config,
        clock: Arc<dyn Clock>,
        metrics: Option<PrometheusHandle>,
    ) -> Result<Self, StartError> {
        let owner = owner_pool(config).await?;
        let recording = mirror::record_changes(&owner, config.record_changes).await;
        recording
            .map_err(|error| StartError::Database { url: config.database_url.to_string(), source: error.into() })?;
        let deletions = Deletions::new(owner.clone());
        for warning in deletions.apply(&config.deletion).await?.warnings {
            tracing::warn!(warning, "a rule about deletion works, but not well");
        }
        let clients = client_pool(config).await?;
        let api = match &config.secret_key {
            Some(key) => Some(backend_api(config, key)?),
            None => None,
        };
        let issuer = match (&config.issuer, &api) {
            (Issuer::Known(issuer), _) => issuer.clone(),
            (Issuer::AskBackendApi, Some(api)) => {
                api.issuer().await.map_err(|error| StartError::Clerk(with_causes(&error)))?
            }
            (Issuer::AskBackendApi, None) => return Err(StartError::Clerk("no issuer and no secret key".to_owned())),
        };
        let keys = key_cache(config, &issuer, &clock)?;
        let data_api = match &config.data_api {
            Some(options) => Some(mounted(options, &clients, &owner, config, &clock).await?),
            None => None,
        };
        let mut options = config.verifier.clone();
        options.issuer = issuer;
        let further_verifiers = config
            .further_issuers
            .iter()
            .map(|issuer| Ok(RememberingVerifier::new(further_verifier(config, issuer, &clock)?)))
            .collect::<Result<_, StartError>>()?;
        let services = Self(Arc::new(Parts {
            verifier: RememberingVerifier::new(Verifier::new(options, keys, Arc::clone(&clock))),
            further_verifiers,
            api_keys: config.api_keys.clone(),
            revocations: Revocations::new(owner.clone()),
            reconcile: config.reconcile,
            arrival: ArrivalWatch::default(),
            retention: config.retention,
            deletions,
            mirror: Mirror::new(owner.clone(), api).keeping_bodies_for(config.bodies_kept),
            owner,
            clients,
            data_api,
            webhooks: Arc::new(Webhooks {
                secrets: config.signing_secrets.clone(),
                tolerance: config.tolerance,
                max_body_bytes: config.max_body_bytes,
                strangers: Strangers::new(config.refusals_per_minute, config.trusted_proxies),
            }),
            allowances: Allowances::new(&config.limits),
            patience: config.patience,
            clock,
            metrics,
            last_look: Arc::default(),
            last_questions: Arc::default(),
            known_callers: KnownCallers::default(),
            data_api_options: config.data_api.clone(),
        }));
        // A failure has logged itself, and is tried again with the first token or health check.
        let _ = services.verifier().keys().warm().await;
        Ok(services)
    }

    /// The mirror, for the worker beside the routes.
    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    /// Which tokens are void: for whoever acts for a caller outside of HTTP, or holds something open for one.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// The verifier, for whoever acts for a caller outside of HTTP.
    pub fn verifier(&self) -> &Verifier {
        self.verifier.verifier()
    }

    /// Who verifies `token`: its issuer's verifier, and the main one for any that is not trusted, which says so.
    pub(crate) fn verifier_of(&self, token: &str) -> &RememberingVerifier {
        if self.further_verifiers.is_empty() {
            return &self.verifier;
        }
        let issuer = unverified_issuer(token);
        let known = |one: &&RememberingVerifier| issuer.as_deref() == Some(one.verifier().issuer());
        self.further_verifiers.iter().find(known).unwrap_or(&self.verifier)
    }

    /// Whether this caller needs no rows in the mirror: they were made before, or the mirror is another instance's.
    pub(crate) fn knows(&self, claims: &Claims) -> bool {
        claims.issuer != self.verifier().issuer() || self.known_callers.contains(claims)
    }

    /// This caller's rows have been made, and that is committed.
    pub(crate) fn has_met(&self, claims: &Claims) {
        self.known_callers.insert(claims);
    }

    /// Runs a statement as the caller, whose rows are there when it runs: what the webhook has not brought yet is made in
    /// the same transaction.
    ///
    /// # Errors
    /// As [`postgres::AsPrincipal::query`].
    pub(crate) async fn query_as(
        &self,
        caller: &Caller,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let transaction = self.clients.as_principal(&caller.principal);
        let Some(claims) = caller.claims.as_ref().filter(|claims| !self.knows(claims)) else {
            return Ok(transaction.query(statement, parameters).await?);
        };
        let rows = transaction.ensuring_rows().query(statement, parameters).await?;
        self.known_callers.insert(claims);
        Ok(rows)
    }

    /// The pool for clients' statements.
    pub fn clients(&self) -> &ClientPool {
        &self.clients
    }
}

/// The data API, which knows the schema if the database could be asked; otherwise the task that follows it asks again.
async fn mounted(
    options: &DataApiOptions,
    clients: &ClientPool,
    owner: &Pool,
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<MountedDataApi, StartError> {
    let mut api = DataApi::with_replicas(
        clients.clone(),
        replica_pools(config)?,
        owner.clone(),
        data_api_config(options, owner).await.unwrap_or_else(|| shown(options)),
        Arc::clone(clock),
    );
    if config.api_keys.can_serve() {
        api = api.serving_on(service_pool(owner, config).await?);
    }
    if let Err(error) = api.begin(SCHEMA_CHANGES).await {
        tracing::warn!(error = with_causes(&error), "the data API does not know the schema yet");
    }
    let room = Arc::new(Semaphore::new(ROOM_BYTES.max(options.max_body_bytes).div_ceil(PAGE)));
    Ok(MountedDataApi { api, max_body_bytes: options.max_body_bytes, room })
}

/// For whoever holds a secret key. The login is made here, because nobody has it who has no such key.
async fn service_pool(owner: &Pool, config: &Config) -> Result<ClientPool, StartError> {
    let url = config.database_url.to_string();
    let unusable =
        |source: Box<dyn std::error::Error + Send + Sync>| StartError::ServiceLogin { url: url.clone(), source };
    postgres::install_service_login(owner).await.map_err(|error| unusable(error.into()))?;
    let options = PoolOptions {
        size: config.owner_connections,
        wait: config.connection_wait,
        application_name: "rowlock service",
        ..PoolOptions::default()
    };
    ClientPool::new(&config.database_url.for_service(), &options).map_err(|error| unusable(error.into()))
}

/// For reads. Nobody asks whether a replica is there before it is needed: a server starts without.
fn replica_pools(config: &Config) -> Result<Vec<ClientPool>, StartError> {
    let options = PoolOptions {
        size: config.client_connections,
        wait: config.connection_wait,
        application_name: "rowlock clients",
        ..PoolOptions::default()
    };
    let pool = |url: &DatabaseUrl| {
        ClientPool::new(url, &options)
            .map_err(|source| StartError::Database { url: url.to_string(), source: source.into() })
    };
    config.replica_database_urls.iter().map(pool).collect()
}

fn shown(options: &DataApiOptions) -> data_api::Config {
    data_api::Config::exposing(options.schemas.clone(), options.extra_search_path.clone())
        .with_max_rows(options.max_rows)
        .with_anonymous_role(DatabaseRole::anonymous().as_str())
        .with_cors_origins(options.cors_origins.clone())
        .with_slow_after(options.slow_after)
        .with_prepared_statements(options.prepared_statements)
        .hiding_estimates()
}

/// The configuration with what the database says about roles; none when it cannot be asked.
pub(crate) async fn data_api_config(options: &DataApiOptions, owner: &Pool) -> Option<data_api::Config> {
    let settings = data_api::role_settings(owner)
        .await
        .inspect_err(|error| tracing::warn!(error = with_causes(error), "the settings of roles cannot be read"))
        .ok()?;
    let config = shown(options).with_role_settings(settings);
    // Where Supabase's users set them: `alter role authenticator set pgrst.db_aggregates_enabled = 'true'`.
    let told = data_api::settings_of_role(owner, AUTHENTICATOR)
        .await
        .inspect_err(|error| tracing::warn!(error = with_causes(error), "the settings of roles cannot be read"))
        .ok()?;
    match config.clone().with_settings(&data_api::Settings::default().with_database(told)) {
        Ok(config) => Some(config),
        Err(error) => {
            tracing::error!(error = with_causes(&error), "the settings of the role `authenticator` cannot be used");
            Some(config)
        }
    }
}

/// The login of PostgREST on Supabase.
const AUTHENTICATOR: &str = "authenticator";

async fn owner_pool(config: &Config) -> Result<Pool, StartError> {
    let url = config.database_url.to_string();
    let unusable = |source: Box<dyn std::error::Error + Send + Sync>| StartError::Database { url: url.clone(), source };
    let options =
        PoolOptions { size: config.owner_connections, wait: config.connection_wait, ..PoolOptions::default() };
    let pool = Pool::new(&config.database_url, &options).map_err(|error| unusable(error.into()))?;
    let pending = migrations::pending(&pool).await.map_err(|error| unusable(error.into()))?;
    if pending.is_empty() {
        return Ok(pool);
    }
    Err(StartError::NotMigrated { url, missing: pending.len() })
}

async fn client_pool(config: &Config) -> Result<ClientPool, StartError> {
    let url = config.client_database_url.to_string();
    let unusable =
        |source: Box<dyn std::error::Error + Send + Sync>| StartError::ClientLogin { url: url.clone(), source };
    let options = PoolOptions {
        size: config.client_connections,
        wait: config.connection_wait,
        application_name: "rowlock clients",
        ..PoolOptions::default()
    };
    let pool = ClientPool::new(&config.client_database_url, &options).map_err(|error| unusable(error.into()))?;
    postgres::refuse_powerful_login(&pool).await.map_err(|error| unusable(error.into()))?;
    Ok(pool)
}

fn backend_api(config: &Config, key: &SecretKey) -> Result<BackendApi, StartError> {
    let rate = match config.requests_per_ten_seconds {
        Some(requests) => RequestRate::per_ten_seconds(requests),
        None => RequestRate::documented(key.environment()).halved(),
    };
    let api = BackendApi::new(config.api_url.clone(), key.clone());
    api.map(|api| api.at_rate(rate)).map_err(|error| StartError::Clerk(with_causes(&error)))
}

fn further_verifier(config: &Config, issuer: &str, clock: &Arc<dyn Clock>) -> Result<Verifier, StartError> {
    let unusable = |error: &dyn std::fmt::Display| StartError::Clerk(format!("issuer `{issuer}`: {error}"));
    let url = format!("{issuer}/.well-known/jwks.json").parse().map_err(|error| unusable(&error))?;
    let source = HttpKeySource::new(url, None).map_err(|error| unusable(&error))?;
    let mut options = config.verifier.clone();
    issuer.clone_into(&mut options.issuer);
    Ok(Verifier::new(options, KeyCache::new(source, Arc::clone(clock)), Arc::clone(clock)))
}

fn key_cache(config: &Config, issuer: &str, clock: &Arc<dyn Clock>) -> Result<KeyCache, StartError> {
    let url = match &config.jwks_url {
        Some(url) => url.clone(),
        None => format!("{issuer}/.well-known/jwks.json")
            .parse()
            .map_err(|error| StartError::Clerk(format!("issuer `{issuer}` is not a URL: {error}")))?,
    };
    // The Backend API's own key set needs the secret key; it is sent nowhere else.
    let with_secret = url.origin() == config.api_url.origin();
    let secret = config.secret_key.as_ref().filter(|_| with_secret).map(|key| SecretString::from(key.expose()));
    let source = HttpKeySource::new(url, secret).map_err(|error| StartError::Clerk(error.to_string()))?;
    Ok(KeyCache::new(source, Arc::clone(clock)))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
