//! The handler that people write by hand, in the three forms that it has: a route of a Next.js app, with which Clerk's guide
//! begins; Express, which the guide has for Node; and Node's own HTTP server without any framework, as fast as it can be written.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::serve::{Server, free_address};
use super::stock::Stock;
use crate::database::Database;

const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");
/// Where the client tests have their packages.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/clients/node_modules");

/// Its own table, as such handlers have it.
pub(super) const TABLE: &str = "
create table public.users_by_hand (
  id text primary key, email text, first_name text, last_name text, image_url text, updated_at timestamptz
)";

/// Node's own HTTP server.
pub(super) fn bare(database: &Database, stock: &Stock) -> Result<Server> {
    installed(&["@clerk/backend", "pg"])?;
    script(database, stock, "webhook-handler.mjs")
}

/// Express.
pub(super) fn express(database: &Database, stock: &Stock) -> Result<Server> {
    installed(&["@clerk/express", "express", "pg"])?;
    script(database, stock, "express-handler.mjs")
}

fn script(database: &Database, stock: &Stock, file: &str) -> Result<Server> {
    let address = free_address()?;
    let mut command = Command::new("node");
    command.arg(Path::new(PEERS).join(file)).env("PORT", address.port().to_string());
    start(database, stock, command).and_then(|process| Server::ready(address, process))
}

/// A Next.js app that was built for production, and the directory it is served from.
pub(super) fn next(database: &Database, stock: &Stock) -> Result<(Server, TempDir)> {
    installed(&["@clerk/nextjs", "next", "pg"])?;
    let app = tempfile::Builder::new().prefix("rowlock-bench-next-").tempdir()?;
    copy(&Path::new(PEERS).join("next-handler"), app.path())?;
    std::fs::copy(Path::new(PEERS).join("upsert.mjs"), app.path().join("upsert.mjs"))?;
    std::os::unix::fs::symlink(std::fs::canonicalize(MODULES)?, app.path().join("node_modules"))?;
    let next = |arguments: &[&str]| {
        let mut command = Command::new("node");
        command.arg("node_modules/next/dist/bin/next").args(arguments).current_dir(app.path());
        command.env("NEXT_TELEMETRY_DISABLED", "1");
        command
    };
    // The other bundler takes no packages from outside of the app's directory.
    let built = next(&["build", "--webpack"]).output().context("`node` cannot be run")?;
    ensure!(built.status.success(), "`next build` failed: {}", String::from_utf8_lossy(&built.stderr).trim());
    let address = free_address()?;
    let command = next(&["start", "--hostname", "127.0.0.1", "--port", &address.port().to_string()]);
    let server = start(database, stock, command).and_then(|process| Server::ready(address, process))?;
    Ok((server, app))
}

fn installed(packages: &[&str]) -> Result<()> {
    for package in packages {
        let found = Path::new(MODULES).join(package).is_dir();
        ensure!(found, "{package} is not installed in tests/clients: run `cargo x setup`");
    }
    Ok(())
}

fn start(database: &Database, stock: &Stock, mut command: Command) -> Result<std::process::Child> {
    command
        .env("DATABASE_URL", database.url().expose())
        .env("CLERK_WEBHOOK_SIGNING_SECRET", stock.secret.expose())
        .env("NODE_ENV", "production")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("`node` cannot be run")
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from)? {
        let (source, target): (PathBuf, PathBuf) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if source.is_dir() {
            std::fs::create_dir(&target)?;
            copy(&source, &target)?;
        } else {
            std::fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
