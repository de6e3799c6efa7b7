//! What `pg_cron` does: statements that run by the clock, as whoever has scheduled them.
//!
//! Jobs run while this process does; what was due before is not made up for, as with `pg_cron`. A job that is still running when it is
//! due again is not started a second time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use clerk::Clock;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use postgres::identifier::quote_identifier;
use postgres::{Error, Pool};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::schedule::Schedule;

/// A job that takes longer is ended.
const LONGEST_RUN: Duration = Duration::from_secs(15 * 60);

#[derive(Debug)]
struct Job {
    id: i64,
    schedule: String,
    command: String,
    user: String,
}

/// Runs what is due until `stop`.
pub async fn run_jobs(owner: Pool, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let running: Arc<Mutex<HashSet<i64>>> = Arc::default();
    let mut runs = JoinSet::new();
    let mut last = clock.now().seconds();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(Duration::from_millis(250)) => {}
        }
        while runs.try_join_next().is_some() {}
        let now = clock.now().seconds();
        // A machine that slept, or whose clock was set, does not run an hour of jobs at once.
        for second in last.max(now - 5) + 1..=now {
            let Ok(jobs) = jobs(&owner).await else { continue };
            for job in jobs.into_iter().filter(|job| is_due(job, second)) {
                if running.lock().insert(job.id) {
                    runs.spawn(run(owner.clone(), job, Arc::clone(&running)));
                }
            }
        }
        last = now;
    }
    runs.shutdown().await;
}

fn is_due(job: &Job, second: i64) -> bool {
    let Ok(moment) = Timestamp::from_second(second) else { return false };
    let moment = moment.to_zoned(TimeZone::UTC).datetime();
    Schedule::parse(&job.schedule).is_some_and(|schedule| schedule.is_due(second, moment))
}

async fn jobs(owner: &Pool) -> Result<Vec<Job>, Error> {
    let client = owner.get().await?;
    let exists = client.query_one("select to_regclass('cron.job') is not null", &[]).await.map_err(Error::Statement)?;
    if !exists.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let rows = client.query(include_str!("../../../sql/supabase/jobs.sql"), &[]).await.map_err(Error::Statement)?;
    let job = |row: &tokio_postgres::Row| Job {
        id: row.get("jobid"),
        schedule: row.get("schedule"),
        command: row.get("command"),
        user: row.get("username"),
    };
    Ok(rows.iter().map(job).collect())
}

async fn run(owner: Pool, job: Job, running: Arc<Mutex<HashSet<i64>>>) {
    let began = tokio::time::Instant::now();
    let outcome = tokio::time::timeout(LONGEST_RUN, execute(&owner, &job)).await;
    let (status, message) = match outcome {
        Ok(Ok(())) => ("succeeded", String::new()),
        Ok(Err(error)) => ("failed", error),
        Err(_) => ("failed", format!("ended after {} s", LONGEST_RUN.as_secs())),
    };
    running.lock().remove(&job.id);
    if let Ok(client) = owner.get().await {
        let record = include_str!("../../../sql/supabase/record_run.sql");
        // A job that drops the extension has nowhere to be recorded.
        let _ = client
            .execute(record, &[&job.id, &job.user, &job.command, &status, &message, &began.elapsed().as_secs_f64()])
            .await;
    }
}

/// On a connection that nobody uses afterwards: a job may leave anything behind.
async fn execute(owner: &Pool, job: &Job) -> Result<(), String> {
    let connection = owner.get().await.map_err(|error| error.to_string())?;
    let connection = postgres::Connection::take(connection);
    let said = |error: tokio_postgres::Error| match error.as_db_error() {
        Some(answer) => answer.message().to_owned(),
        None => error.to_string(),
    };
    connection.batch_execute(&format!("set role {}", quote_identifier(&job.user))).await.map_err(said)?;
    connection.batch_execute(&job.command).await.map_err(said)
}
