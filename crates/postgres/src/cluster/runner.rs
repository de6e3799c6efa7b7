//! Who runs the server: Postgres refuses to run as root.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Gid, Uid, User};

use super::ClusterError;

/// The user a local server runs as: ourselves, or somebody unprivileged when we are root.
#[derive(Debug, Clone)]
pub(super) struct Runner(Option<(String, Uid, Gid)>);

impl Runner {
    /// # Errors
    /// When we are root and the system has neither of the usual unprivileged users.
    pub(super) fn choose() -> Result<Self, ClusterError> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(Self(None));
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self(Some((user.name, user.uid, user.gid))))
            .ok_or(ClusterError::NoUnprivilegedUser)
    }

    /// Lets `command` run as this user; supplementary groups are dropped with the rights.
    pub(super) fn apply<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some((_, uid, gid)) = &self.0 {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }

    /// Hands a file or directory over to this user.
    pub(super) fn own(&self, path: &Path) -> Result<(), ClusterError> {
        let Some((_, uid, gid)) = &self.0 else { return Ok(()) };
        nix::unistd::chown(path, Some(*uid), Some(*gid))
            .map_err(|error| ClusterError::Directory { path: path.to_path_buf(), source: error.into() })
    }

    /// Makes sure that this user can get to `directory`, which its parents may forbid.
    pub(super) fn check_reach(&self, directory: &Path) -> Result<(), ClusterError> {
        let Some((name, ..)) = &self.0 else { return Ok(()) };
        let reached = self.apply(Command::new("test").arg("-w").arg(directory)).status();
        if reached.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        Err(ClusterError::OutOfReach { directory: directory.to_path_buf(), user: name.clone() })
    }
}
