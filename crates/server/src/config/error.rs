//! Why there is no configuration to start with.

use std::path::PathBuf;

/// A configuration that cannot be used. No message repeats the value of a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named on the command line.
    #[error("cannot read `{}`", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, or a value of another type.
    #[error("`{}` is not a configuration", .path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: toml::de::Error,
    },
    /// A setting that does not exist.
    #[error("`{}` has a setting `{setting}` that does not exist; there are: {expected}", .path.display())]
    Unknown {
        /// Which file.
        path: PathBuf,
        /// The setting with its section.
        setting: String,
        /// What could stand there.
        expected: String,
    },
    /// A setting with a value that cannot be.
    #[error("{setting} cannot be used: {reason}")]
    Invalid {
        /// The setting or variable.
        setting: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Nothing can be verified without these.
    #[error("cannot start, for these are missing: {}", .0.join("; "))]
    Missing(Vec<&'static str>),
}

impl ConfigError {
    pub(super) fn invalid(setting: &'static str, reason: impl ToString) -> Self {
        Self::Invalid { setting, reason: reason.to_string() }
    }
}
