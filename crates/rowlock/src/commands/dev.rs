//! `rowlock dev`: everything on this machine, with data that stays.
//!
//! In a directory with a `supabase/` folder it is that project's stack: its ports, its schemas, its migrations and seeds, which are
//! watched. Without one it is what a new project would have.

mod environment_file;
mod project;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clerk::SystemClock;
use emulator::EmulatorOptions;
use postgres::cluster::{Durability, Port};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::config::LogFormat;
use server::telemetry;
use supabase::Project;
use tokio_util::sync::CancellationToken;

use super::seed_file::SeedFile;
use crate::cli::DevArguments;
use crate::local_keys;
use crate::printer::{DIM, GOOD, Printer, STRONG};
use crate::signals;
use crate::stack::{Address, Platform, Stack, StackOptions};

/// Supabase's local ports; Clerk's emulator has one of its own.
const API_PORT: u16 = 54321;
const POSTGRES_PORT: u16 = 54322;
const EMULATOR_PORT: u16 = 4455;

/// Between two attempts to revive a Postgres that somebody killed.
const REVIVE_PAUSE: Duration = Duration::from_secs(1);

/// Where everything is: printed by `--json`, and kept for other commands in the data directory.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ready {
    event: String,
    api: String,
    supabase: SupabaseKeys,
    pub(super) clerk: ClerkAddresses,
    pub(super) database_url: String,
    /// What became of the `supabase/` folder.
    project: Option<Value>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SupabaseKeys {
    publishable_key: String,
    secret_key: String,
    anon_key: String,
    service_role_key: String,
    jwt_secret: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ClerkAddresses {
    pub(super) api_url: String,
    issuer: String,
    publishable_key: String,
    pub(super) secret_key: String,
    webhook_secret: String,
    instance_id: String,
}

impl Ready {
    /// Where a running `rowlock dev` left its addresses; it removes them when it stops.
    pub(super) fn file(data_dir: &Path) -> PathBuf {
        data_dir.join("dev.json")
    }

    /// What a `rowlock dev` that runs with this data has left; nothing where none runs.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(super) fn of_running(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let file = Self::file(data_dir);
        match std::fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text).with_context(|| format!("`{}` is damaged", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", file.display())),
        }
    }

    /// Under the names that Clerk's and Supabase's guides for Next.js use.
    fn variables(&self) -> [(&'static str, &str); 9] {
        [
            ("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", &self.clerk.publishable_key),
            ("CLERK_SECRET_KEY", &self.clerk.secret_key),
            ("CLERK_API_URL", &self.clerk.api_url),
            ("CLERK_WEBHOOK_SIGNING_SECRET", &self.clerk.webhook_secret),
            ("NEXT_PUBLIC_SUPABASE_URL", &self.api),
            ("NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY", &self.supabase.publishable_key),
            ("NEXT_PUBLIC_SUPABASE_ANON_KEY", &self.supabase.anon_key),
            ("SUPABASE_SECRET_KEY", &self.supabase.secret_key),
            ("DATABASE_URL", &self.database_url),
        ]
    }

    fn of(stack: &Stack) -> Self {
        let emulator = &stack.emulator;
        Self {
            event: "ready".to_owned(),
            api: stack.api_url(),
            clerk: ClerkAddresses {
                api_url: emulator.base_url().to_owned(),
                issuer: emulator.issuer().to_owned(),
                publishable_key: emulator.publishable_key().to_string(),
                secret_key: emulator.secret_key().to_owned(),
                webhook_secret: emulator.webhook_secret().expose().to_owned(),
                instance_id: emulator.instance_id().to_string(),
            },
            supabase: SupabaseKeys {
                publishable_key: local_keys::PUBLISHABLE.to_owned(),
                secret_key: local_keys::SECRET.to_owned(),
                anon_key: local_keys::legacy("anon"),
                service_role_key: local_keys::legacy("service_role"),
                jwt_secret: local_keys::JWT_SECRET.to_owned(),
            },
            database_url: stack.cluster.url().expose().to_owned(),
            project: stack.applied.as_ref().map(project::as_json),
        }
    }
}

pub(super) async fn run(arguments: DevArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let filter = super::environment("ROWLOCK_LOG");
    telemetry::start_logging(LogFormat::Text, filter.as_deref().or(Some("warn")), Printer::colours_errors());
    let stop = signals::stop_token()?;
    let data_dir = absolute(&arguments.data_dir)?;
    let project = Project::find(&absolute(&arguments.project)?)?;
    let ports = project.as_ref().map_or((API_PORT, POSTGRES_PORT), |it| (it.config.api_port, it.config.database_port));
    let seed = SeedFile::read_or_nobody(arguments.seed.as_deref())?;
    let options = StackOptions {
        postgres_directory: data_dir.join("postgres"),
        durability: Durability::Full,
        pg_bin: arguments.pg_bin,
        pg_port: arguments.pg_port.map_or(Port::Preferred(ports.1), Port::Fixed),
        listen: Address::asked_or(arguments.listen, ports.0),
        emulator: EmulatorOptions {
            state_file: Some(data_dir.join("clerk.json")),
            settings: seed.settings.clone(),
            roles: seed.roles.clone(),
            seed_data: seed.seed(),
            ..EmulatorOptions::default()
        },
        emulator_listen: Address::asked_or(arguments.emulator_listen, EMULATOR_PORT),
        drain: Duration::from_secs(3),
        platform: Some(Platform { project: project.clone(), reset: arguments.reset_database }),
    };
    if arguments.test {
        return tokio::select! {
            tested = test::run(project.as_ref(), &data_dir, options, arguments.pgtap_sql.as_deref(), printer) => tested,
            () = stop.cancelled() => Ok(ExitCode::FAILURE),
        };
    }
    // A signal during the start drops what has been started, which stops it.
    let mut stack = tokio::select! {
        stack = Stack::start(options) => stack?,
        () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    let ready = Ready::of(&stack);
    let file = Ready::file(&data_dir);
    super::write_private(&file, &serde_json::to_string(&ready)?)?;
    welcome(&ready, &stack, &data_dir, project.as_ref(), printer);
    if let Some(path) = &arguments.write_env {
        environment_file::write(path, &ready.variables())?;
        printer.line(format!("  {DIM}written to {}{DIM:#}", path.display()));
    }
    if let Some(outcome) = &stack.applied {
        printer.line("");
        project::tell(outcome, printer);
    }
    let sending = tokio::spawn(supabase::send_requests(stack.owner.clone(), stop.clone()));
    let running = tokio::spawn(supabase::run_jobs(stack.owner.clone(), Arc::new(SystemClock), stop.clone()));
    let watching =
        project.map(|project| tokio::spawn(project::watch(project, stack.owner.clone(), printer, stop.clone())));
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            ended = stack.cluster.ended() => {
                tracing::warn!(status = ?ended.ok(), "Postgres has ended and is started again");
                if !revive(&mut stack, &stop).await {
                    break;
                }
            }
        }
    }
    let _ = std::fs::remove_file(&file);
    sending.await.context("sending requests ended by a panic")?;
    running.await.context("running jobs ended by a panic")?;
    if let Some(watching) = watching {
        watching.await.context("watching the project's folder ended by a panic")?;
    }
    stack.stop().await?;
    printer.line("stopped; the data stays for the next time");
    Ok(ExitCode::SUCCESS)
}

