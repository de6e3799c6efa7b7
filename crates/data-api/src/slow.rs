//! A log line for what takes long, without a word of what it was about.
//!
//! The line names what the schema has and the caller cannot choose: a relation or function that exists, a role, the kind of the
//! request. Values are parameters and so in no statement; but aliases and keys of JSON paths are in its text, and they come from
//! outside. So the text is not logged. Its fingerprint is: equal lines are equal statements, whatever their values.
//!
//! The line is written when the transaction's future is dropped, which happens to those that are answered and to those that are
//! given up.

use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};

use crate::auth::Caller;
use crate::config::Config;
use crate::kind::RequestKind;
use crate::plan::StatementPlan;
use crate::request::ApiRequest;
use crate::sql;

/// So much of the hash tells a server's statements apart.
const FINGERPRINT_BYTES: usize = 8;

/// A statement that is under way.
pub(crate) struct UnderWay<'a> {
    began: Instant,
    patience: Duration,
    config: &'a Config,
    caller: &'a Caller,
    kind: RequestKind,
    request: &'a ApiRequest,
    plan: &'a StatementPlan,
    answered: bool,
}

impl<'a> UnderWay<'a> {
    /// Watches from now on; none when nobody wants to know.
    pub(crate) fn watch(
        config: &'a Config,
        caller: &'a Caller,
        kind: RequestKind,
        request: &'a ApiRequest,
        plan: &'a StatementPlan,
    ) -> Option<Self> {
        let patience = config.slow_after?;
        Some(Self { began: Instant::now(), patience, config, caller, kind, request, plan, answered: false })
    }

    /// Postgres has answered, with rows or an error.
    pub(crate) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        if took < self.patience {
            return;
        }
        // Made anew, because it is needed for one in a thousand.
        let statement = sql::statement(self.config, self.request, self.plan);
        tracing::warn!(
            kind = self.kind.name(),
            relation = self.plan.target.to_string(),
            role = self.caller.role,
            fingerprint = fingerprint(statement.text()),
            milliseconds = took.as_millis() as u64,
            answered = self.answered,
            "a request was slow"
        );
    }
}

fn fingerprint(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref()[..FINGERPRINT_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}
