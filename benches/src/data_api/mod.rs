//! The data API under row-level security with a Clerk token, beside the least that anybody could write by hand.
//!
//! *Limit* is an axum handler, a process of its own like ours, that knows its five requests beforehand: it verifies the token with the
//! same verifier and sends the very same statements, prepared, in one flight. It understands no address, plans nothing, and leaves
//! its connections as they are. Its statements are not written down here: they are read from Postgres' log of what `rowlock serve` has
//! sent, so both ask Postgres for the same.
//!
//! *Peer* is PostgREST where `--postgrest` names one.

mod captured;
pub(crate) mod handler;
mod load;
mod postgrest;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::database::Database;
use crate::ingest::{Server, free_address};
use crate::measure::{Contender, Race};
use crate::report::Report;
use crate::session::Session;
use captured::Captured;
use load::Request;

/// Many browsers on one server; as many as PostgREST's own figures are given for.
const CONNECTIONS: usize = 50;
const FEWER_CONNECTIONS: usize = 10;

/// Webhooks are not measured here.
const SIGNING_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What the handler is told on its standard input.
#[derive(Debug, Serialize, Deserialize)]
struct Instructions {
    address: SocketAddr,
    database_url: String,
    issuer: String,
    authorized_party: String,
    requests: Vec<(Request, Captured)>,
}

pub(crate) fn measure(
    runtime: &Runtime,
    database: &Database,
    postgrest: Option<&Path>,
    report: &mut Report,
) -> Result<()> {
    let (session, emulator) = runtime.block_on(Session::begin_beside_clerk())?;
    runtime.block_on(fill(database, &session.organization_id))?;
    let serve = serve(database, emulator.issuer())?;
    let requests = requests();
    let captured = runtime.block_on(captured::capture(database, serve.address, &session.token, &requests))?;
    let pairs: Vec<(Request, Captured)> = requests.iter().cloned().zip(captured).collect();
    let handler = handler(database, emulator.issuer(), pairs)?;
    let peer = postgrest.map(|binary| postgrest::start(binary, database, emulator.issuer()));
    let token: Arc<str> = session.token.as_str().into();
    for (index, request) in requests.iter().enumerate() {
        for connections in [CONNECTIONS, FEWER_CONNECTIONS] {
            let run = |address: SocketAddr, prefix: &'static str| {
                let (token, request) = (Arc::clone(&token), request.clone());
                move || load::round(runtime, address, prefix, &request, &token, connections)
            };
            let mut contenders = vec![
                Contender::ours("rowlock serve", run(serve.address, "/rest/v1")),
                Contender::limit("axum by hand, the same statements", Ok(Box::new(run(handler.address, "")))),
            ];
            if let Some(peer) = &peer {
                contenders.push(Contender::peer(
                    "PostgREST",
                    match peer {
                        Ok(peer) => Ok(Box::new(run(peer.address, ""))),
                        Err(reason) => Err(anyhow::anyhow!("{reason:#}")),
                    },
                ));
            }
            // The first look with fewer connections is enough: they differ in how long one waits.
            if connections == FEWER_CONNECTIONS && index > 0 && peer.is_none() {
                continue;
            }
            let title =
                format!("data-api: {}, {connections} connections (Postgres {})", request.name, database.version());
            report.add(Race::run(title, contenders)?);
        }
    }
    runtime.block_on(emulator.shutdown())?;
    Ok(())
}

fn requests() -> Vec<Request> {
    let get = |name: &str, path: &str, marker: &str| Request {
        name: name.to_owned(),
        method: "GET".to_owned(),
        path: path.to_owned(),
        headers: String::new(),
        body: String::new(),
        marker: marker.to_owned(),
    };
    let post = |name: &str, path: &str, headers: &str, body: &str, marker: &str| Request {
        method: "POST".to_owned(),
        headers: headers.to_owned(),
        body: body.to_owned(),
        ..get(name, path, marker)
    };
    vec![
        get("one row by id", "/boats?id=eq.5000", "Boat 5000"),
        get("a page of 100 rows", "/boats?select=id,name,seats&order=id&limit=100", "Boat 1000"),
        get(
            "embedding of two levels",
            "/boats?select=id,name,rowers(id,name,oars(id,length))&id=eq.5000",
            "Rower 5000",
        ),
        post(
            "insert, returning the row",
            "/logs",
            "prefer: return=representation\r\ncontent-type: application/json\r\n",
            r#"{"said":"row the boat"}"#,
            "row the boat",
        ),
        post("a function", "/rpc/seats_of", "content-type: application/json\r\n", r#"{"boat":5000}"#, "1"),
    ]
}

async fn fill(database: &Database, organization_id: &str) -> Result<()> {
    let connection = database.owner.get().await?;
    connection.batch_execute(include_str!("schema.sql")).await?;
    connection.execute(include_str!("fill.sql"), &[&organization_id]).await?;
    let rest = "
        insert into public.rowers (id, org_id, name, boat_id)
          select b.id * 4 + n, b.org_id, 'Rower ' || b.id || '/' || n, b.id from public.boats as b, generate_series(0, 3) as n;
        insert into public.oars (id, org_id, length, rower_id)
          select r.id * 2 + n, r.org_id, 280 + n, r.id from public.rowers as r, generate_series(0, 1) as n;
        analyze";
    Ok(connection.batch_execute(rest).await?)
}

/// `rowlock serve`, the release build, as its user runs it.
fn serve(database: &Database, issuer: &str) -> Result<Server> {
    let binary = std::env::current_exe()?.with_file_name("rowlock");
    ensure!(binary.is_file(), "there is no release build of rowlock beside this program: run `cargo x bench`");
    let address = free_address()?;
    let mut config = tempfile::NamedTempFile::new()?;
    write!(config, "[clerk]\nissuer = {issuer:?}\napi_url = {issuer:?}\n")?;
    let process = Command::new(binary)
        .args(["serve", "--listen", &address.to_string(), "--config"])
        .arg(config.path())
        .env("DATABASE_URL", database.url().expose())
        .env("CLERK_WEBHOOK_SIGNING_SECRET", SIGNING_SECRET)
        .env("ROWLOCK_LOG", "warn")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("`rowlock serve` cannot be run")?;
    Server::ready(address, process)
}

/// This program again, as the handler.
fn handler(database: &Database, issuer: &str, requests: Vec<(Request, Captured)>) -> Result<Server> {
    let address = free_address()?;
    let instructions = Instructions {
        address,
        database_url: database.url().for_clients().expose().to_owned(),
        issuer: issuer.to_owned(),
        authorized_party: crate::session::ORIGIN.to_owned(),
        requests,
    };
    let mut process = Command::new(std::env::current_exe()?)
        .arg("--data-api-handler")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("the handler cannot be run")?;
    let mut stdin = process.stdin.take().context("standard input is piped")?;
    serde_json::to_writer(&mut stdin, &instructions)?;
    drop(stdin);
    Server::ready(address, process)
}