/// Starts Postgres again, as often as it takes; whether it runs before somebody wants us to stop.
async fn revive(stack: &mut Stack, stop: &CancellationToken) -> bool {
    loop {
        tokio::select! {
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(REVIVE_PAUSE) => {}
        }
        match stack.cluster.revive().await {
            Ok(()) => return true,
            Err(error) => tracing::error!(error = %error, "Postgres cannot be started again yet"),
        }
    }
}

fn welcome(ready: &Ready, stack: &Stack, data_dir: &Path, project: Option<&Project>, printer: Printer) {
    printer.value(ready);
    let row = |name: &str, value: &str| printer.line(format!("  {STRONG}{name:<36}{STRONG:#} {value}"));
    printer.line(format!("{GOOD}rowlock dev is ready{GOOD:#}, offline; data in {}", data_dir.display()));
    printer.line("");
    row("Server", &ready.api);
    row("Clerk (emulator)", &ready.clerk.api_url);
    row("Postgres", &format!("{} {DIM}({}){DIM:#}", ready.database_url, stack.binaries.version()));
    printer.line("");
    for (name, value) in ready.variables() {
        row(name, value);
    }
    printer.line("");
    printer.line(format!(
        "  {DIM}rowlock trigger user.created    makes a user, sends the webhook, and the row is there{DIM:#}"
    ));
    if project.is_some_and(|project| test::folder(project).is_dir()) {
        printer.line(format!("  {DIM}rowlock dev --test              runs the tests in supabase/tests{DIM:#}"));
    }
    printer.line(format!("  {DIM}Ctrl-C stops everything{DIM:#}"));
}

/// Postgres changes its working directory, so a relative path would mean another place to it.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("`{}` is no usable path", path.display()))
}
