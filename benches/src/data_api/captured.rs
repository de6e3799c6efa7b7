//! What `rowlock serve` sends to Postgres for a request, read from Postgres' log.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::load::{self, Request};
use crate::database::Database;

/// A statement and its parameters as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) text: String,
    pub(super) parameters: Vec<Option<String>>,
}

/// One transaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Captured {
    pub(super) begin: String,
    pub(super) settings: Sent,
    pub(super) statement: Sent,
}

/// Sends each request, and finds what became of it.
pub(super) async fn capture(
    database: &Database,
    address: SocketAddr,
    token: &str,
    requests: &[Request],
) -> Result<Vec<Captured>> {
    let owner = database.owner.get().await?;
    let log = PathBuf::from(owner.query_one("show data_directory", &[]).await?.get::<_, String>(0));
    let log = log.parent().context("a data directory has a parent")?.join("log");
    let mut found = Vec::new();
    for request in requests {
        // What is sent first makes the caller's rows, and prepares: the second time is as all later ones are.
        load::once(address, "/rest/v1", request, token).await?;
        let before = std::fs::metadata(&log)?.len();
        // The pool's connections are there already, so the setting has to reach all of them.
        reconfigured(&owner, "alter system set log_statement = 'all'").await?;
        load::once(address, "/rest/v1", request, token).await?;
        reconfigured(&owner, "alter system reset log_statement").await?;
        let bytes = std::fs::read(&log)?;
        let text = String::from_utf8_lossy(&bytes[usize::try_from(before)?..]).into_owned();
        found.push(read(&text).with_context(|| format!("what was sent for {}", request.name))?);
    }
    Ok(found)
}

/// Changes a setting of the server, and waits until every connection has heard of it. Such a statement stands alone.
async fn reconfigured(owner: &postgres::Connection, statement: &str) -> Result<()> {
    owner.batch_execute(statement).await?;
    owner.batch_execute("select pg_reload_conf()").await?;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    Ok(())
}

fn read(log: &str) -> Result<Captured> {
    let sent = executed(log);
    let begin = sent.iter().find(|sent| sent.text.starts_with("begin")).context("no transaction began")?;
    let settings = sent.iter().find(|sent| sent.text.starts_with("select set_config")).context("nothing was set")?;
    let statement = sent.iter().find(|sent| sent.text.contains("pgrst_source")).context("no statement was sent")?;
    ensure!(statement.text.starts_with("WITH"), "an unexpected statement: {}", statement.text);
    Ok(Captured { begin: begin.text.clone(), settings: settings.clone(), statement: statement.clone() })
}

/// `… LOG:  execute s3: select $1` and the line `… DETAIL:  parameters: $1 = 'a', $2 = NULL` behind it.
fn executed(log: &str) -> Vec<Sent> {
    let mut found: Vec<Sent> = Vec::new();
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("LOG:  execute ") {
            let text = rest.split_once(": ").map_or(rest, |(_, text)| text);
            found.push(Sent { text: text.to_owned(), parameters: Vec::new() });
        } else if let (Some((_, list)), Some(last)) = (line.split_once("DETAIL:  parameters: "), found.last_mut()) {
            last.parameters = parameters(list);
        }
    }
    found
}

/// `$1 = 'it''s', $2 = NULL`.
fn parameters(list: &str) -> Vec<Option<String>> {
    let (mut rest, mut found) = (list, Vec::new());
    while let Some((_, value)) = rest.split_once(" = ") {
        if let Some(quoted) = value.strip_prefix('\'') {
            let (mut text, mut after) = (String::new(), quoted);
            while let Some((part, more)) = after.split_once('\'') {
                text.push_str(part);
                after = more;
                let Some(doubled) = after.strip_prefix('\'') else { break };
                text.push('\'');
                after = doubled;
            }
            found.push(Some(text));
            rest = after;
        } else {
            found.push(None);
            rest = value.strip_prefix("NULL").unwrap_or_default();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read_with_their_parameters() {
        let log = "2026 LOG:  execute r1: begin isolation level read committed read only\n\
                   2026 LOG:  execute s0: select set_config($1, $2, true)\n\
                   2026 DETAIL:  parameters: $1 = 'role', $2 = 'it''s = x'\n\
                   2026 LOG:  execute s1: WITH pgrst_source AS (select $1) select\n\
                   2026 DETAIL:  parameters: $1 = NULL\n";
        let captured = read(log).unwrap();
        assert_eq!(captured.begin, "begin isolation level read committed read only");
        assert_eq!(captured.settings.parameters, [Some("role".to_owned()), Some("it's = x".to_owned())]);
        assert_eq!(captured.statement.parameters, [None]);
    }
}
