//! Row-level security for Clerk tokens that can be trusted.
//!
//! What policies ask about their caller are the functions of schema `clerk` (`sql/migrations/0007_policies.sql`); the tests of
//! this crate hold them against the reading of claims in Rust, token by token.
