//! The whole stack on this machine: Postgres, Clerk's emulator, the server, and the webhook loop between them.
//!
//! `dev` and `demo` run the very services that `serve` runs; only what stands around them is local.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clerk::{Clock, SecretKey, SystemClock};
use emulator::{Emulator, EmulatorOptions};
use mirror::Retention;
use mirror::deletion::DeletionPolicy;
use postgres::binaries::Binaries;
use postgres::cluster::{Cluster, ClusterOptions, Durability, Port};
use postgres::{DatabaseUrl, Pool, PoolOptions, install_client_login, migrations};
use server::config::{DataApiOptions, Issuer, MirrorPatience, RequestLimits};
use server::{Config, Services, telemetry};
use supabase::{Applied, EXTENSIONS, Project, ProjectError};
use tokens::{ApiKeys, VerifierOptions};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::local_keys;

/// The path of the webhook endpoint.
pub(crate) const WEBHOOK_PATH: &str = "/webhooks/clerk";

/// How to run the stack.
pub(crate) struct StackOptions {
    /// Where Postgres lives.
    pub(crate) postgres_directory: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) pg_bin: Option<PathBuf>,
    pub(crate) pg_port: Port,
    pub(crate) listen: Address,
    pub(crate) emulator: EmulatorOptions,
    pub(crate) emulator_listen: Address,
    /// Pause between webhook attempts, divided.
    pub(crate) drain: Duration,
    /// What Supabase projects expect is made, too.
    pub(crate) platform: Option<Platform>,
}

/// Supabase's side of the stack.
pub(crate) struct Platform {
    /// The folder whose migrations and seeds are applied, if there is one.
    pub(crate) project: Option<Project>,
    /// Whether what the database holds is thrown away first.
    pub(crate) reset: bool,
}

/// An address to listen on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Address {
    /// This one or none.
    Fixed(SocketAddr),
    /// This one, or any free port beside it.
    Preferred(SocketAddr),
}

impl Address {
    /// `asked` if somebody asked; otherwise 127.0.0.1 with `port` where that is free.
    pub(crate) fn asked_or(asked: Option<SocketAddr>, port: u16) -> Self {
        asked.map_or(Self::Preferred(SocketAddr::from(([127, 0, 0, 1], port))), Self::Fixed)
    }

    /// The address with a port that is free at this moment.
    fn choose(self) -> SocketAddr {
        match self {
            Self::Fixed(address) => address,
            Self::Preferred(address) if std::net::TcpListener::bind(address).is_ok() => address,
            Self::Preferred(address) => SocketAddr::new(address.ip(), 0),
        }
    }
}

/// The running stack. [`stop`](Self::stop) ends it in order; dropping it ends it, too, and waits for nothing.
pub(crate) struct Stack {
    pub(crate) cluster: Cluster,
    pub(crate) emulator: Emulator,
    pub(crate) services: Services,
    pub(crate) owner: Pool,
    pub(crate) api: SocketAddr,
    pub(crate) binaries: Binaries,
    pub(crate) took: Took,
    /// What applying the project's folder came to.
    pub(crate) applied: Option<Result<Applied, ProjectError>>,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

/// How long the parts took to be ready.
pub(crate) struct Took {
    pub(crate) postgres: Duration,
    pub(crate) emulator: Duration,
    pub(crate) server: Duration,
}

impl Stack {
    /// Starts everything; returns when the first webhook could arrive.
    pub(crate) async fn start(options: StackOptions) -> anyhow::Result<Self> {
        let binaries = Binaries::find(options.pg_bin.as_deref())?;
        let platform = options.platform.as_ref();
        let database = start_database(
            ClusterOptions {
                directory: options.postgres_directory,
                binaries: binaries.clone(),
                port: options.pg_port,
                durability: options.durability,
                stand_ins: if platform.is_some() { EXTENSIONS } else { &[] },
                preload: if platform.is_some() { PRELOADED } else { &[] },
            },
            platform,
        );
        let emulator = start_emulator(options.emulator, options.emulator_listen);
        let ((Database { cluster, owner, applied }, postgres), (emulator, emulator_took)) =
            tokio::try_join!(database, emulator)?;
        let began = Instant::now();
        let listener = listen(options.listen).await?;
        let api = listener.local_addr()?;
        let config = config(&cluster.url(), &emulator, api, options.drain, platform)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let services = Services::start(&config, clock, telemetry::start_metrics().ok()).await?;
        let stop = CancellationToken::new();
        let serving = tokio::spawn(server::run(listener, services.clone(), options.drain, stop.clone()));
        connect_webhooks(&emulator, api)?;
        let took = Took { postgres, emulator: emulator_took, server: began.elapsed() };
        Ok(Self { cluster, emulator, services, owner, api, binaries, took, applied, stop, serving })
    }

    /// The server's base URL.
    pub(crate) fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Ends everything in the order in which the parts need each other: sender, server, database.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.emulator.shutdown().await.context("the emulator did not stop well")?;
        self.stop.cancel();
        self.serving.await.context("the server ended by a panic")??;
        // The last connections close before the server that would cut them.
        drop(self.services);
        drop(self.owner);
        self.cluster.stop().await.context("Postgres did not stop well")
    }
}

/// A local Postgres with everything in it.
struct Database {
    cluster: Cluster,
    owner: Pool,
    applied: Option<Result<Applied, ProjectError>>,
}

