//! A private Postgres on this machine, for development, the demo and the tests.
//!
//! A directory holds everything: `data/` (the cluster), `log` and `lock`. One process at a time uses it. The server
//! listens on 127.0.0.1 alone, asks for a password, and lives exactly as long as the process that started it: a small
//! shell script stands between the two and stops the server when its standard input closes, which the kernel does for us
//! on every kind of death. What a hard kill of both leaves behind is stopped at the next start.
//!
//! A new cluster may be [filled](Cluster::start_filled) before anybody uses it, without waiting for the disk at each step.
//!
//! Not handled: Windows, and upgrading a data directory between major versions (that is refused with the two versions).

mod directory;
mod error;
mod filling;
mod runner;
mod stand_ins;

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStdin};
use tokio::time::Instant;

use crate::DatabaseUrl;
use crate::binaries::Binaries;
use directory::{initialise, make_directory, take_lock};
pub use error::ClusterError;
use runner::Runner;
pub use stand_ins::StandIn;

/// How long a server may take from its start to the first accepted login; a crashed one recovers in this time.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a server may take to stop once asked; then it is told to stop without a checkpoint.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// How often a server that cannot have its port is started again.
const START_ATTEMPTS: u32 = 10;
/// Between two looks at a server that is coming up.
const POLL: Duration = Duration::from_millis(20);

const GUARDIAN: &str = include_str!("guardian.sh");
/// Superuser and password of a local cluster: Supabase's local defaults, which every guide assumes.
const SUPERUSER: &str = "postgres";

/// What a cluster is for decides how careful it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives a power cut, as any Postgres.
    Full,
    /// No fsync, and the directory is removed when the server stops: for demos and tests.
    Ephemeral,
}

/// Which port a cluster listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Any free one.
    Free,
    /// This one, or any free one when somebody else has it.
    Preferred(u16),
    /// This one or none.
    Fixed(u16),
}

/// How to run a local cluster.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Where it lives; created when missing.
    pub directory: PathBuf,
    /// The server programs.
    pub binaries: Binaries,
    /// The port on 127.0.0.1.
    pub port: Port,
    /// How careful it is.
    pub durability: Durability,
    /// Extensions that are made of SQL where this Postgres has none of that name.
    pub stand_ins: &'static [StandIn],
    /// Libraries that are loaded at the start where this Postgres has them.
    pub preload: &'static [&'static str],
}

/// Where one server keeps its data, and whether it waits for the disk.
#[derive(Debug, Clone)]
struct Place {
    data: PathBuf,
    /// Without fsync: what is lost in a power cut is made again.
    careless: bool,
}

impl Place {
    /// Of the data that stays.
    fn regular(options: &ClusterOptions) -> Self {
        Self { data: data_directory(options), careless: options.durability == Durability::Ephemeral }
    }
}

/// A running local Postgres. Dropping it stops the server in the background; [`stop`](Self::stop) waits for the end.
#[derive(Debug)]
pub struct Cluster {
    options: ClusterOptions,
    place: Place,
    runner: Runner,
    /// The program that is the server.
    server: PathBuf,
    port: u16,
    guardian: Child,
    /// Held open: its end is the server's end.
    leash: Option<ChildStdin>,
    /// Locked for as long as this value lives.
    _lock: File,
}

impl Cluster {
    /// Initialises the directory when it is new, starts the server, and returns when it accepts logins.
    ///
    /// # Errors
    /// See [`ClusterError`]; nothing is left running then.
    pub async fn start(options: ClusterOptions) -> Result<Self, ClusterError> {
        let (runner, lock) = enter(&options)?;
        initialise(&options, &runner)?;
        let place = Place::regular(&options);
        Self::run(options, place, runner, lock).await
    }

    /// Runs the server of a directory that is initialised.
    async fn run(options: ClusterOptions, place: Place, runner: Runner, lock: File) -> Result<Self, ClusterError> {
        stop_orphan(&options, &place.data, &runner);
        let port_wanted = options.port;
        let port = choose_port(port_wanted)?;
        let server = stand_ins::server(&options, &runner)?;
        let (guardian, leash) = launch(&options, &place, &runner, &server, port)?;
        let mut cluster = Self { options, place, runner, server, port, guardian, leash: Some(leash), _lock: lock };
        cluster.wait_until_ready(port_wanted).await?;
        Ok(cluster)
    }

