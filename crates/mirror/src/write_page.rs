//! A page of objects, written whole if possible, and otherwise without those that Postgres does not take.

use std::time::Duration;

use clerk::Timestamp;
use serde_json::value::RawValue;

use crate::{Mirror, MirrorError, ObjectKind, Source};

/// Somebody else writes the same rows: a webhook, which is quick.
const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// What became of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Rows that show it now, and did not before.
    pub(crate) shown: u64,
    /// Objects that could not be read, or that Postgres did not take.
    pub(crate) refused: u64,
}

impl Mirror {
    /// Writes what can be written of `objects`; what cannot is counted and logged without its content.
    pub(crate) async fn write_page(
        &self,
        kind: ObjectKind,
        objects: &[Box<RawValue>],
        asked_at: Timestamp,
        source: Source,
    ) -> Result<Written, MirrorError> {
        let mut written = Written::default();
        // Parts that are still to be written, the next one last.
        let mut parts = vec![objects];
        while let Some(part) = parts.pop() {
            match self.write_patiently(kind, part, asked_at, source).await {
                Ok(outcomes) => {
                    for outcome in outcomes {
                        match outcome {
                            Ok(shown) => written.shown += u64::from(shown),
                            Err(reason) => {
                                written.refused += 1;
                                tracing::warn!(object = kind.word(), %reason, "an object of Clerk's cannot be read");
                            }
                        }
                    }
                }
                Err(error) if error.is_about_data() && part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Err(error) if error.is_about_data() => {
                    written.refused += 1;
                    let reason = error.without_data();
                    tracing::warn!(object = kind.word(), reason, "Postgres does not take an object of Clerk's");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    async fn write_patiently(
        &self,
        kind: ObjectKind,
        objects: &[Box<RawValue>],
        asked_at: Timestamp,
        source: Source,
    ) -> Result<Vec<Result<bool, crate::Unreadable>>, MirrorError> {
        let mut waited = 0;
        loop {
            match self.write(kind, objects, asked_at, source).await {
                Err(error) if error.is_about_waiting() && waited < PATIENCE => {
                    waited += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }
}
