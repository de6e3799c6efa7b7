//! How long `rowlock policy test` and `rowlock policy lint` take: a schema of fifty tables, five hundred files.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use policy::generator::{Existing, migration};
use policy::lint::{Source, lint};
use policy::matrix;
use policy::model::Model;
use tokio::runtime::Runtime;

use crate::database::Database;
use crate::measure::{Measured, Race, Round, Standing};
use crate::report::Report;

const TABLES: usize = 50;
const FILES: usize = 500;

pub(super) fn measure(runtime: &Runtime, database: &Database, report: &mut Report) -> Result<()> {
    let (schema, model) = schema()?;
    let generated = migration(&model, model.tables.iter().map(|table| (table, Existing::default())));
    let (matrix, tested) = runtime.block_on(async {
        database.owner.get().await?.batch_execute(&format!("{schema}{generated}")).await?;
        let began = Instant::now();
        let matrix = matrix::run(&model, &database.owner).await?;
        anyhow::Ok((matrix, began.elapsed()))
    })?;
    ensure!(matrix.findings.is_empty(), "the generated policies do what was declared: {:?}", matrix.findings);
    let personas = matrix.personas();
    report.add(Race {
        title: format!(
            "policy test: {TABLES} tables, {personas} personas, {} attempts in {:.1} s",
            matrix.attempts,
            tested.as_secs_f64()
        ),
        results: vec![once("tables a second", TABLES, tested)],
    });

    let sources = files(&schema, &generated);
    let bytes: usize = sources.iter().map(|source| source.text().len()).sum();
    let began = Instant::now();
    let found = lint(&sources);
    let linted = began.elapsed();
    ensure!(found.is_empty(), "what the generator writes is clean: {} findings", found.len());
    report.add(Race {
        title: format!("policy lint: {FILES} files, {} KB, in {:.2} s", bytes / 1024, linted.as_secs_f64()),
        results: vec![once("files a second", FILES, linted)],
    });
    Ok(())
}

fn once(name: &str, count: usize, elapsed: Duration) -> Measured {
    let round = Round { per_second: count as f64 / elapsed.as_secs_f64(), latency: None };
    Measured { name: name.to_owned(), standing: Standing::Ours, rounds: Ok(vec![round]) }
}

/// Ten times five tables: of organizations, with children, of users, profiles, audits.
fn schema() -> Result<(String, Model)> {
    let (mut schema, mut declared) = ("create schema bench;\n".to_owned(), String::new());
    for number in 0..TABLES / 5 {
        write!(
            schema,
            "create table bench.projects{number} (id bigint generated always as identity primary key, org_id text not null,
               created_by text not null, name text not null check (length(name) < 80), budget numeric check (budget >= 0));
             create table bench.tasks{number} (id uuid primary key default gen_random_uuid(),
               project_id bigint not null references bench.projects{number} (id), title text not null);
             create table bench.notes{number} (id bigint generated always as identity primary key, user_id text not null, body text not null);
             create table bench.profiles{number} (user_id text primary key, handle text not null unique, shown boolean not null default false);
             create table bench.audit{number} (id bigint generated always as identity primary key, org_id text not null, actor text not null, what text not null);\n"
        )?;
        write!(
            declared,
            "[[table]]\nname = 'bench.projects{number}'\naccess = 'organization'\norganization = 'org_id'\nowner = 'created_by'
update = ['owner', 'org:projects:manage']\ndelete = 'org:admin'
[[table]]\nname = 'bench.tasks{number}'\naccess = 'child'\nparent = 'bench.projects{number}'\nforeign_key = 'project_id'
[[table]]\nname = 'bench.notes{number}'\naccess = 'user'\nowner = 'user_id'
[[table]]\nname = 'bench.profiles{number}'\naccess = 'profile'\nowner = 'user_id'\nvisible = 'shown'
[[table]]\nname = 'bench.audit{number}'\naccess = 'audit'\nowner = 'actor'\norganization = 'org_id'\n"
        )?;
    }
    Ok((schema, Model::parse(&declared)?))
}

/// The same migrations over and over, as a project of many years has them.
fn files(schema: &str, generated: &str) -> Vec<Source> {
    let blocks: Vec<&str> = generated.split("\n-- bench.").collect();
    let source = |number: usize, text: &str| Source::file(format!("migrations/{number:04}.sql"), text);
    let mut files = vec![source(0, schema)];
    for number in 1..FILES {
        files.push(source(number, &format!("-- {}", blocks[1 + number % (blocks.len() - 1)])));
    }
    files
}
