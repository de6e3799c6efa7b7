//! `rowlock serve` and `rowlock dev` until they are ready, and after.

use std::io::{Read as _, Seek as _};
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Lines, rowlock};

/// A server that takes longer to end than this hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `serve` needs from its environment.
pub(crate) struct Environment {
    pub(crate) database_url: String,
    pub(crate) signing_secret: String,
    pub(crate) issuer: String,
    /// With it, ties are settled by asking the Backend API, which stands where the issuer does.
    pub(crate) secret_key: Option<String>,
}

/// A running server; killed hard when dropped.
pub(crate) struct Server {
    child: Child,
    /// What it printed when it was ready.
    pub(crate) ready: String,
}

impl Server {
    /// `rowlock serve` on `port`.
    pub(crate) fn serve(environment: &Environment, port: u16) -> Self {
        let config = std::env::temp_dir().join(format!("rowlock-test-{}-{port}.toml", std::process::id()));
        std::fs::write(&config, format!("[clerk]\nissuer = {0:?}\napi_url = {0:?}\n", environment.issuer)).unwrap();
        let listen = format!("127.0.0.1:{port}");
        let mut command = rowlock(&["serve", "--json", "--listen", &listen, "--config", config.to_str().unwrap()]);
        command
            .env("DATABASE_URL", &environment.database_url)
            .env("CLERK_WEBHOOK_SIGNING_SECRET", &environment.signing_secret)
            .env("ROWLOCK_LOG", "error");
        if let Some(key) = &environment.secret_key {
            command.env("CLERK_SECRET_KEY", key);
        }
        let server = Self::start(command);
        std::fs::remove_file(config).unwrap();
        server
    }

    /// Starts a server command and waits for the line that says it is ready.
    pub(crate) fn start(mut command: Command) -> Self {
        // A file, and not a pipe that nobody empties: a server that cannot write its log stands still.
        let mut errors = tempfile::tempfile().unwrap();
        let child = command.stdout(Stdio::piped()).stderr(errors.try_clone().unwrap()).spawn().unwrap();
        let mut server = Self { child, ready: String::new() };
        let printed = Lines::of(server.child.stdout.take().unwrap());
        server.ready = printed.next().unwrap_or_default();
        if !server.ready.contains("\"ready\"") {
            server.child.wait().unwrap();
            let mut error = String::new();
            errors.rewind().unwrap();
            errors.read_to_string(&mut error).unwrap();
            panic!("the server is not ready: {}{error}", server.ready);
        }
        server
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Memory that is this process' own, programs and libraries not counted, in megabytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn own_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// `kill -9`, and the end of it.
    pub(crate) fn kill_hard(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server does not end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free at this moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
