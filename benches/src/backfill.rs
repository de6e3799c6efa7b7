//! Writing everything that Clerk has: `rowlock backfill`, the release build, as a process of its own.
//!
//! The emulator holds a million users and serves them from this process, on the same machine; so does Postgres. Without a
//! limit the whole instance is walked once. The limit of the table asks the emulator for the same pages and throws them
//! away: nobody who reads the list can be faster. With the limit of a development instance on, what counts is how much of
//! it is used.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clerk::SecretKey;
use clerk_api::{BackendApi, List, RequestRate, Walk};
use emulator::{Emulator, EmulatorOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::database::Database;
use crate::measure::{Measured, Race, Round, Standing};
use crate::report::Report;

const USERS: u64 = 1_000_000;
/// What Clerk permits a development instance, in requests in ten seconds.
const PERMITTED: u32 = 100;
/// Users that are walked with the limit on: 200 requests, twenty seconds.
const USERS_AT_LIMIT: u64 = 100_000;
const PAGE: u64 = 500;

pub(crate) fn measure(runtime: &Runtime, database: &Database, report: &mut Report) -> Result<()> {
    let emulator = runtime.block_on(Emulator::start(EmulatorOptions::default()))?;
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("rowlock.toml"), format!("[clerk]\napi_url = {:?}\n", emulator.base_url()))?;
    let command = |arguments: &[&str]| command(directory.path().to_path_buf(), database, &emulator, arguments);

    let bytes = create(&emulator, 0..USERS_AT_LIMIT)?;
    let paced = run(&mut command(&["--rate", &PERMITTED.to_string()])?, USERS_AT_LIMIT)?;
    // The first requests ask for the instance and for the number of users.
    let requests = USERS_AT_LIMIT / PAGE + 3;
    let share = requests as f64 / paced.elapsed.as_secs_f64();
    report.add(Race {
        title: format!("backfill: requests of {PAGE} users each, as a development instance permits them"),
        results: vec![
            once("rowlock backfill", Standing::Ours, share),
            once("Clerk's limit", Standing::Limit, f64::from(PERMITTED) / 10.0),
        ],
    });

    runtime.block_on(empty(database))?;
    create(&emulator, USERS_AT_LIMIT..USERS)?;
    let walked = runtime.block_on(walk(&emulator))?;
    let ours = run(&mut command(&["--rate", "1000000"])?, USERS)?;
    let title = format!(
        "backfill: {USERS} users of {bytes} bytes of JSON (Postgres {}); resident memory at most {} MB in the first tenth, {} MB in all",
        database.version(),
        ours.resident_early / 1024,
        ours.resident_most / 1024,
    );
    let per_second = |elapsed: Duration| USERS as f64 / elapsed.as_secs_f64();
    report.add(Race {
        title,
        results: vec![
            once("rowlock backfill, without a limit", Standing::Ours, per_second(ours.elapsed)),
            once("asking for the same pages", Standing::Limit, per_second(walked)),
        ],
    });
    runtime.block_on(empty(database))?;
    runtime.block_on(emulator.shutdown())?;
    Ok(())
}

/// One round, which is long enough to stand alone.
fn once(name: &str, standing: Standing, per_second: f64) -> Measured {
    Measured { name: name.to_owned(), standing, rounds: Ok(vec![Round { per_second, latency: None }]) }
}

/// Creates users in the emulator; the size of one of them.
fn create(emulator: &Emulator, numbers: std::ops::Range<u64>) -> Result<usize> {
    let mut size = 0;
    for number in numbers {
        let user = emulator.users().create(&json!({
            "email_address": [format!("person-{number}@example.com")], "first_name": "Ada", "last_name": "Lovelace",
            "public_metadata": { "plan": "pro", "seats": number },
        }));
        size = user
            .map_err(|refusal| anyhow::anyhow!("the emulator refuses a user: {}", refusal.code()))?
            .to_string()
            .len();
    }
    Ok(size)
}

async fn walk(emulator: &Emulator) -> Result<Duration> {
    let api = BackendApi::new(emulator.base_url().parse()?, SecretKey::parse(emulator.secret_key())?)?;
    let mut walk = Walk::new(api.at_rate(RequestRate::unlimited()), List::Users, None);
    let (began, mut seen) = (Instant::now(), 0);
    while let Some(page) = walk.next().await? {
        seen += page.objects.len() as u64;
    }
    ensure!(seen == USERS, "the walk saw {seen} users");
    Ok(began.elapsed())
}

async fn empty(database: &Database) -> Result<()> {
    let statement = "truncate clerk.users, rowlock.runs cascade";
    Ok(database.owner.get().await?.batch_execute(statement).await?)
}

fn command(directory: PathBuf, database: &Database, emulator: &Emulator, arguments: &[&str]) -> Result<Command> {
    let binary = std::env::current_exe()?.with_file_name("rowlock");
    ensure!(binary.is_file(), "there is no release build of rowlock beside this program: run `cargo x bench`");
    let mut command = Command::new(binary);
    command
        .args(["backfill", "--only", "users", "--json"])
        .args(arguments)
        .env("DATABASE_URL", database.url().expose())
        .env("CLERK_SECRET_KEY", emulator.secret_key())
        .current_dir(directory)
        .stdout(Stdio::piped());
    Ok(command)
}

/// One run, as seen from outside.
struct Run {
    elapsed: Duration,
    /// In kilobytes, the most in the first tenth of the time.
    resident_early: u64,
    /// The most in all of it.
    resident_most: u64,
}

fn run(command: &mut Command, users: u64) -> Result<Run> {
    let began = Instant::now();
    let mut process = command.spawn().context("rowlock cannot be started")?;
    let mut samples = Vec::new();
    while process.try_wait()?.is_none() {
        samples.extend(resident(process.id()));
        std::thread::sleep(Duration::from_millis(100));
    }
    let elapsed = began.elapsed();
    let output = process.wait_with_output()?;
    ensure!(output.status.success(), "rowlock backfill failed");
    let done: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(done["kinds"][0]["written"] == users, "expected {users} users written, found {done}");
    let resident_early = samples.iter().take(samples.len() / 10).max().copied().unwrap_or_default();
    Ok(Run { elapsed, resident_early, resident_most: samples.into_iter().max().unwrap_or_default() })
}

/// Resident memory of a process in kilobytes, where the system tells it.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
