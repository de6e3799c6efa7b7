//! Keeps an instance in a file, so that it survives a restart with the same key, ids and objects.
//!
//! The file holds the private key and every secret: it is written with mode 0600. A save writes a neighbour and renames
//! it over the file, so that a crash leaves the old or the new state and never half of one. A file that cannot be read
//! or understood stops the start: it is never replaced silently.
//!
//! One emulator at a time uses a file: a lock on the file beside it says so, which ends with the process that holds it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{
    identity::SavedIdentity,
    instance::Instance,
    state::{Dangling, State},
    webhooks::SavedOutbox,
};

/// Changes when the form of the file changes.
const FORMAT: u32 = 1;

#[derive(Debug, Clone)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// Held while the neighbour is written.
    writing: Arc<Mutex<()>>,
}

/// What a file holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    format: u32,
    pub(crate) identity: SavedIdentity,
    pub(crate) state: State,
    pub(crate) webhooks: SavedOutbox,
}

#[derive(Serialize)]
struct Saving<'a> {
    format: u32,
    identity: SavedIdentity,
    state: &'a State,
    webhooks: SavedOutbox,
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The file is there and cannot be read.
    #[error("state file {} cannot be read", path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not what an emulator wrote.
    #[error(
        "state file {} is damaged or was not written by this emulator; move it away to start with an empty instance",
        path.display()
    )]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file was written by another version.
    #[error(
        "state file {} has format {found}, this emulator reads format {FORMAT}; move it away to start with an empty \
         instance",
        path.display()
    )]
    Format {
        /// Where it is.
        path: PathBuf,
        /// The format it names.
        found: u32,
    },
    /// Another emulator has it.
    #[error("state file {} is in use by another emulator; stop that one, or give this one a file of its own", path.display())]
    InUse {
        /// Where it is.
        path: PathBuf,
    },
    /// The state could not be saved.
    #[error("state file {} cannot be written", path.display())]
    Unwritable {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl StateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, writing: Arc::default() }
    }

    /// Takes the file for this process, for as long as the returned file is open.
    pub(crate) fn lock(&self) -> Result<File, StateFileError> {
        let unwritable = |source| StateFileError::Unwritable { path: self.path.clone(), source };
        self.create_directory().map_err(unwritable)?;
        let mut name = self.path.clone().into_os_string();
        name.push(".lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&name).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(StateFileError::InUse { path: self.path.clone() }),
            Err(TryLockError::Error(source)) => Err(unwritable(source)),
        }
    }

    fn create_directory(&self) -> io::Result<()> {
        match self.path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            Some(directory) => std::fs::create_dir_all(directory),
            None => Ok(()),
        }
    }

    /// What the file holds, or nothing when there is no file yet.
    pub(crate) fn load(&self) -> Result<Option<Saved>, StateFileError> {
        let path = || self.path.clone();
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateFileError::Unreadable { path: path(), source }),
        };
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let damaged = |source: serde_json::Error| StateFileError::Damaged { path: path(), source: source.into() };
        let head: Head = serde_json::from_slice(&text).map_err(damaged)?;
        if head.format != FORMAT {
            return Err(StateFileError::Format { path: path(), found: head.format });
        }
        let saved: Saved = serde_json::from_slice(&text).map_err(damaged)?;
        debug_assert_eq!(saved.format, FORMAT);
        saved.state.check().map_err(|error: Dangling| self.damaged(error))?;
        Ok(Some(saved))
    }

    pub(crate) fn damaged(&self, error: impl std::error::Error + Send + Sync + 'static) -> StateFileError {
        StateFileError::Damaged { path: self.path.clone(), source: Box::new(error) }
    }

    /// Saves the instance as it is now. Blocks on the disk.
    pub(crate) fn save(&self, instance: &Instance) -> Result<(), StateFileError> {
        let _writing = self.writing.lock();
        // Before the state is locked: it may have to wait for a key.
        let identity = instance.identity.save();
        let text = {
            let state = instance.state.read();
            let webhooks = instance.webhooks.read(|outbox| outbox.save());
            serde_json::to_vec(&Saving { format: FORMAT, identity, state: &state, webhooks })
                .expect("the state has a JSON form")
        };
        self.replace(&text).map_err(|source| StateFileError::Unwritable { path: self.path.clone(), source })
    }

    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let mut neighbour = self.path.clone().into_os_string();
        neighbour.push(".new");
        let neighbour = PathBuf::from(neighbour);
        self.create_directory()?;
        // A neighbour that a crash left behind may have any mode, so it is never reused.
        match std::fs::remove_file(&neighbour) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = create_private(&neighbour)?;
        file.write_all(text)?;
        file.sync_all()?;
        std::fs::rename(&neighbour, &self.path)
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
