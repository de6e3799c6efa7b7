//! Why there is no model.

use std::path::PathBuf;

use crate::TableName;

/// A declaration that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file is there and cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, or a setting of `[policies]` that does not exist.
    #[error("the policies in `rowlock.toml` cannot be read")]
    Malformed(#[source] toml::de::Error),
    /// A `[[table]]` with a setting that does not exist, or of another type.
    #[error("the [[table]] on line {line} cannot be read")]
    Table {
        /// Where it begins.
        line: usize,
        /// What is wrong.
        #[source]
        source: toml::de::Error,
    },
    /// A setting that does not fit.
    #[error("{table}: `{setting}` cannot be used: {reason}")]
    Setting {
        /// Of which table.
        table: String,
        /// Which.
        setting: &'static str,
        /// What was found and what was expected.
        reason: String,
    },
}

impl ModelError {
    pub(super) fn setting(table: &TableName, setting: &'static str, reason: impl Into<String>) -> Self {
        Self::Setting { table: table.to_string(), setting, reason: reason.into() }
    }
}
