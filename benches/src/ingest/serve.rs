//! `rowlock serve`, the release build, as its user runs it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::runtime::Runtime;

use super::stock::Stock;
use crate::database::Database;

/// The publishable key of `127.0.0.1:9`, the port where nobody listens.
const ISSUER_THAT_IS_AWAY: &str = "pk_test_MTI3LjAuMC4xOjkk";
/// Longer than any start.
const START: Duration = Duration::from_secs(20);

/// A process that is ended with its owner.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Server {
    /// Waits until the process takes connections.
    pub(crate) fn ready(address: SocketAddr, process: Child) -> Result<Self> {
        let mut server = Self { address, process };
        let began = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            ensure!(server.process.try_wait()?.is_none(), "the server ended instead of starting");
            ensure!(began.elapsed() < START, "the server takes no connections");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?)
}

pub(super) fn start(_runtime: &Runtime, database: &Database, stock: &Stock) -> Result<Server> {
    let binary = std::env::current_exe()?.with_file_name("rowlock");
    ensure!(binary.is_file(), "there is no release build of rowlock beside this program: run `cargo x bench`");
    let address = free_address()?;
    let process = Command::new(binary)
        .args(["serve", "--listen", &address.to_string()])
        .env("DATABASE_URL", database.url().expose())
        .env("CLERK_WEBHOOK_SIGNING_SECRET", stock.secret.expose())
        // Its keys are asked for and not had: nobody sends a token here.
        .env("CLERK_PUBLISHABLE_KEY", ISSUER_THAT_IS_AWAY)
        .env("RUST_LOG", "warn")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("`rowlock serve` cannot be run")?;
    Server::ready(address, process)
}
