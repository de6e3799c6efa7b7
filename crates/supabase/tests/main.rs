//! Projects as people have them, on a plain Postgres.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod applying;
mod platform;
mod stand_ins;
mod support;
