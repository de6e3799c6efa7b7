//! Why there is no local Postgres.

use std::path::PathBuf;

use super::START_TIMEOUT;

/// Why there is no local Postgres.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A file or directory could not be made or read.
    #[error("cannot use `{}`", .path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the directory.
    #[error("`{}` is in use by another Rowlock (process {pid}); stop that one or use another directory", .directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// The other's process id, as it noted it.
        pid: String,
    },
    /// Somebody else's directory.
    #[error("`{}` holds things that are not of a local Postgres of Rowlock's; use another directory", .directory.display())]
    NotOurs {
        /// The directory.
        directory: PathBuf,
    },
    /// Another server has the port.
    #[error("port {port} of 127.0.0.1 is taken by another server; stop that one or use another port")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// We are root and there is nobody to run the server as.
    #[error("Postgres refuses to run as root, and this system has no user `postgres` or `nobody` to run it as")]
    NoUnprivilegedUser,
    /// The unprivileged user cannot get to the directory.
    #[error(
        "Postgres refuses to run as root, and user `{user}` cannot reach `{}`; give a directory that this user can pass through to, such as one below /var/lib with `--data-dir`", .directory.display()
    )]
    OutOfReach {
        /// The directory.
        directory: PathBuf,
        /// Who would run the server.
        user: String,
    },
    /// The data was written by another major version.
    #[error("the data in `{}` is of Postgres {found}, the programs are {expected}; name matching ones with `--pg-bin`", .directory.display())]
    OtherVersion {
        /// The data directory.
        directory: PathBuf,
        /// The data's major version.
        found: String,
        /// The programs' major version.
        expected: String,
    },
    /// A program of Postgres failed.
    #[error("{program} failed: {reason}")]
    Program {
        /// `initdb` or `postgres`.
        program: &'static str,
        /// Its last words.
        reason: String,
    },
    /// The server runs but does not accept a login.
    #[error("Postgres did not accept a login within {} s; its log is `{}`", START_TIMEOUT.as_secs(), .log.display())]
    NotReady {
        /// The server's log.
        log: PathBuf,
    },
}
