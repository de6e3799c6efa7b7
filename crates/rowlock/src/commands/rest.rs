//! `rowlock rest`: the data API alone, in place of PostgREST.
//!
//! Configured by PostgREST's own variables (`PGRST_DB_URI`, `PGRST_DB_SCHEMAS`, …); unless `PGRST_DB_CONFIG` is off, what the
//! database says for the login role (`alter role authenticator set pgrst.…`) wins over them and is read anew on `notify pgrst,
//! 'reload config'`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ::postgres::{ClientPool, DatabaseUrl, Error as PostgresError, Pool, PoolOptions};
use anyhow::Context as _;
use clerk::SystemClock;
use data_api::{Config, DataApi, Settings, login_settings, role_settings};
use serde_json::json;
use server::{Probes, telemetry};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use crate::printer::Printer;
use crate::report::Hinted;
use crate::signals;

/// What PostgREST has and this command has not.
const NOT_SUPPORTED: &[&str] = &["admin_server_unix_socket", "server_reuseport", "log_level", "log_query"];

/// How long requests under way may take after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// What takes this long is logged, unless something else is said.
const SLOW: Duration = Duration::from_secs(1);
/// How long to wait before the database is tried again at the start.
const RETRY: Duration = Duration::from_secs(1);

pub(super) async fn run(printer: Printer) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_environment(std::env::vars());
    let filter = super::environment("ROWLOCK_LOG");
    telemetry::start_logging(server::config::LogFormat::Text, filter.as_deref(), Printer::colours_errors());
    for name in NOT_SUPPORTED.iter().filter(|name| settings.text(name).is_some()) {
        tracing::warn!(setting = name, "this setting of PostgREST's has no effect here");
    }
    let slow_after = slow_after()?;
    let stop = signals::stop_token()?;
    let url = database_url(&settings)?;
    let size = usize::try_from(settings.number("db_pool")?.unwrap_or(10)).unwrap_or(1).max(1);
    let wait = settings.number("db_pool_acquisition_timeout")?.unwrap_or(10);
    let wait = Duration::from_secs(u64::try_from(wait).unwrap_or(10));
    let metrics = telemetry::start_metrics().context("metrics cannot be collected")?;
    let keeping_up = tokio::spawn(telemetry::keep_up(metrics.clone(), stop.clone()));
    let probes = Probes::new(metrics);
    let probing = match settings.admin_address()? {
        Some(address) => {
            let listener = listen(&address).await?;
            tracing::info!(%address, "`/live`, `/ready` and `/metrics` are answered");
            Some(tokio::spawn(server::run_probes(listener, probes.clone(), stop.clone())))
        }
        None => None,
    };
    let seconds = |name, default| {
        let found = settings.number(name)?.and_then(|seconds| u64::try_from(seconds).ok());
        anyhow::Ok(Duration::from_secs(found.unwrap_or(default)))
    };
    let (longest_idle, longest_life) = (seconds("db_pool_max_idletime", 30)?, seconds("db_pool_max_lifetime", 1800)?);
    let options = |size| PoolOptions { size, wait, application_name: "rowlock rest", longest_idle, longest_life };
    let (clients, catalogue) = (ClientPool::new(&url, &options(size))?, Pool::new(&url, &options(2))?);
    let in_database = settings.flag("db_config", true)?;
    let Some(config) = first_config(&catalogue, &settings, in_database, &stop).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let config = config.with_slow_after(slow_after);
    let replicas =
        replica_urls(&url)?.iter().map(|url| ClientPool::new(url, &options(size))).collect::<Result<_, _>>()?;
    let api = DataApi::with_replicas(clients, replicas, catalogue.clone(), config, Arc::new(SystemClock));
    while let Err(error) = api.reload().await {
        tracing::error!(error = format!("{:#}", anyhow::Error::from(error)), "the schema cannot be read; trying again");
        if paused(&stop).await {
            return Ok(ExitCode::SUCCESS);
        }
    }
    let channel = settings.text("db_channel").unwrap_or("pgrst").to_owned();
    let following = follows(&settings)?.then(|| {
        let (api, stop, settings, catalogue) = (api.clone(), stop.clone(), settings.clone(), catalogue.clone());
        tokio::spawn(async move {
            let configuration =
                || async { Some(reread(&catalogue, &settings, in_database).await?.with_slow_after(slow_after)) };
            api.follow(&channel, configuration, stop).await;
        })
    });
    match socket(&settings)? {
        Some((path, mode)) => {
            let listener = listen_on_file(&path, mode)?;
            printer.value(&json!({ "event": "ready", "api": format!("unix:{}", path.display()) }));
            tracing::info!(socket = %path.display(), database = %url, "rowlock rest serves");
            probes.serving(api.clone());
            server::run_rest(listener, api, DRAIN, stop).await;
            let _ = std::fs::remove_file(path);
        }
        None => {
            let listener = listen(&settings.address()?).await?;
            let address = listener.local_addr()?;
            printer.value(&json!({ "event": "ready", "api": format!("http://{address}") }));
            tracing::info!(%address, database = %url, "rowlock rest serves");
            probes.serving(api.clone());
            server::run_rest(listener, api, DRAIN, stop).await;
        }
    }
    if let Some(probing) = probing {
        probing.await?;
    }
    if let Some(following) = following {
        following.await?;
    }
    keeping_up.await?;
    telemetry::stop_traces();
    Ok(ExitCode::SUCCESS)
}

