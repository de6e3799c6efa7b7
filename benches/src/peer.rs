//! Clerk's own SDK for Node: the published package that the client tests use, on our token.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::measure::{MEASUREMENT, Round, Run, WARM_UP};
use crate::session::{ORIGIN, Session};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/verify-token.mjs");
const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/clients/node_modules/@clerk/backend");

/// What the script prints.
#[derive(Deserialize)]
struct Answer {
    verifications: f64,
    seconds: f64,
}

/// Its `verifyToken`, with the public key in hand so that nothing is fetched.
pub(crate) fn verify_token(session: &Session) -> Result<Run<'static>> {
    ensure!(Path::new(PACKAGE).is_dir(), "@clerk/backend is not installed in tests/clients: run `cargo x setup`");
    Command::new("node").arg("--version").stdout(Stdio::null()).status().context("`node` cannot be run")?;
    let request = json!({
        "token": session.token, "jwtKey": session.public_key_pem, "authorizedParties": [ORIGIN],
        "warmUpSeconds": WARM_UP.as_secs_f64(), "seconds": MEASUREMENT.as_secs_f64(),
    })
    .to_string();
    Ok(Box::new(move || {
        let mut node = Command::new("node");
        node.arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut node = node.spawn().context("`node` cannot be run")?;
        let mut input = node.stdin.take().context("standard input is piped")?;
        input.write_all(request.as_bytes()).context("the script does not read its input")?;
        drop(input);
        let output = node.wait_with_output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "verify-token.mjs failed: {}", complaint.trim());
        let answer: Answer = serde_json::from_slice(&output.stdout).context("verify-token.mjs printed no result")?;
        Ok(Round { per_second: answer.verifications / answer.seconds, latency: None })
    }))
}
