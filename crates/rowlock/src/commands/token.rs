//! `rowlock token`: what a token says, and what the server would say about it.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk::{Claims, ClaimsVersion, Clock, PublishableKey, SystemClock, TokenHeader};
use serde_json::{Value, json};
use server::config::Settings;
use tokens::{HttpKeySource, KeyCache, Refusal, Verifier, VerifierOptions};

use crate::cli::{TokenCommand, VerifyArguments};
use crate::printer::{BAD, DIM, GOOD, Printer, STRONG};
use crate::report::Hinted;

pub(super) async fn run(command: TokenCommand, printer: Printer) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Inspect { token } => inspect(&super::argument_or_stdin(&token)?, printer),
        TokenCommand::Verify(arguments) => verify(arguments, printer).await,
    }
}

/// Shows the parts as they are. Nothing is verified, and the output says so.
fn inspect(token: &str, printer: Printer) -> anyhow::Result<ExitCode> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, _] = parts[..] else {
        bail!("this is not a JSON Web Token: expected 3 parts between dots, found {}", parts.len());
    };
    let header = decode("header", header)?;
    let payload = decode("payload", payload)?;
    let understood = TokenHeader::from_json(&header)
        .map_err(anyhow::Error::from)
        .and_then(|header| Ok(Claims::from_json(&header, &payload)?));
    let (header, payload): (Value, Value) = (json_of("header", &header)?, json_of("payload", &payload)?);
    let summary = match &understood {
        Ok(claims) => summary(claims),
        Err(error) => vec![("problem", format!("{error:#}"))],
    };
    printer.value(&json!({
        "verified": false, "header": header, "payload": payload,
        "summary": summary.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<serde_json::Map<_, _>>(),
    }));
    printer.line(format!(
        "{STRONG}not verified{STRONG:#} {DIM}(`rowlock token verify` checks signature and claims){DIM:#}"
    ));
    for (name, value) in summary {
        printer.line(format!("  {DIM}{name:<13}{DIM:#} {value}"));
    }
    printer.line(format!("\n{DIM}header{DIM:#}  {header:#}"));
    printer.line(format!("{DIM}payload{DIM:#} {payload:#}"));
    Ok(ExitCode::SUCCESS)
}

async fn verify(arguments: VerifyArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let token = super::argument_or_stdin(&arguments.token)?;
    let verifier = verifier(arguments, Arc::new(SystemClock))?;
    match verifier.verify(&token).await {
        Ok(claims) => {
            printer.value(&json!({
                "verified": true, "database_role": claims.role().as_str(), "payload": claims.payload(),
            }));
            printer.line(format!("{GOOD}✓ verified{GOOD:#}"));
            printer.line(format!("  {DIM}{:<13}{DIM:#} {}", "database role", claims.role()));
            for (name, value) in summary(&claims) {
                printer.line(format!("  {DIM}{name:<13}{DIM:#} {value}"));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            refused(&refusal, printer);
            Ok(ExitCode::FAILURE)
        }
    }
}

fn refused(refusal: &Refusal, printer: Printer) {
    let (code, hint) = (refusal.code(), refusal.hint());
    printer.value(&json!({ "error": { "code": code, "message": refusal.to_string(), "hint": hint } }));
    printer.line(format!("{BAD}✗ refused{BAD:#} {refusal} {DIM}({code}){DIM:#}"));
    if let Some(hint) = hint {
        printer.line(format!("  {DIM}hint:{DIM:#} {hint}"));
    }
}

/// The server's verifier, from the flags, or the file and the environment.
pub(super) fn verifier(arguments: VerifyArguments, clock: Arc<dyn Clock>) -> anyhow::Result<Verifier> {
    let settings = Settings::load(arguments.config.as_deref())?;
    let mut options = settings.verifier()?;
    if let Some(issuer) = arguments.issuer {
        issuer.trim_end_matches('/').clone_into(&mut options.issuer);
    }
    if options.issuer.is_empty() {
        options.issuer = issuer_from_environment()?;
    }
    if !arguments.authorized_parties.is_empty() {
        options.authorized_parties = arguments.authorized_parties;
    }
    if !arguments.audiences.is_empty() {
        options.audiences = arguments.audiences;
    }
    let VerifierOptions { issuer, .. } = &options;
    let url = match arguments.jwks_url.or(settings.jwks_url()?) {
        Some(url) => url,
        None => format!("{issuer}/.well-known/jwks.json").parse().context("the issuer is not a URL")?,
    };
    let keys = KeyCache::new(HttpKeySource::new(url, None)?, Arc::clone(&clock));
    Ok(Verifier::new(options, keys, clock))
}

fn issuer_from_environment() -> anyhow::Result<String> {
    let key = super::environment("CLERK_PUBLISHABLE_KEY")
        .or_else(|| super::environment("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY"))
        .ok_or_else(|| {
            Hinted::new("no issuer to trust", "give --issuer, or set CLERK_PUBLISHABLE_KEY or `clerk.issuer`")
        })?;
    Ok(PublishableKey::parse(&key).context("CLERK_PUBLISHABLE_KEY cannot be used")?.issuer())
}

/// What a person wants to know first.
fn summary(claims: &Claims) -> Vec<(&'static str, String)> {
    let version = match claims.version {
        ClaimsVersion::V1 => "version 1",
        ClaimsVersion::V2 => "version 2",
        ClaimsVersion::Template => "no session claims",
    };
    let mut lines = vec![
        ("kind", format!("{:?}, {version}", claims.class)),
        ("subject", claims.subject.clone()),
        ("issuer", claims.issuer.clone()),
        ("expires", when(claims.expires_at)),
    ];
    if let Some(session) = &claims.session_id {
        lines.push(("session", session.to_string()));
    }
    if let Some(organization) = &claims.organization {
        let role = organization.role.as_deref().unwrap_or("no role");
        lines.push(("organization", format!("{} as {role}", organization.id)));
        let permissions: Vec<String> = organization.permissions.iter().map(ToString::to_string).collect();
        if !permissions.is_empty() {
            lines.push(("permissions", permissions.join(", ")));
        }
    }
    if let Some(actor) = &claims.actor {
        lines.push(("impersonated", format!("by {}", actor.subject)));
    }
    lines
}

fn when(time: clerk::Timestamp) -> String {
    let now = SystemClock.now();
    let shown = jiff::Timestamp::from_millisecond(time.millis())
        .map(|time| time.strftime("%F %T UTC").to_string())
        .unwrap_or_else(|_| "beyond all calendars".to_owned());
    if time > now {
        format!("{shown} (in {} s)", time.since(now).as_secs())
    } else {
        format!("{shown} ({} s ago)", now.since(time).as_secs())
    }
}

fn decode(part: &str, text: &str) -> anyhow::Result<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).with_context(|| format!("the token's {part} is not base64url"))
}

fn json_of(part: &str, bytes: &[u8]) -> anyhow::Result<Value> {
    serde_json::from_slice(bytes).with_context(|| format!("the token's {part} is not JSON"))
}
