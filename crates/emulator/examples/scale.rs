//! How the emulator bears many users: `cargo run --release -p emulator --example scale -- [users]`.
//!
//! Plants a crowd, asks for pages, and prints one JSON object with what it took. Seconds are on one core of the machine
//! at hand; memory is what Linux says of this process.

use std::{error::Error, io::Write, time::Instant};

use emulator::{Crowd, Emulator, EmulatorOptions, Seed};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let users: u32 = std::env::args().nth(1).map_or(Ok(10_000), |users| users.parse())?;
    let emulator = Emulator::start(EmulatorOptions::default()).await?;
    let empty = resident()?;
    let crowd = Crowd { users, organizations: users.div_ceil(10), members_per_organization: 5 };
    let started = Instant::now();
    emulator.plant(&Seed { crowd, ..Seed::default() })?;
    let planted = started.elapsed();
    let held = resident()?;

    let (started, cpu_before) = (Instant::now(), processor_seconds()?);
    let mut pages = 0_u32;
    let mut seen = 0;
    let mut last: Option<String> = None;
    loop {
        let query: Vec<(&str, &str)> =
            [("limit", "500")].into_iter().chain(last.as_deref().map(|id| ("starting_after", id))).collect();
        let page = emulator.users().list_text(&query)?;
        // The ids alone: whoever walks over HTTP reads the rest in another process.
        let ids: Vec<Id> = serde_json::from_slice(&page)?;
        pages += 1;
        seen += ids.len();
        match ids.last() {
            Some(id) => last = Some(id.id.clone()),
            None => break,
        }
    }
    let walked = started.elapsed();
    let walked_on_cpu = processor_seconds()? - cpu_before;

    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut fastest = f64::MAX;
    for _ in 0..20 {
        let started = Instant::now();
        let url = format!("{}/v1/users?limit=500", emulator.base_url());
        let page: Value = client.get(url).bearer_auth(emulator.secret_key()).send().await?.json().await?;
        assert_eq!(page.as_array().map(Vec::len), Some(500.min(usize::try_from(users)?)));
        fastest = fastest.min(started.elapsed().as_secs_f64() * 1000.0);
    }
    let result = json!({
        "users": seen,
        "organizations": crowd.organizations,
        "planted_in_s": planted.as_secs_f64(),
        "bytes_per_user": (held - empty) / u64::from(users.max(1)),
        "walk_in_s": walked.as_secs_f64(),
        "pages_of_500_per_s": f64::from(pages) / walked.as_secs_f64(),
        "pages_of_500_per_processor_second": f64::from(pages) / walked_on_cpu,
        "first_page_over_http_ms": fastest,
    });
    writeln!(std::io::stdout(), "{result:#}")?;
    Ok(())
}

#[derive(serde::Deserialize)]
struct Id {
    id: String,
}

/// Processor time of this process so far: what a loaded machine cannot inflate.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?.1;
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(ticks as f64 / 100.0)
}

/// Resident memory of this process in bytes.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
