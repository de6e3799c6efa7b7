//! An error with its causes on one line, which is where HTTP and file errors say what really happened.

use std::{error::Error, fmt};

pub(crate) struct Reasons<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(formatter, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
