//! `cargo x fuzz`: every fuzz target for a bounded time.
//!
//! Fuzzing needs a nightly compiler and cargo-fuzz. Neither is installed for you: they change the toolchain of the whole
//! account, and nothing else here needs them.
//!
//! The inputs under `fuzz/corpus` are named and committed, so what the fuzzer discovers goes to a directory of its own
//! below `fuzz/target`; an input worth keeping is moved by hand and given a name.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::process;

const DEFAULT_SECONDS: u32 = 60;

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let request = Request::parse(arguments)?;
    let cargo = nightly_cargo()?;
    let known = process::look(&cargo, &["+nightly", "fuzz", "list"]).context("`cargo +nightly fuzz list` failed")?;
    for target in request.targets(&known)? {
        let discovered = PathBuf::from("fuzz/target/corpus").join(target);
        std::fs::create_dir_all(&discovered).with_context(|| format!("cannot create {}", discovered.display()))?;
        let mut fuzz = process::command(&cargo);
        fuzz.args(["+nightly", "fuzz", "run", target]).arg(&discovered);
        let seeds = Path::new("fuzz/corpus").join(target);
        if seeds.is_dir() {
            fuzz.arg(&seeds);
        }
        process::run(fuzz.args(["--", &format!("-max_total_time={}", request.seconds)]))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, PartialEq, Eq)]
struct Request {
    seconds: u32,
    named: Vec<String>,
}

impl Request {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut request = Self { seconds: DEFAULT_SECONDS, named: Vec::new() };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            if word == "--seconds" {
                let value = words.next().context("--seconds needs a number")?;
                request.seconds =
                    value.parse().with_context(|| format!("--seconds needs a number, found `{value}`"))?;
            } else if word.starts_with('-') {
                bail!("`cargo x fuzz` has no option `{word}`; `cargo x --help` lists them");
            } else {
                request.named.push(word.clone());
            }
        }
        // Zero means "for ever" to libFuzzer.
        if request.seconds == 0 {
            bail!("--seconds needs at least 1");
        }
        Ok(request)
    }

    /// The targets to run, out of those that `cargo fuzz list` printed.
    fn targets<'a>(&'a self, known: &'a str) -> Result<Vec<&'a str>> {
        let known: Vec<&str> = known.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if known.is_empty() {
            bail!("fuzz/ has no targets");
        }
        if self.named.is_empty() {
            return Ok(known);
        }
        for name in &self.named {
            if !known.contains(&name.as_str()) {
                bail!("no fuzz target `{name}`; there are: {}", known.join(", "));
            }
        }
        Ok(self.named.iter().map(String::as_str).collect())
    }
}

/// rustup's cargo, which understands `+nightly`; the one that started us may be the toolchain's own, which does not.
fn nightly_cargo() -> Result<PathBuf> {
    let cargo = process::on_path("cargo").context("no `cargo` on the PATH")?;
    if process::look(&cargo, &["+nightly", "--version"]).is_none() {
        bail!("fuzzing needs a nightly compiler: rustup toolchain install nightly --profile minimal");
    }
    if process::look(&cargo, &["+nightly", "fuzz", "--version"]).is_none() {
        bail!("fuzzing needs cargo-fuzz: cargo install --locked cargo-fuzz");
    }
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use super::Request;

    fn parse(words: &[&str]) -> Result<Request, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Request::parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn every_known_target_runs_unless_some_are_named() {
        let known = "claims\nwebhook\n";
        assert_eq!(parse(&[]).unwrap().targets(known).unwrap(), ["claims", "webhook"]);
        assert_eq!(parse(&["webhook", "--seconds", "5"]).unwrap().targets(known).unwrap(), ["webhook"]);
        assert_eq!(
            parse(&["jwks"]).unwrap().targets(known).unwrap_err().to_string(),
            "no fuzz target `jwks`; there are: claims, webhook"
        );
        assert_eq!(parse(&[]).unwrap().targets("\n").unwrap_err().to_string(), "fuzz/ has no targets");
    }

    #[test]
    fn seconds_are_a_positive_number() {
        assert_eq!(parse(&["--seconds", "5"]).unwrap().seconds, 5);
        assert_eq!(parse(&["--seconds"]).unwrap_err(), "--seconds needs a number");
        assert_eq!(parse(&["--seconds", "soon"]).unwrap_err(), "--seconds needs a number, found `soon`");
        assert_eq!(parse(&["--seconds", "0"]).unwrap_err(), "--seconds needs at least 1");
        assert!(parse(&["--forever"]).unwrap_err().contains("no option `--forever`"));
    }
}
