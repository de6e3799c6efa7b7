//! Tests in pgTAP: `supabase/tests/*.sql`, over an ordinary connection.
//!
//! pgTAP is plain SQL, and its answers are rows of text in the Test Anything Protocol. All that is needed is to send a file and to read
//! what comes; `supabase test db` needs a container for that. Where the server has the extension it is used; where it has not, its SQL
//! may be given, and is loaded into schema `extensions` inside the very transaction that ends with the file.
//!
//! A file runs as the owner in a transaction that is rolled back whatever the file says, on a connection of its own.

use std::ops::Range;

use postgres::{Connection, Error, Pool};
use squawk_syntax::SourceFile;
use tokio_postgres::SimpleQueryMessage;

/// What came of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// How many tests the file announced.
    pub planned: Option<usize>,
    /// How many of them were good, those that are known to fail (`# TODO`) included.
    pub passed: usize,
    /// What failed, with what pgTAP says about it.
    pub failed: Vec<String>,
    /// Where Postgres gave up.
    pub error: Option<String>,
}

impl Outcome {
    /// Whether all that was announced was good. A file without a single test has shown nothing.
    pub fn is_good(&self) -> bool {
        self.reason().is_none()
    }

    /// Why it is not.
    pub fn reason(&self) -> Option<String> {
        let ran = self.passed + self.failed.len();
        match (&self.error, self.planned) {
            (Some(error), _) => Some(format!("Postgres stopped after {ran} tests: {error}")),
            _ if !self.failed.is_empty() => Some(format!("{} of {ran} tests failed", self.failed.len())),
            (None, Some(planned)) if planned != ran => Some(format!("{planned} tests were announced and {ran} ran")),
            _ if ran == 0 => Some("it holds no test; expected `select plan(…)` and tests".to_owned()),
            (None, None) => {
                Some("it announced no number of tests; expected `select plan(…)` or `select finish()`".to_owned())
            }
            _ => None,
        }
    }
}

