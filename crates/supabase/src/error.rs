//! What can be wrong with a project, in words that name the file, the line and the next step.

use std::fmt;
use std::path::PathBuf;

/// Why a project cannot be read or applied.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// A file or folder cannot be read.
    #[error("`{}` cannot be read", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// `config.toml` is not what it should be.
    #[error("`{}` cannot be understood", .path.display())]
    Config {
        /// Which.
        path: PathBuf,
        /// What is wrong, with the line.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A statement of a migration or seed failed; nothing of its file is left behind.
    #[error("{0}")]
    Failed(Box<MigrationFailure>),
    /// The database cannot be reached.
    #[error("the database cannot be reached")]
    Database(#[from] postgres::Error),
    /// The record of what was applied, or the platform, cannot be used.
    #[error("the database cannot be prepared for a Supabase project ({part})")]
    Platform {
        /// Which part.
        part: &'static str,
        /// What Postgres said.
        #[source]
        source: tokio_postgres::Error,
    },
}

/// A statement that Postgres refused.
#[derive(Debug)]
pub struct MigrationFailure {
    /// The file.
    pub path: PathBuf,
    /// The line on which the statement begins, or the one that Postgres points at.
    pub line: usize,
    /// What Postgres said.
    pub message: String,
    /// Its SQLSTATE, if it was Postgres that said it.
    pub code: Option<String>,
    /// What else it said.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for MigrationFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path.display(), self.line, self.message)?;
        if let Some(code) = &self.code {
            write!(formatter, " ({code})")?;
        }
        for (name, text) in [("detail", &self.detail), ("hint", &self.hint)] {
            if let Some(text) = text {
                write!(formatter, "\n  {name}: {text}")?;
            }
        }
        Ok(())
    }
}

impl MigrationFailure {
    /// What Postgres said about a statement that begins at `line`.
    pub(crate) fn new(path: PathBuf, line: usize, statement: &str, error: &tokio_postgres::Error) -> Self {
        use tokio_postgres::error::ErrorPosition;
        let Some(answer) = error.as_db_error() else {
            let message = error.to_string();
            return Self { path, line, message, code: None, detail: None, hint: None };
        };
        // Postgres counts characters from 1.
        let line = match answer.position() {
            Some(ErrorPosition::Original(position)) => {
                let before = statement.chars().take((*position as usize).saturating_sub(1));
                line + before.filter(|character| *character == '\n').count()
            }
            _ => line,
        };
        let message = answer.message().to_owned();
        Self {
            path,
            line,
            code: Some(answer.code().code().to_owned()),
            detail: answer.detail().map(str::to_owned),
            hint: hint(&message).or_else(|| answer.hint().map(str::to_owned)),
            message,
        }
    }
}

/// What helps where Postgres' own hint does not know how things are here.
fn hint(message: &str) -> Option<String> {
    let name = message.strip_prefix("extension \"")?.strip_suffix("\" is not available")?;
    let package = match name {
        "vector" => "pgvector",
        "postgis" => "postgis-3",
        "pgtap" => "pgtap",
        "plpgsql_check" => "plpgsql-check",
        "hypopg" => "hypopg",
        other => {
            return Some(format!(
                "`{other}` is more than SQL: install it for this Postgres, or name one that has it with --pg-bin"
            ));
        }
    };
    Some(format!("install it for this Postgres (Debian: `apt-get install postgresql-<version>-{package}`)"))
}
