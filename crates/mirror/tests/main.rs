//! The mirror's promises, against a real Postgres.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backfill;
mod changes;
mod convergence;
mod deletion;
mod failures;
mod history;
mod inquiries;
mod operating;
mod permissions;
mod projection;
mod reconcile;
mod revocations;
mod support;
