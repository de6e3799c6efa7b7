//! Numbered, checksummed migrations, embedded in the binary.
//!
//! Each file runs in its own transaction under one advisory lock, so that several nodes may start at once. A file that
//! was applied is never changed: its checksum is kept, and a difference is refused rather than guessed about. Every file
//! is idempotent, so that people who apply SQL by hand (hosted Supabase) can run it again.

use aws_lc_rs::digest;
use tokio_postgres::{Client, Transaction};

use crate::{Error, Pool};

/// One numbered file of `sql/migrations/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Position in the chain, from 1.
    pub version: i32,
    /// The file's name without number and ending.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal, $file:literal) => {
        Migration { version: $version, name: $name, sql: include_str!(concat!("../../../sql/migrations/", $file)) }
    };
}

/// The whole chain, oldest first.
pub const MIGRATIONS: &[Migration] = &[
    migration!(1, "roles", "0001_roles.sql"),
    migration!(2, "mirror", "0002_mirror.sql"),
    migration!(3, "claims", "0003_claims.sql"),
    migration!(4, "inbox", "0004_inbox.sql"),
    migration!(5, "objects", "0005_objects.sql"),
    migration!(6, "ingest", "0006_ingest.sql"),
    migration!(7, "policies", "0007_policies.sql"),
    migration!(8, "revocations", "0008_revocations.sql"),
    migration!(9, "runs", "0009_runs.sql"),
    migration!(10, "changes", "0010_changes.sql"),
    migration!(11, "deletion", "0011_deletion.sql"),
    migration!(12, "permission_cache", "0012_permission_cache.sql"),
    migration!(13, "planned_once", "0013_planned_once.sql"),
    migration!(14, "rows_before_and_after", "0014_rows_before_and_after.sql"),
    migration!(15, "cost_of_policies", "0015_cost_of_policies.sql"),
    migration!(16, "inbox_by_bytes", "0016_inbox_by_bytes.sql"),
    migration!(17, "changes_by_bytes", "0017_changes_by_bytes.sql"),
    migration!(18, "empty_payers", "0018_empty_payers.sql"),
];

/// Any one number, the same in every Rowlock: "rowlock" on a telephone's keys.
pub(crate) const ADVISORY_LOCK: i64 = 7_695_625;