/// What takes this long in the database is logged; nothing is with 0. PostgREST has no such setting.
fn slow_after() -> anyhow::Result<Option<Duration>> {
    let Some(text) = super::environment("ROWLOCK_SLOW_MILLISECONDS") else { return Ok(Some(SLOW)) };
    let milliseconds: u64 = text.parse().map_err(|_| {
        anyhow::anyhow!(
            "`ROWLOCK_SLOW_MILLISECONDS` is `{text}`; expected a number of milliseconds, or 0 for no log line"
        )
    })?;
    Ok((milliseconds > 0).then(|| Duration::from_millis(milliseconds)))
}

async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// The socket file to listen on in place of a port, and who may use it (octal, as `chmod` has it).
fn socket(settings: &Settings) -> anyhow::Result<Option<(PathBuf, u32)>> {
    let Some(path) = settings.text("server_unix_socket") else { return Ok(None) };
    let mode = settings.text("server_unix_socket_mode").unwrap_or("660");
    let octal = u32::from_str_radix(mode, 8).ok().filter(|mode| (0o600..=0o777).contains(mode));
    let octal = octal.ok_or_else(|| {
        anyhow::anyhow!("`server-unix-socket-mode` is `{mode}`; expected an octal number from 600 to 777")
    })?;
    Ok(Some((path.into(), octal)))
}

/// A socket file that a former run has left is removed; any other file is somebody's.
fn listen_on_file(path: &Path, mode: u32) -> anyhow::Result<UnixListener> {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    let context = || format!("cannot listen on `{}`", path.display());
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        std::fs::remove_file(path).with_context(context)?;
    }
    let listener = UnixListener::bind(path).with_context(context)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).with_context(context)?;
    Ok(listener)
}

fn follows(settings: &Settings) -> anyhow::Result<bool> {
    Ok(settings.flag("db_channel_enabled", true)?)
}

/// `PGRST_DB_URI`, and what libpq would take from `PGOPTIONS` and `PGTZ`.
fn database_url(settings: &Settings) -> anyhow::Result<DatabaseUrl> {
    let text = settings.text("db_uri").ok_or_else(|| {
        Hinted::new(
            "PGRST_DB_URI is not set; expected the address of the database, such as postgres://authenticator:password@host/database",
            "`rowlock rest` is configured as PostgREST is",
        )
    })?;
    let text = match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).context("the file that PGRST_DB_URI names cannot be read")?,
        None => text.to_owned(),
    };
    let mut url = DatabaseUrl::parse(text.trim()).context("PGRST_DB_URI cannot be used")?;
    if let Some(options) = super::environment("PGOPTIONS") {
        url = url.with_options(&options);
    }
    if let Some(timezone) = super::environment("PGTZ") {
        url = url.with_options(&format!("-c timezone={}", timezone.replace('\\', "\\\\").replace(' ', "\\ ")));
    }
    Ok(url)
}

/// `ROWLOCK_REPLICA_DATABASE_URLS`, with the login of `primary`. PostgREST has no such setting.
fn replica_urls(primary: &DatabaseUrl) -> anyhow::Result<Vec<DatabaseUrl>> {
    let text = super::environment("ROWLOCK_REPLICA_DATABASE_URLS").unwrap_or_default();
    let urls = text.split(|separator: char| separator == ',' || separator.is_whitespace());
    urls.filter(|url| !url.is_empty())
        .map(|url| {
            Ok(DatabaseUrl::parse(url).context("ROWLOCK_REPLICA_DATABASE_URLS cannot be used")?.with_login_of(primary))
        })
        .collect()
}

/// The configuration, as soon as the database can be asked for its part; none when told to stop before.
async fn first_config(
    pool: &Pool,
    settings: &Settings,
    in_database: bool,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Config>> {
    loop {
        match from_database(pool, settings, in_database).await {
            Ok((own, roles)) => return Ok(Some(settings.clone().with_database(own).config(roles)?)),
            Err(error) => {
                tracing::error!(
                    error = format!("{:#}", anyhow::Error::from(error)),
                    "the database cannot be asked; trying again"
                );
                if paused(stop).await {
                    return Ok(None);
                }
            }
        }
    }
}

/// The configuration anew; none when it cannot be had or used, and what was in force stays.
async fn reread(pool: &Pool, settings: &Settings, in_database: bool) -> Option<Config> {
    let (own, roles) = from_database(pool, settings, in_database)
        .await
        .inspect_err(|error| tracing::error!(error = error.to_string(), "the configuration cannot be read anew"))
        .ok()?;
    settings
        .clone()
        .with_database(own)
        .config(roles)
        .inspect_err(|error| tracing::error!(error = error.to_string(), "the new configuration cannot be used"))
        .ok()
}

type RoleSettings = HashMap<String, Vec<(String, String)>>;

async fn from_database(
    pool: &Pool,
    settings: &Settings,
    in_database: bool,
) -> Result<(Vec<(String, String)>, RoleSettings), PostgresError> {
    if !in_database {
        return Ok((Vec::new(), RoleSettings::new()));
    }
    Ok((login_settings(pool, settings.text("db_pre_config")).await?, role_settings(pool).await?))
}

/// Waits a little; true when told to stop meanwhile.
async fn paused(stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(RETRY) => false,
        () = stop.cancelled() => true,
    }
}
