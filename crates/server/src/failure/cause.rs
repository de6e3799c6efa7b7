//! What lies behind a failure, for the operator's log: on one line, and without a word about people.
//!
//! Postgres quotes data when it refuses data: the whole row in the error's detail, the value in some messages. Its detail
//! is therefore never logged, and its message only where Postgres makes it of names. What is left out here stands in
//! Postgres' own log, under the same SQLSTATE.

use std::error::Error;

use mirror::MirrorError;
use postgres::Refusal;

use super::Failure;

/// SQLSTATE classes whose messages are made of names (of tables, columns, constraints, roles): connection, constraint,
/// transaction state, authorization, unknown database or schema, conflict, access, resources, limits, object state,
/// intervention, system.
const NAMES_ONLY: [&str; 13] = ["08", "23", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"];

/// Classes that say something about the server's state and not about what it was asked.
const MAY_PASS: [&str; 8] = ["08", "25", "40", "53", "55", "57", "58", "XX"];

/// What to log besides the failure's own words.
pub(super) fn of(failure: &Failure) -> Option<String> {
    match failure {
        Failure::NotStored(error) => Some(of_mirror(error)),
        Failure::DatabaseAway(error) | Failure::DatabaseRefused(error) => Some(of_database(error)),
        other => other.source().map(chain),
    }
}

/// What to log of the mirror's trouble.
pub(crate) fn of_mirror(error: &MirrorError) -> String {
    match error {
        MirrorError::Database(error) => of_database(error),
        MirrorError::Shared(error) => of_mirror(error),
        other => other.to_string(),
    }
}

/// Whether asking again later may help.
pub(super) fn may_pass(error: &postgres::Error) -> bool {
    match error {
        postgres::Error::Connect(_) => true,
        other => other.refusal().is_none_or(|answer| is_in(&MAY_PASS, &answer)),
    }
}

/// What to log of the database's trouble.
pub(crate) fn of_database(error: &postgres::Error) -> String {
    match error {
        postgres::Error::Busy { .. } => error.to_string(),
        postgres::Error::Connect(source) => format!("cannot connect to Postgres: {}", said_by_postgres(source)),
        postgres::Error::Statement(source) => said_by_postgres(source),
        postgres::Error::Refused(refusal) => said(refusal),
        postgres::Error::Unreachable(_) | postgres::Error::Broken(_) | postgres::Error::Unsendable(_) => chain(error),
    }
}

fn said_by_postgres(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(answer) => said(&Refusal::from(answer)),
        None => chain(error),
    }
}

fn said(refusal: &Refusal) -> String {
    if is_in(&NAMES_ONLY, refusal) {
        return refusal.to_string();
    }
    format!("SQLSTATE {}; the message may quote data", refusal.code().code())
}

fn is_in(classes: &[&str], answer: &Refusal) -> bool {
    classes.iter().any(|class| answer.code().code().starts_with(class))
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
