//! Callers in a closed loop: each makes its next call when the last one has answered.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::measure::{MEASUREMENT, Round, WARM_UP};

/// One round of `count` callers, each a task of its own. A call that fails ends the round.
pub(crate) fn round<C, F>(runtime: &Runtime, count: usize, call: C) -> Result<Round>
where
    C: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    runtime.block_on(async {
        run(count, WARM_UP, &call).await?;
        run(count, MEASUREMENT, &call).await
    })
}

async fn run<C, F>(count: usize, length: Duration, call: &C) -> Result<Round>
where
    C: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..count {
        let call = call.clone();
        callers.spawn(async move {
            let mut calls = Vec::new();
            while began.elapsed() < length {
                let sent = Instant::now();
                call().await?;
                calls.push(sent.elapsed());
            }
            anyhow::Ok(calls)
        });
    }
    let mut calls = Vec::new();
    while let Some(caller) = callers.join_next().await {
        calls.append(&mut caller.context("a caller panicked")??);
    }
    Ok(Round::of(calls, began.elapsed()))
}