async fn start_database(options: ClusterOptions, platform: Option<&Platform>) -> anyhow::Result<(Database, Duration)> {
    let began = Instant::now();
    let fill = async |url: DatabaseUrl| prepare_database(&url, platform).await;
    let (cluster, filled) = Cluster::start_filled(options, fill).await?;
    let applied = match filled {
        Some(applied) => applied,
        None => prepare_database(&cluster.url(), platform).await?,
    };
    let owner = Pool::new(&cluster.url(), &PoolOptions::default())?;
    Ok((Database { cluster, owner, applied }, began.elapsed()))
}

async fn start_emulator(options: EmulatorOptions, listen: Address) -> anyhow::Result<(Emulator, Duration)> {
    let began = Instant::now();
    let emulator = Emulator::start(EmulatorOptions { listen: listen.choose(), ..options }).await?;
    Ok((emulator, began.elapsed()))
}

/// Loaded with Postgres where it has them: the official command line asks it what was slow.
const PRELOADED: &[&str] = &["pg_stat_statements"];

async fn prepare_database(
    url: &DatabaseUrl,
    platform: Option<&Platform>,
) -> anyhow::Result<Option<Result<Applied, ProjectError>>> {
    if let Some(platform) = platform {
        if platform.reset {
            reset(url).await?;
        }
        let exposes = platform.project.as_ref().is_none_or(|project| project.config.exposes_new_tables);
        // On connections of its own: what it sets for roles holds for those that come later.
        let pool = Pool::new(url, &PoolOptions { size: 1, ..PoolOptions::default() })?;
        supabase::install_platform(&pool, exposes).await?;
    }
    let pool = Pool::new(url, &PoolOptions::default())?;
    migrations::migrate(&pool).await?;
    install_client_login(&pool).await?;
    let mut applied = None;
    if let Some(platform) = platform {
        supabase::own_mirror(&pool).await?;
        if let Some(project) = &platform.project {
            applied = Some(project.apply(&pool).await);
        }
    }
    Ok(applied)
}

/// Begins with an empty database. Roles stay: they are the server's.
async fn reset(url: &DatabaseUrl) -> anyhow::Result<()> {
    let beside = Pool::new(&url.with_database("template1"), &PoolOptions { size: 1, ..PoolOptions::default() })?;
    let connection = beside.get().await?;
    for statement in ["drop database if exists postgres with (force)", "create database postgres template template0"] {
        connection.batch_execute(statement).await.context("the database cannot be made anew")?;
    }
    Ok(())
}

async fn listen(address: Address) -> anyhow::Result<TcpListener> {
    let address = address.choose();
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// What `serve` would read from its file and the environment.
fn config(
    url: &DatabaseUrl,
    emulator: &Emulator,
    listen: SocketAddr,
    drain: Duration,
    platform: Option<&Platform>,
) -> anyhow::Result<Config> {
    Ok(Config {
        listen,
        drain,
        database_url: url.clone(),
        client_database_url: url.for_clients(),
        replica_database_urls: Vec::new(),
        owner_connections: 8,
        client_connections: 16,
        connection_wait: Duration::from_secs(5),
        issuer: Issuer::Known(emulator.issuer().to_owned()),
        jwks_url: None,
        api_url: emulator.base_url().parse()?,
        secret_key: Some(SecretKey::parse(emulator.secret_key())?),
        signing_secrets: vec![emulator.webhook_secret().clone()],
        verifier: VerifierOptions::for_issuer(emulator.issuer()),
        max_body_bytes: 1024 * 1024,
        // The emulator is one's own.
        requests_per_ten_seconds: NonZeroU32::new(100_000),
        reconcile: None,
        data_api: Some(data_api_options(platform)),
        limits: RequestLimits::default(),
        record_changes: true,
        api_keys: platform.map_or_else(ApiKeys::default, |_| local_keys::local()),
        further_issuers: Vec::new(),
        deletion: DeletionPolicy { rules: Vec::new(), hold: Duration::from_secs(72 * 60 * 60) },
        // What happens on a laptop may be looked at for as long as its data is there.
        retention: Retention { revocations: Duration::from_secs(30 * 24 * 60 * 60), changes: None },
        tolerance: Duration::from_secs(300),
        refusals_per_minute: None,
        trusted_proxies: 0,
        patience: MirrorPatience::default(),
        bodies_kept: None,
    })
}

/// What the project shows, or what a new one would.
fn data_api_options(platform: Option<&Platform>) -> DataApiOptions {
    let Some(project) = platform.and_then(|platform| platform.project.as_ref()) else {
        return DataApiOptions::default();
    };
    let config = &project.config;
    DataApiOptions {
        schemas: config.schemas.clone(),
        extra_search_path: config.extra_search_path.clone(),
        max_rows: Some(config.max_rows).filter(|rows| *rows > 0),
        ..DataApiOptions::default()
    }
}

/// Points the emulator's webhooks at this server. What a former run on another port left behind is removed; endpoints of
/// the user's own stay.
fn connect_webhooks(emulator: &Emulator, api: SocketAddr) -> anyhow::Result<()> {
    let webhooks = emulator.webhooks();
    let known = webhooks.endpoints()?;
    for endpoint in known["data"].as_array().into_iter().flatten() {
        let ours = endpoint["url"].as_str().is_some_and(|url| url.ends_with(WEBHOOK_PATH));
        if let (true, Some(id)) = (ours, endpoint["id"].as_str()) {
            webhooks.remove_endpoint(id)?;
        }
    }
    webhooks.add_endpoint(&format!("http://{api}{WEBHOOK_PATH}"))?;
    Ok(())
}
