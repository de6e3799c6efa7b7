//! The handler that people write by hand.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tokio::runtime::Runtime;

use super::serve::{Server, free_address};
use super::stock::Stock;
use crate::database::Database;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/webhook-handler.mjs");
const PACKAGES: [&str; 2] = ["@clerk/backend", "pg"];

/// Its own table, as such handlers have it.
const TABLE: &str = "
create table if not exists public.users_by_hand (
  id text primary key, email text, first_name text, last_name text, image_url text, updated_at timestamptz
)";

pub(super) fn start(runtime: &Runtime, database: &Database, stock: &Stock) -> Result<Server> {
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/clients/node_modules");
    for package in PACKAGES {
        ensure!(
            Path::new(modules).join(package).is_dir(),
            "{package} is not installed in tests/clients: run `cargo x setup`"
        );
    }
    runtime.block_on(async { database.owner.get().await?.batch_execute(TABLE).await.map_err(anyhow::Error::from) })?;
    let address = free_address()?;
    let process = Command::new("node")
        .arg(SCRIPT)
        .env("PORT", address.port().to_string())
        .env("DATABASE_URL", database.url().expose())
        .env("CLERK_WEBHOOK_SIGNING_SECRET", stock.secret.expose())
        .env("NODE_ENV", "production")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("`node` cannot be run")?;
    Server::ready(address, process)
}
