//! What is written about the server is what it does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use clerk::{DeliveryId, SignatureError};
use mirror::MirrorError;
use mirror::revocations::Reason;
use server::Failure;
use server::config::DEFAULTS;
use tokens::Refusal;

const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");
const ERRORS: &str = include_str!("../../../docs/errors.md");
const LOGGING: &str = include_str!("../../../docs/logging.md");

#[test]
fn the_configuration_page_holds_the_defaults() {
    assert!(
        CONFIGURATION.contains(&format!("```toml\n{DEFAULTS}```\n")),
        "copy default.toml into docs/configuration.md"
    );
}

/// One failure of each kind that has a code, and how it is told apart in the source.
fn failures() -> Vec<Failure> {
    let id = || DeliveryId::parse("msg_1").unwrap();
    let text = || "x".to_owned();
    let second = Duration::from_secs(1);
    let busy = || postgres::Error::Busy { waited: second };
    let unreadable_id = DeliveryId::parse("").unwrap_err();
    let signatures = [
        SignatureError::MissingHeader { missing: Vec::new() },
        SignatureError::UnreadableId { source: unreadable_id },
        SignatureError::UnreadableTimestamp { found: text() },
        SignatureError::NoSecret,
        SignatureError::NoSupportedSignature { found: text() },
        SignatureError::BodyReencoded { id: id() },
        SignatureError::Mismatch { id: id(), secrets: 1, age_seconds: 0 },
        SignatureError::TooOld { id: id(), age: second, tolerance: second },
        SignatureError::TooNew { id: id(), ahead: second, tolerance: second },
    ];
    let refusals = [
        Refusal::Critical,
        Refusal::Algorithm { found: text(), expected: text() },
        Refusal::NoKeyId,
        Refusal::KeysUnavailable { issuer: text(), reason: text() },
        Refusal::Signature { key_id: text() },
        Refusal::Issuer { found: text(), expected: text() },
        Refusal::Class { found: "x" },
        Refusal::Expired { ago: second },
        Refusal::NotYet { ahead: second },
        Refusal::IssuedInTheFuture { ahead: second },
        Refusal::AuthorizedParty { found: None, expected: text() },
        Refusal::Audience { found: text(), expected: text() },
        Refusal::Pending,
        Refusal::Role { found: text(), expected: text() },
    ];
    let own = [
        Failure::Scheme,
        Failure::ApiKey,
        Failure::TooLarge { limit: 1 },
        Failure::TooManyRefusals { retry_after: second },
        Failure::TooManyRequests { retry_after: second },
        Failure::BrokenBody,
        Failure::NotStored(MirrorError::Database(busy())),
        Failure::DatabaseAway(busy()),
        Failure::DatabaseRefused(busy()),
        Failure::NoRoute,
        Failure::NotServed("x"),
        Failure::Method,
        Failure::Timeout,
        Failure::Panic,
    ];
    let signatures = signatures.into_iter().map(Failure::from);
    let revoked = Reason::ALL.map(Failure::Revoked);
    signatures.chain(refusals.into_iter().map(Failure::from)).chain(revoked).chain(own).collect()
}

/// The rows of the table in docs/errors.md: code and status.
fn documented() -> BTreeMap<String, String> {
    let rows = ERRORS.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        (cells.next().unwrap(), cells.next().unwrap())
    })
    .collect()
}

#[test]
fn every_code_is_on_the_errors_page_with_its_status() {
    let documented = documented();
    let mut seen = BTreeSet::new();
    for failure in failures() {
        let (code, status) = (failure.code(), failure.status().as_u16().to_string());
        assert_eq!(documented.get(code), Some(&status), "`{code}` in docs/errors.md");
        seen.insert(code.to_owned());
    }
    let invented: Vec<&String> = documented.keys().filter(|code| !seen.contains(*code)).collect();
    assert!(invented.is_empty(), "docs/errors.md has codes that nothing answers: {invented:?}");
}

/// The list above cannot forget a kind: it is held against the source of the four `code` functions.
#[test]
fn every_code_in_the_source_is_on_the_errors_page() {
    let documented = documented();
    for file in [
        "server/src/failure/mod.rs",
        "tokens/src/refusal.rs",
        "clerk/src/webhook/error.rs",
        "mirror/src/revocations/reason.rs",
    ] {
        let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap();
        let body = source.split("fn code(&self)").nth(1).unwrap().split("\n    }\n").next().unwrap();
        let codes: Vec<&str> = body.split('"').skip(1).step_by(2).collect();
        assert!(codes.len() >= 7, "{file}: {codes:?}");
        for code in codes {
            assert!(documented.contains_key(code), "`{code}` of {file} is not in docs/errors.md");
        }
    }
}

/// Every line that a production server may log is on the logging page, with its level.
#[test]
fn every_log_line_is_on_the_logging_page() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = 0;
    for name in ["server", "mirror", "tokens", "clerk-api", "data-api"] {
        for source in sources(&crates.join(name).join("src")) {
            for (level, message) in log_lines(&source) {
                let row = format!("| {level} | {message} |");
                assert!(LOGGING.contains(&row), "docs/logging.md has no row `{row}` ({name})");
                found += 1;
            }
        }
    }
    assert!(found >= 10, "only {found} log lines were found: does this test still read the source?");
}

/// The text of every `.rs` file below a directory.
fn sources(directory: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    texts
}

/// Level and message of every logging macro: the message is its last string.
fn log_lines(source: &str) -> Vec<(&str, &str)> {
    let mut lines = Vec::new();
    for level in ["error", "warn", "info", "debug"] {
        for call in source.split(&format!("tracing::{level}!(")).skip(1) {
            lines.push((level, last_string(call)));
        }
    }
    lines
}

/// The last string before the parenthesis that closes `call`.
fn last_string(call: &str) -> &str {
    let (mut depth, mut last) = (1, "");
    // Pieces are by turns outside and inside of quotes.
    for (position, piece) in call.split('"').enumerate() {
        if position % 2 == 1 {
            last = piece;
            continue;
        }
        for character in piece.chars() {
            depth += i32::from(character == '(') - i32::from(character == ')');
            if depth == 0 {
                return last;
            }
        }
    }
    last
}
