//! From the folder into the database: what was not applied yet, in order, each file whole or not at all.
//!
//! The record is the official command line's: `supabase_migrations.schema_migrations` holds each version with its statements, and
//! `seed_files` each seed with a hash of its text. A file that was applied and reads differently now is reported and not applied
//! again: nobody can say what is left to do.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use postgres::{Connection, Pool};

use crate::{Migration, MigrationFailure, Project, ProjectError, Statement, split};

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Migrations that were applied now, by file name.
    pub migrations: Vec<String>,
    /// Seeds that ran now.
    pub seeds: Vec<String>,
    /// What the folder and the database disagree about.
    pub differences: Vec<Difference>,
}

/// A disagreement that nobody can settle but a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A migration was applied with other statements than its file has now.
    Changed {
        /// The file's name.
        file: String,
    },
    /// A migration was applied and its file is gone.
    Gone {
        /// Its version.
        version: String,
    },
    /// A seed has changed since it ran.
    SeedChanged {
        /// Its path.
        path: String,
    },
}

impl Project {
    /// Applies migrations that were not, and then seeds that were not.
    ///
    /// # Errors
    /// [`ProjectError::Failed`] says where; files before it stay applied, nothing of that one does.
    pub async fn apply(&self, owner: &Pool) -> Result<Applied, ProjectError> {
        let mut client = owner.get().await?;
        let mut applied = Applied::default();
        if self.config.migrates {
            self.apply_migrations(&mut client, &mut applied).await?;
        }
        if self.config.seeds {
            self.apply_seeds(&mut client, &mut applied).await?;
        }
        Ok(applied)
    }

    async fn apply_migrations(&self, client: &mut Connection, applied: &mut Applied) -> Result<(), ProjectError> {
        let mut recorded = recorded(client).await?;
        for migration in self.migrations()? {
            let text = read(&migration.path)?;
            let statements = split(&text);
            let file = format!("{}_{}.sql", migration.version, migration.name);
            match recorded.remove(&migration.version) {
                None => {
                    run_migration(client, &migration, &statements).await?;
                    applied.migrations.push(file);
                }
                // Versions that were marked as applied by hand have no statements.
                Some(Some(before)) if !is_same(&before, &statements) => {
                    applied.differences.push(Difference::Changed { file });
                }
                Some(_) => {}
            }
        }
        let mut gone: Vec<String> = recorded.into_keys().collect();
        gone.sort();
        applied.differences.extend(gone.into_iter().map(|version| Difference::Gone { version }));
        Ok(())
    }

    async fn apply_seeds(&self, client: &mut Connection, applied: &mut Applied) -> Result<(), ProjectError> {
        for (recorded, path) in self.seeds()? {
            let text = read(&path)?;
            let hash = hash(&text);
            let statement = include_str!("../../../sql/supabase/seeded.sql");
            let before: Option<String> =
                client.query_opt(statement, &[&recorded]).await.map_err(in_record)?.map(|row| row.get("hash"));
            match before {
                Some(before) if before == hash => {}
                Some(_) => applied.differences.push(Difference::SeedChanged { path: recorded }),
                None => {
                    run_seed(client, &path, &recorded, &hash, &split(&text)).await?;
                    applied.seeds.push(recorded);
                }
            }
        }
        Ok(())
    }
}

fn in_record(source: tokio_postgres::Error) -> ProjectError {
    ProjectError::Platform { part: "history", source }
}

/// Versions in the record, with their statements where it has them.
async fn recorded(client: &Connection) -> Result<HashMap<String, Option<Vec<String>>>, ProjectError> {
    let rows = client.query(include_str!("../../../sql/supabase/applied.sql"), &[]).await.map_err(in_record)?;
    Ok(rows.iter().map(|row| (row.get("version"), row.get("statements"))).collect())
}

/// The official command line may have recorded them, and keeps white space and semicolons in its own way.
fn is_same(before: &[String], now: &[Statement<'_>]) -> bool {
    let plain =
        |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches([';', ' ']).to_owned();
    before.iter().map(|text| plain(text)).eq(now.iter().map(|statement| plain(statement.text)))
}

async fn run_migration(
    client: &mut Connection,
    migration: &Migration,
    statements: &[Statement<'_>],
) -> Result<(), ProjectError> {
    let texts: Vec<&str> = statements.iter().map(|statement| statement.text).collect();
    let result = async {
        begin(client).await?;
        run(client, &migration.path, statements).await?;
        let record = include_str!("../../../sql/supabase/record.sql");
        client.execute(record, &[&migration.version, &migration.name, &texts]).await.map_err(in_record)?;
        client.batch_execute("commit").await.map_err(|error| failed(&migration.path, statements.last(), &error))
    }
    .await;
    tidied(client, result).await
}

async fn run_seed(
    client: &mut Connection,
    path: &Path,
    recorded: &str,
    hash: &str,
    statements: &[Statement<'_>],
) -> Result<(), ProjectError> {
    let result = async {
        begin(client).await?;
        run(client, path, statements).await?;
        let record = include_str!("../../../sql/supabase/record_seed.sql");
        client.execute(record, &[&recorded, &hash]).await.map_err(in_record)?;
        client.batch_execute("commit").await.map_err(|error| failed(path, statements.last(), &error))
    }
    .await;
    tidied(client, result).await
}

async fn begin(client: &Connection) -> Result<(), ProjectError> {
    client.batch_execute("begin").await.map_err(in_record)
}

async fn run(client: &Connection, path: &Path, statements: &[Statement<'_>]) -> Result<(), ProjectError> {
    for statement in statements {
        client.batch_execute(statement.text).await.map_err(|error| failed(path, Some(statement), &error))?;
    }
    Ok(())
}

fn failed(path: &Path, statement: Option<&Statement<'_>>, error: &tokio_postgres::Error) -> ProjectError {
    let (line, text) = statement.map_or((1, ""), |statement| (statement.line, statement.text));
    ProjectError::Failed(Box::new(MigrationFailure::new(shown(path), line, text, error)))
}

/// As a person in the project's folder would name it.
fn shown(path: &Path) -> PathBuf {
    let mut parts: Vec<_> = path.components().rev().take_while(|part| part.as_os_str() != "supabase").collect();
    parts.reverse();
    std::iter::once(std::path::Component::Normal("supabase".as_ref())).chain(parts).collect()
}

/// Ends what failed. A migration may have set things for the session: the next one begins like the first.
async fn tidied(client: &Connection, result: Result<(), ProjectError>) -> Result<(), ProjectError> {
    if result.is_err() {
        // On a broken connection there is nothing to roll back, and the failure before this is the one to tell.
        let _ = client.batch_execute("rollback").await;
    }
    let reset = client.batch_execute("reset all; reset role").await;
    result.and(reset.map_err(in_record))
}

fn read(path: &Path) -> Result<String, ProjectError> {
    std::fs::read_to_string(path).map_err(|source| ProjectError::Unreadable { path: path.to_path_buf(), source })
}

fn hash(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