/// Why nothing could be run.
#[derive(Debug, thiserror::Error)]
pub enum PgtapError {
    /// Neither the extension nor its SQL is there.
    #[error("this server has no extension pgtap")]
    Absent,
    /// The SQL that was given is not pgTAP's, or is of another version.
    #[error("the SQL of pgTAP cannot be loaded")]
    Unusable(#[source] Error),
    /// The database could not be used.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Runs one file. `pgtap` is the extension's SQL, for servers without it.
///
/// # Errors
/// [`PgtapError`]; what tests find is no error.
pub async fn run(owner: &Pool, file: &str, pgtap: Option<&str>) -> Result<Outcome, PgtapError> {
    // Closed and not returned: whatever the file sets goes with it.
    let client = Connection::take(owner.get().await?);
    client.batch_execute("begin; create schema if not exists extensions").await.map_err(Error::Statement)?;
    let available = "select from pg_available_extensions where name = 'pgtap'";
    let is_available = !client.query(available, &[]).await.map_err(Error::Statement)?.is_empty();
    let has_extension = match (is_available, pgtap) {
        (true, _) => {
            let create = "create extension if not exists pgtap with schema extensions";
            client.batch_execute(create).await.map_err(Error::Statement)?;
            true
        }
        (false, None) => return Err(PgtapError::Absent),
        (false, Some(sql)) => {
            let load = format!("set local search_path to extensions, public;\n{}", loadable(sql));
            client.batch_execute(&load).await.map_err(|error| PgtapError::Unusable(Error::Statement(error)))?;
            false
        }
    };
    let settings = "set local search_path to \"$user\", public, extensions; set local client_min_messages to warning";
    client.batch_execute(settings).await.map_err(Error::Statement)?;
    let mut lines = Vec::new();
    let mut stopped = None;
    for statement in statements(file) {
        // The transaction is ours, and the extension is there already, or stands in for itself.
        if ends_transaction(statement) || (!has_extension && makes_extension(statement)) {
            continue;
        }
        match client.simple_query(statement).await {
            Ok(messages) => lines.extend(texts(&messages)),
            Err(error) => {
                stopped = Some(Error::Statement(error).to_string());
                break;
            }
        }
    }
    client.batch_execute("rollback").await.map_err(Error::Statement)?;
    let mut outcome = read(&lines);
    outcome.error = stopped;
    Ok(outcome)
}

/// The statements of a file; a file that only Postgres can read is one.
fn statements(file: &str) -> Vec<&str> {
    let parse = SourceFile::parse(file);
    if !parse.errors().is_empty() {
        return vec![file];
    }
    let ranges = parse.syntax_node().children().map(|node| {
        let range = node.text_range();
        usize::from(range.start())..usize::from(range.end())
    });
    ranges.filter_map(|range: Range<usize>| file.get(range)).collect()
}

fn first_words(statement: &str) -> Vec<String> {
    let lines = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
    lines.flat_map(str::split_whitespace).take(6).map(|word| word.trim_end_matches(';').to_ascii_lowercase()).collect()
}

fn ends_transaction(statement: &str) -> bool {
    let words = first_words(statement);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["rollback", "to", ..] => false,
        ["begin" | "commit" | "rollback" | "end" | "abort", ..] | ["start", "transaction", ..] => true,
        _ => false,
    }
}

fn makes_extension(statement: &str) -> bool {
    let words = first_words(statement);
    words.starts_with(&["create".to_owned(), "extension".to_owned()])
        && words.iter().any(|word| word.trim_matches('"') == "pgtap")
}

/// The script of an extension, as a session may run it: without the line that psql is told to stop at.
fn loadable(sql: &str) -> String {
    sql.lines().filter(|line| !line.starts_with('\\')).collect::<Vec<_>>().join("\n")
}

/// Every text that was answered, line by line.
fn texts(messages: &[SimpleQueryMessage]) -> Vec<String> {
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    rows.flat_map(str::lines).map(str::to_owned).collect()
}

/// The protocol: `1..3`, `ok 1 - …`, `not ok 2 - … # TODO …`, `# …` about the last failure.
fn read(lines: &[String]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut explains = false;
    for line in lines {
        let line = line.trim_end();
        if let Some(planned) = line.strip_prefix("1..").and_then(|number| number.parse().ok()) {
            outcome.planned = Some(planned);
        } else if line.starts_with("ok ") {
            outcome.passed += 1;
            explains = false;
        } else if let Some(test) = line.strip_prefix("not ok ") {
            if test.contains("# TODO") {
                outcome.passed += 1;
                explains = false;
            } else {
                outcome.failed.push(test.to_owned());
                explains = true;
            }
        } else if let (true, Some(about), Some(last)) = (explains, line.strip_prefix('#'), outcome.failed.last_mut()) {
            // The first line of the explanation only says again that it failed.
            if !about.trim_start().starts_with("Failed test") && !about.trim_start().starts_with("Looks like") {
                last.push_str("\n  ");
                last.push_str(about.trim());
            }
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> Outcome {
        read(&text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_protocol_is_read() {
        let good = outcome("1..2\nok 1 - sees own rows\nnot ok 2 - not yet # TODO later\n# Failed (TODO) test 2");
        assert!(good.is_good(), "{good:?}");
        let bad = outcome(
            "1..2\nok 1 - a\nnot ok 2 - b\n# Failed test 2: \"b\"\n#         have: 3\n#         want: 1\n# Looks like you failed 1 test of 2",
        );
        assert_eq!(bad.failed, ["2 - b\n  have: 3\n  want: 1"]);
        assert_eq!(bad.reason().unwrap(), "1 of 2 tests failed");
    }

    #[test]
    fn what_did_not_run_is_not_good() {
        assert_eq!(outcome("1..3\nok 1 - a").reason().unwrap(), "3 tests were announced and 1 ran");
        assert!(outcome("").reason().unwrap().starts_with("it holds no test"));
        assert!(outcome("ok 1 - a").reason().unwrap().starts_with("it announced no number"));
    }

    #[test]
    fn the_transaction_stays_ours() {
        for statement in ["begin;", "BEGIN TRANSACTION;", "rollback;", "-- done\ncommit;", "start transaction;"] {
            assert!(ends_transaction(statement), "{statement}");
        }
        for statement in ["rollback to savepoint a;", "select begin();", "savepoint begin;"] {
            assert!(!ends_transaction(statement), "{statement}");
        }
        assert!(makes_extension("create extension if not exists \"pgtap\" with schema extensions;"));
    }
}
