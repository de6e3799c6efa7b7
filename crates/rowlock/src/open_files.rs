//! How many files this process may have open: a connection is one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Takes all that the system permits. Many systems begin with 1,024 and permit far more, for the sake of programs that are older
/// than this question; a server that waits for thousands of browsers would refuse the second thousand.
pub(crate) fn take_all() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(soft, hard)| if soft < hard { setrlimit(Resource::RLIMIT_NOFILE, hard, hard) } else { Ok(()) });
    // With fewer it works, too: whoever finds no place waits for one.
    if let Err(error) = raised {
        tracing::debug!(error = error.to_string(), "the limit of open files stays as it is");
    }
}
