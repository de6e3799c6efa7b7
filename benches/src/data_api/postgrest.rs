//! PostgREST, where somebody has one: the same database, the same token, its own defaults.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::database::Database;
use crate::ingest::{Server, free_address};

pub(super) fn start(binary: &Path, database: &Database, issuer: &str) -> Result<Server> {
    let address = free_address()?;
    let process = Command::new(binary)
        .env("PGRST_DB_URI", database.url().for_clients().expose())
        .env("PGRST_DB_SCHEMAS", "public")
        // Clerk's tokens name no role; who has none is what the token's holder would be.
        .env("PGRST_DB_ANON_ROLE", "authenticated")
        .env("PGRST_DB_POOL", "16")
        .env("PGRST_JWT_SECRET", key_set(issuer)?)
        .env("PGRST_SERVER_HOST", address.ip().to_string())
        .env("PGRST_SERVER_PORT", address.port().to_string())
        .env("PGRST_LOG_LEVEL", "crit")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("`{}` cannot be run", binary.display()))?;
    Server::ready(address, process)
}

/// The keys, which PostgREST does not fetch itself.
fn key_set(issuer: &str) -> Result<String> {
    let host = issuer.strip_prefix("http://").context("the emulator speaks plain HTTP")?;
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "GET /.well-known/jwks.json HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    Ok(body.to_owned())
}