    /// The superuser's address of the database `postgres`.
    pub fn url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&format!("postgres://{SUPERUSER}:{SUPERUSER}@127.0.0.1:{}/postgres", self.port))
            .expect("a port between two constants makes an address")
    }

    /// The port on 127.0.0.1 that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the server itself, while it runs.
    pub fn server_pid(&self) -> Option<i32> {
        server_pid(&self.place.data)
    }

    /// Waits until the server has ended by itself: a crash, or somebody's `kill`.
    ///
    /// # Errors
    /// When the operating system cannot say.
    pub async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.guardian.wait().await
    }

    /// Starts the server again on the same port after it [`ended`](Self::ended).
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn revive(&mut self) -> Result<(), ClusterError> {
        self.relaunch()?;
        self.wait_until_ready(Port::Fixed(self.port)).await
    }

    /// Stops the server and waits until it is gone.
    ///
    /// # Errors
    /// When the server's process cannot be waited for.
    pub async fn stop(mut self) -> std::io::Result<()> {
        drop(self.leash.take());
        if let Ok(ended) = tokio::time::timeout(STOP_TIMEOUT, self.guardian.wait()).await {
            return ended.map(|_| ());
        }
        tracing::warn!("Postgres did not stop in time and is told to stop without a checkpoint");
        self.control(&["stop", "-m", "immediate"]);
        self.guardian.wait().await.map(|_| ())
    }

    fn relaunch(&mut self) -> Result<(), ClusterError> {
        let (guardian, leash) = launch(&self.options, &self.place, &self.runner, &self.server, self.port)?;
        (self.guardian, self.leash) = (guardian, Some(leash));
        Ok(())
    }

    fn control(&self, arguments: &[&str]) {
        control(&self.options, &self.place.data, &self.runner, arguments);
    }

    /// Logs in until it works, and is our server: on a port that somebody else has, somebody else answers.
    ///
    /// A server whose predecessor's last breath still holds the port or the shared memory ends at once; it is started again.
    /// `port` is looked for again when it is taken, but for one that was asked for or that others know already.
    async fn wait_until_ready(&mut self, port: Port) -> Result<(), ClusterError> {
        let deadline = Instant::now() + START_TIMEOUT;
        let mut attempts = 1;
        loop {
            if self.guardian.try_wait().is_ok_and(|status| status.is_some()) {
                let words = last_words(&log_file(&self.options));
                if words.contains("TCP/IP sockets") {
                    if attempts == START_ATTEMPTS {
                        return Err(ClusterError::PortTaken { port: self.port });
                    }
                    attempts += 1;
                    if !matches!(port, Port::Fixed(_)) {
                        self.port = free_port()?;
                    }
                } else if !words.contains("still in use") || Instant::now() > deadline {
                    return Err(ClusterError::Program { program: "postgres", reason: words });
                }
                tokio::time::sleep(POLL * 10).await;
                self.relaunch()?;
            }
            if self.answers().await {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(ClusterError::NotReady { log: log_file(&self.options) });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Whether our own server takes a login: the one that keeps its data where we told it to.
    async fn answers(&self) -> bool {
        let mut config = self.url().config().clone();
        config.connect_timeout(Duration::from_secs(1));
        let Ok((client, connection)) = config.connect(tokio_postgres::NoTls).await else { return false };
        let connection = tokio::spawn(connection);
        let row = client.query_one("select current_setting('data_directory')", &[]).await;
        connection.abort();
        let canonical = |path: &Path| std::fs::canonicalize(path).ok();
        row.is_ok_and(|row| {
            let theirs = canonical(Path::new(row.get::<_, &str>(0)));
            theirs.is_some() && theirs == canonical(&self.place.data)
        })
    }
}

fn data_directory(options: &ClusterOptions) -> PathBuf {
    options.directory.join("data")
}

fn log_file(options: &ClusterOptions) -> PathBuf {
    options.directory.join("log")
}

/// Takes the directory for ourselves.
fn enter(options: &ClusterOptions) -> Result<(Runner, File), ClusterError> {
    let runner = Runner::choose()?;
    let directory = &options.directory;
    make_directory(directory)?;
    let lock = take_lock(directory)?;
    runner.own(directory)?;
    runner.check_reach(directory)?;
    Ok((runner, lock))
}

/// Ends a server that outlived both its guardian and its parent. We hold the lock, so it is nobody's.
fn stop_orphan(options: &ClusterOptions, data: &Path, runner: &Runner) {
    if server_pid(data).is_none() {
        return;
    }
    if !control(options, data, runner, &["stop", "-m", "fast", "-w", "-t", "10"]) {
        control(options, data, runner, &["stop", "-m", "immediate", "-w", "-t", "10"]);
    }
}

/// Runs `pg_ctl` on the data directory; whether it succeeded. It fails, rightly, when the server is gone already.
fn control(options: &ClusterOptions, data: &Path, runner: &Runner, arguments: &[&str]) -> bool {
    let mut control = Command::new(options.binaries.program("pg_ctl"));
    control.arg("-D").arg(data).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    runner.apply(&mut control).current_dir(&options.directory).status().is_ok_and(|status| status.success())
}

fn server_pid(data: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok()
}

fn launch(
    options: &ClusterOptions,
    place: &Place,
    runner: &Runner,
    program: &Path,
    port: u16,
) -> Result<(Child, ChildStdin), ClusterError> {
    let log = log_file(options);
    let failed = |source| ClusterError::Directory { path: log.clone(), source };
    let file = File::options().create(true).append(true).open(&log).map_err(failed)?;
    let mut server = Command::new("/bin/sh");
    server.args(["-c", GUARDIAN, "guardian"]);
    server.arg(if options.durability == Durability::Ephemeral { options.directory.as_os_str() } else { "".as_ref() });
    server.arg(program).arg("-D").arg(&place.data);
    server.arg("-p").arg(port.to_string());
    for setting in SETTINGS {
        server.args(["-c", setting]);
    }
    let preload = stand_ins::present(options).join(",");
    if !preload.is_empty() {
        server.args(["-c", &format!("shared_preload_libraries={preload}")]);
    }
    if place.careless {
        // Commits still reach the kernel, so a killed server loses none; only a machine that loses power would.
        for setting in ["fsync=off", "full_page_writes=off", "max_wal_size=256MB"] {
            server.args(["-c", setting]);
        }
    }
    runner.apply(&mut server).current_dir(&options.directory).process_group(0);
    server.stdin(Stdio::piped()).stdout(file.try_clone().map_err(failed)?).stderr(file);
    let mut guardian = tokio::process::Command::from(server)
        .spawn()
        .map_err(|error| ClusterError::Program { program: "postgres", reason: error.to_string() })?;
    let leash = guardian.stdin.take().expect("standard input is piped");
    Ok((guardian, leash))
}

/// Loopback alone, no socket files (their paths are limited to about 100 bytes), logical decoding for change feeds.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "wal_level=logical",
    "max_connections=200",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_line_prefix=%m [%p] ",
];

fn choose_port(port: Port) -> Result<u16, ClusterError> {
    match port {
        Port::Fixed(number) => Ok(number),
        Port::Preferred(number) if TcpListener::bind(("127.0.0.1", number)).is_ok() => Ok(number),
        Port::Preferred(_) | Port::Free => free_port(),
    }
}

fn free_port() -> Result<u16, ClusterError> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| ClusterError::Program { program: "postgres", reason: format!("no free port: {error}") })
}

/// The last lines of the log that tell something.
fn last_words(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let telling: Vec<&str> =
        text.lines().rev().filter(|line| line.contains("FATAL") || line.contains("HINT")).take(2).collect();
    if telling.is_empty() {
        return format!("it ended without a word; its log is `{}`", log.display());
    }
    telling.into_iter().rev().collect::<Vec<_>>().join("; ")
}