/// Why the chain could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A file that was applied earlier reads differently now.
    #[error(
        "migration {version} ({name}) was applied with other content than this Rowlock has: \
         the database was migrated by another build; use that build or a newer release"
    )]
    Changed {
        /// Which one.
        version: i32,
        /// Its name in this build.
        name: String,
    },
    /// The database is ahead of this build.
    #[error("the database is at migration {found}, this Rowlock knows {known}: it is older than the database")]
    Newer {
        /// Newest version in the database.
        found: i32,
        /// Newest version in this build.
        known: i32,
    },
    /// A statement failed; the file it stands in left no trace.
    #[error("migration {version} ({name}) failed and was rolled back")]
    Failed {
        /// Which one.
        version: i32,
        /// Its name.
        name: &'static str,
        /// What Postgres said.
        #[source]
        source: tokio_postgres::Error,
    },
    /// Schema `clerk` belongs to somebody else.
    #[error(
        "schema `clerk` is not Rowlock's: it holds {}; Rowlock needs the schema for itself, so give that one another name first: \
         `alter schema clerk rename to clerk_fdw`",
        listed(.0)
    )]
    Foreign(Vec<String>),
    /// The database could not be reached.
    #[error(transparent)]
    Connection(#[from] Error),
    /// The record of applied migrations could not be read or written.
    #[error("the record of applied migrations could not be used")]
    Record(#[source] tokio_postgres::Error),
}

/// The first few, and how many more there are.
fn listed(objects: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = objects.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match objects.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What [`migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// Newly applied, in order.
    pub applied: Vec<Migration>,
    /// The version the database is at now.
    pub version: i32,
}

/// Applies what is missing.
///
/// # Errors
/// See [`MigrationError`]; files applied before the failing one stay applied.
pub async fn migrate(owner: &Pool) -> Result<Migrated, MigrationError> {
    migrate_up_to(owner, i32::MAX).await
}

/// As [`migrate`], stopping at `last`: what an older release would have left behind.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_up_to(owner: &Pool, last: i32) -> Result<Migrated, MigrationError> {
    let mut client = owner.get().await?;
    client.execute("select pg_advisory_lock($1)", &[&ADVISORY_LOCK]).await.map_err(MigrationError::Record)?;
    let result = apply_missing(&mut client, last).await;
    // The lock is the session's: should this fail, so does the connection, and the lock goes with it.
    let unlocked = client.execute("select pg_advisory_unlock($1)", &[&ADVISORY_LOCK]).await;
    let migrated = result?;
    unlocked.map_err(MigrationError::Record)?;
    Ok(migrated)
}

/// The migrations that the database does not have yet; empty when it is up to date.
///
/// # Errors
/// As [`migrate`], without changing anything.
pub async fn pending(owner: &Pool) -> Result<Vec<Migration>, MigrationError> {
    let client = owner.get().await?;
    let known = "select to_regclass('rowlock.migrations') is not null";
    if !client.query_one(known, &[]).await.map_err(MigrationError::Record)?.get::<_, bool>(0) {
        return Ok(MIGRATIONS.to_vec());
    }
    let rows = client.query(APPLIED, &[]).await.map_err(MigrationError::Record)?;
    missing(&rows.iter().map(|row| (row.get(0), row.get(1))).collect::<Vec<_>>())
}

const APPLIED: &str = include_str!("../../../sql/migrate/applied.sql");
const RECORD: &str = include_str!("../../../sql/migrate/record.sql");
pub(crate) const TABLE: &str = include_str!("../../../sql/migrate/table.script.sql");

/// Refuses a schema `clerk` that somebody else has filled: Clerk's foreign-data wrapper is often given one of that name.
///
/// # Errors
/// [`MigrationError::Foreign`] names what stands there.
pub async fn refuse_foreign_schema(owner: &Pool) -> Result<(), MigrationError> {
    refuse_foreign(&*owner.get().await?).await
}

async fn refuse_foreign(client: &Client) -> Result<(), MigrationError> {
    let foreign = client.query(include_str!("../../../sql/migrate/foreign_objects.sql"), &[]).await;
    let foreign: Vec<String> = foreign.map_err(MigrationError::Record)?.iter().map(|row| row.get(0)).collect();
    if foreign.is_empty() { Ok(()) } else { Err(MigrationError::Foreign(foreign)) }
}

async fn apply_missing(client: &mut Client, last: i32) -> Result<Migrated, MigrationError> {
    refuse_foreign(client).await?;
    client.batch_execute(TABLE).await.map_err(MigrationError::Record)?;
    let rows = client.query(APPLIED, &[]).await.map_err(MigrationError::Record)?;
    let had: Vec<(i32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut applied = missing(&had)?;
    applied.retain(|migration| migration.version <= last);
    for migration in &applied {
        let transaction = client.transaction().await.map_err(MigrationError::Record)?;
        apply(&transaction, migration).await.map_err(|source| MigrationError::Failed {
            version: migration.version,
            name: migration.name,
            source,
        })?;
        transaction.commit().await.map_err(MigrationError::Record)?;
    }
    let version = applied.last().map_or_else(|| had.last().map_or(0, |(version, _)| *version), |last| last.version);
    Ok(Migrated { applied, version })
}

async fn apply(transaction: &Transaction<'_>, migration: &Migration) -> Result<(), tokio_postgres::Error> {
    transaction.batch_execute(migration.sql).await?;
    transaction.execute(RECORD, &[&migration.version, &migration.name, &checksum(migration.sql)]).await?;
    Ok(())
}

/// What is left to apply after `had`: (version, checksum), in order.
fn missing(had: &[(i32, String)]) -> Result<Vec<Migration>, MigrationError> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    for (version, found) in had {
        match MIGRATIONS.iter().find(|migration| migration.version == *version) {
            None => return Err(MigrationError::Newer { found: *version, known }),
            Some(migration) if checksum(migration.sql) != *found => {
                return Err(MigrationError::Changed { version: *version, name: migration.name.to_owned() });
            }
            Some(_) => {}
        }
    }
    let applied = |migration: &&Migration| !had.iter().any(|(version, _)| *version == migration.version);
    Ok(MIGRATIONS.iter().filter(applied).copied().collect())
}

/// SHA-256 in hexadecimal, over the text with `\n` line ends: a checkout on Windows is no other migration.
pub(crate) fn checksum(sql: &str) -> String {
    let hash = digest::digest(&digest::SHA256, sql.replace("\r\n", "\n").as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_without_a_gap() {
        let versions: Vec<i32> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..=i32::try_from(MIGRATIONS.len()).unwrap()).collect::<Vec<_>>());
    }

    #[test]
    fn a_changed_file_and_a_newer_database_are_refused() {
        let changed = missing(&[(1, "0".repeat(64))]).unwrap_err();
        assert!(matches!(changed, MigrationError::Changed { version: 1, .. }), "{changed}");
        let newer = missing(&[(9_000, String::new())]).unwrap_err();
        assert!(newer.to_string().contains("is at migration 9000"), "{newer}");
    }

    #[test]
    fn line_ends_do_not_change_the_checksum() {
        assert_eq!(checksum("select 1;\r\n"), checksum("select 1;\n"));
    }
}
