//! What a child prints, line by line, and a test that fails when it prints nothing.

use std::io::{BufRead as _, BufReader};
use std::process::ChildStdout;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A child that is silent for longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lines of a child's standard output, read beside the test until the child closes it.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(output: ChildStdout) -> Self {
        let (lines, printed) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        Self(printed)
    }

    /// The next line; none when the child closed its output without one.
    pub(crate) fn next(&self) -> Option<String> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        match self.0.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(Disconnected) => None,
            Err(Timeout) => panic!("nothing was printed for {PATIENCE:?}"),
        }
    }
}
