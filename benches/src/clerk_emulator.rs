//! Clerk's emulator: how soon it answers, how long ten thousand users take to be there, how long a full page takes.
//!
//! Other emulators of Clerk are not in this race: those that are known cannot be installed from a package registry. The
//! limits are what no emulator can leave out: a process of the same binary that does nothing, and the same bytes from a
//! server that knows only them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use emulator::{Crowd, Emulator, EmulatorOptions, Seed};
use reqwest::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;

use crate::measure::{Contender, MEASUREMENT, Race, Round, WARM_UP};
use crate::report::Report;

const CROWD: Crowd = Crowd { users: 10_000, organizations: 1_000, members_per_organization: 10 };
const PAGE: &str = "/v1/users?limit=500";
/// How often a round starts or loads anew.
const TIMES: usize = 5;
/// Longer than any start.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two questions whether it answers yet.
const POLL: Duration = Duration::from_micros(500);

pub(crate) fn measure(runtime: &Runtime, report: &mut Report) -> Result<()> {
    let binary = std::env::current_exe()?.with_file_name("rowlock");
    ensure!(binary.is_file(), "there is no release build of rowlock beside this program: run `cargo x bench`");
    report.add(start(runtime, &binary)?);
    report.add(load(runtime)?);
    report.add(pages(runtime)?);
    Ok(())
}

/// From nothing to the first answer of a new instance, key and all.
fn start(runtime: &Runtime, binary: &Path) -> Result<Race> {
    let client = client()?;
    let directory = tempfile::tempdir()?;
    let first_answer = |more: Vec<String>| {
        let (client, binary) = (client.clone(), binary.to_path_buf());
        move || {
            repeated(|| {
                let address = free_address()?;
                let began = Instant::now();
                let mut process = Command::new(&binary)
                    .args(["clerk", "--port", &address.port().to_string()])
                    .args(&more)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .context("`rowlock clerk` cannot be run")?;
                let answered = runtime.block_on(first_answer(&client, address, began));
                process.kill()?;
                process.wait()?;
                answered
            })
        }
    };
    let file = directory.path().join("clerk.json");
    let kept = vec!["--state".to_owned(), file.display().to_string()];
    // The first one makes the file.
    first_answer(kept.clone())()?;
    let nothing = || {
        let binary = binary.to_path_buf();
        move || {
            repeated(|| {
                let began = Instant::now();
                Command::new(&binary).arg("--version").stdout(Stdio::null()).status()?;
                Ok(began.elapsed())
            })
        }
    };
    Race::run(
        "emulator: from the start of the process to the first answer; look at p50",
        vec![
            Contender::ours("rowlock clerk, a new instance", first_answer(vec!["--ephemeral".to_owned()])),
            Contender::limit("rowlock clerk, an instance that is kept", Ok(Box::new(first_answer(kept)))),
            Contender::limit("rowlock --version", Ok(Box::new(nothing()))),
        ],
    )
}

async fn first_answer(client: &Client, address: SocketAddr, began: Instant) -> Result<Duration> {
    let url = format!("http://{address}/v1/environment");
    loop {
        if let Ok(answer) = client.get(&url).send().await {
            ensure!(answer.status().is_success(), "the first answer is {}", answer.status());
            answer.bytes().await?;
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < PATIENCE, "it does not answer");
        tokio::time::sleep(POLL).await;
    }
}

/// A crowd into an empty instance, through every check of the API.
fn load(runtime: &Runtime) -> Result<Race> {
    let ours = || {
        repeated(|| {
            let emulator = runtime.block_on(Emulator::start(EmulatorOptions::default()))?;
            let began = Instant::now();
            emulator.plant(&seed()).map_err(|refusal| anyhow::anyhow!("the seed is refused: {refusal}"))?;
            let elapsed = began.elapsed();
            runtime.block_on(emulator.shutdown())?;
            Ok(elapsed)
        })
    };
    let title = format!(
        "emulator: {} users and {} organizations of {} members each, into an empty instance; look at p50",
        CROWD.users, CROWD.organizations, CROWD.members_per_organization,
    );
    Race::run(title, vec![Contender::ours("Emulator::plant", ours)])
}

/// One connection that asks for a page of 500 users again and again.
fn pages(runtime: &Runtime) -> Result<Race> {
    let emulator =
        runtime.block_on(Emulator::start(EmulatorOptions { seed_data: seed(), ..EmulatorOptions::default() }))?;
    let client = client()?;
    let url = format!("{}{PAGE}", emulator.base_url());
    let ask = async |url: &str| -> Result<bytes::Bytes> {
        let answer = client.get(url).bearer_auth(emulator.secret_key()).send().await?.error_for_status()?;
        Ok(answer.bytes().await?)
    };
    let page = runtime.block_on(ask(&url))?;
    let users: Vec<serde_json::Value> = serde_json::from_slice(&page)?;
    ensure!(users.len() == 500, "a page of {} users", users.len());
    let bare = format!("http://{}{PAGE}", runtime.block_on(serve_these(page.clone()))?);
    let (ask, length) = (&ask, page.len());
    let again = |url: String| {
        move || {
            runtime.block_on(async {
                let began = Instant::now();
                while began.elapsed() < WARM_UP {
                    ask(&url).await?;
                }
                let (began, mut calls) = (Instant::now(), Vec::new());
                while began.elapsed() < MEASUREMENT {
                    let call = Instant::now();
                    let answer = ask(&url).await?;
                    calls.push(call.elapsed());
                    ensure!(answer.len() == length, "another page");
                }
                Ok(Round::of(calls, began.elapsed()))
            })
        }
    };
    let race = Race::run(
        format!("emulator: GET {PAGE} of {} users, {} bytes, one connection", CROWD.users, page.len()),
        vec![
            Contender::ours("rowlock clerk", again(url)),
            Contender::limit("the same bytes from a server that knows only them", Ok(Box::new(again(bare)))),
        ],
    )?;
    runtime.block_on(emulator.shutdown())?;
    Ok(race)
}

/// Answers every request with the same bytes.
async fn serve_these(body: bytes::Bytes) -> Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let body = body.clone();
            tokio::spawn(async move {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let mut request = Vec::new();
                while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
                    if request.ends_with(b"\r\n\r\n") {
                        request.clear();
                        if stream.write_all(head.as_bytes()).await.is_err() || stream.write_all(&body).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    Ok(address)
}

fn seed() -> Seed {
    Seed { crowd: CROWD, ..Seed::default() }
}

fn client() -> Result<Client> {
    Ok(Client::builder().no_proxy().tcp_nodelay(true).build()?)
}

/// A round of calls that each say how long the part of them took that counts.
fn repeated(mut call: impl FnMut() -> Result<Duration>) -> Result<Round> {
    let calls: Vec<Duration> = (0..TIMES).map(|_| call()).collect::<Result<_>>()?;
    let elapsed = calls.iter().sum();
    Ok(Round::of(calls, elapsed))
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
