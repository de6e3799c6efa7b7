//! Clerk's emulator: how soon it answers, how long ten thousand users take to be there, how long a full page takes.
//!
//! The peer is the other emulator of Clerk that npm has. The limits are what no emulator can leave out: a process of the
//! same binary that does nothing, and the same bytes from a server that knows only them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use emulator::{Crowd, Emulator, EmulatorOptions, Seed};
use reqwest::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;

use crate::emulate::{self, Emulate, SECRET_KEY};
use crate::measure::{Contender, MEASUREMENT, Race, Round, Run, WARM_UP};
use crate::report::Report;

const CROWD: Crowd = Crowd { users: 10_000, organizations: 1_000, members_per_organization: 10 };
const PAGE: &str = "/v1/users?limit=500";
/// A question that every emulator answers as soon as it answers any.
const FIRST_QUESTION: &str = "/v1/users?limit=1";
const PEER: &str = "vercel-labs/emulate 0.12.2";
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
            Contender::peer(PEER, start_of_peer(runtime, &client, None)),
            Contender::limit("rowlock --version", Ok(Box::new(nothing()))),
        ],
    )
}

/// The same of the peer, with a seed file or without.
fn start_of_peer<'a>(runtime: &'a Runtime, client: &Client, seed: Option<String>) -> Result<Run<'a>> {
    let (peer, client) = (Emulate::find()?, client.clone());
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("seed.yaml");
    let with_file = seed.is_some();
    if let Some(seed) = seed {
        std::fs::write(&file, seed)?;
    }
    Ok(Box::new(move || {
        let _keep = &directory;
        repeated(|| {
            let address = free_address()?;
            let began = Instant::now();
            let _running = peer.start(address, with_file.then_some(file.as_path()))?;
            runtime.block_on(first_answer_to(&client, address, FIRST_QUESTION, Some(SECRET_KEY), began))
        })
    }))
}

async fn first_answer(client: &Client, address: SocketAddr, began: Instant) -> Result<Duration> {
    first_answer_to(client, address, "/v1/environment", None, began).await
}

async fn first_answer_to(
    client: &Client,
    address: SocketAddr,
    question: &str,
    secret_key: Option<&str>,
    began: Instant,
) -> Result<Duration> {
    let url = format!("http://{address}{question}");
    loop {
        let request = client.get(&url);
        let request = secret_key.into_iter().fold(request, |request, key| request.bearer_auth(key));
        if let Ok(answer) = request.send().await {
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
    let peer = start_of_peer(runtime, &client()?, Some(emulate::seed(&CROWD)));
    let name = format!("{PEER}, from the start of the process with them in its seed file");
    Race::run(title, vec![Contender::ours("Emulator::plant", ours), Contender::peer(name, peer)])
}

/// One connection that asks for a page of 500 users again and again.
fn pages(runtime: &Runtime) -> Result<Race> {
    let emulator =
        runtime.block_on(Emulator::start(EmulatorOptions { seed_data: seed(), ..EmulatorOptions::default() }))?;
    let client = client()?;
    let url = format!("{}{PAGE}", emulator.base_url());
    let page = runtime.block_on(ask(&client, &url, emulator.secret_key()))?;
    let users: Vec<serde_json::Value> = serde_json::from_slice(&page)?;
    ensure!(users.len() == 500, "a page of {} users", users.len());
    let bare = format!("http://{}{PAGE}", runtime.block_on(serve_these(page.clone()))?);
    let again = |url: String| ask_again(runtime, &client, url, emulator.secret_key(), page.len());
    let race = Race::run(
        format!("emulator: GET {PAGE} of {} users, {} bytes, one connection", CROWD.users, page.len()),
        vec![
            Contender::ours("rowlock clerk", again(url)),
            Contender::limit("the same bytes from a server that knows only them", Ok(Box::new(again(bare)))),
            Contender::peer(PEER, pages_of_peer(runtime, &client)),
        ],
    )?;
    runtime.block_on(emulator.shutdown())?;
    Ok(race)
}

/// The same page of the peer, which has the same people.
fn pages_of_peer<'a>(runtime: &'a Runtime, client: &'a Client) -> Result<Run<'a>> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("seed.yaml");
    std::fs::write(&file, emulate::seed(&CROWD))?;
    let address = free_address()?;
    let running = Emulate::find()?.start(address, Some(&file))?;
    runtime.block_on(first_answer_to(client, address, FIRST_QUESTION, Some(SECRET_KEY), Instant::now()))?;
    let url = format!("http://{address}{PAGE}");
    let page = runtime.block_on(ask(client, &url, SECRET_KEY))?;
    let list: serde_json::Value = serde_json::from_slice(&page)?;
    let users = list["data"].as_array().map_or(0, Vec::len);
    ensure!(users == 500, "a page of {users} users");
    let mut again = ask_again(runtime, client, url, SECRET_KEY, page.len());
    Ok(Box::new(move || {
        let _keep = &running;
        again()
    }))
}

async fn ask(client: &Client, url: &str, secret_key: &str) -> Result<bytes::Bytes> {
    let answer = client.get(url).bearer_auth(secret_key).send().await?.error_for_status()?;
    Ok(answer.bytes().await?)
}

/// A round of the same question, whose answer is so long each time.
fn ask_again<'a>(
    runtime: &'a Runtime,
    client: &'a Client,
    url: String,
    secret_key: &'a str,
    length: usize,
) -> impl FnMut() -> Result<Round> + 'a {
    move || {
        runtime.block_on(async {
            let began = Instant::now();
            while began.elapsed() < WARM_UP {
                ask(client, &url, secret_key).await?;
            }
            let (began, mut calls) = (Instant::now(), Vec::new());
            while began.elapsed() < MEASUREMENT {
                let call = Instant::now();
                let answer = ask(client, &url, secret_key).await?;
                calls.push(call.elapsed());
                ensure!(answer.len() == length, "another page");
            }
            Ok(Round::of(calls, began.elapsed()))
        })
    }
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
