//! Serving until told to stop.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::background::tended;
use crate::connections::{Connections, Limits};
use crate::services::{SCHEMA_CHANGES, data_api_config};
use crate::{Services, router, telemetry};

/// Serves `services` on `listener`, works on the inbox, hears of revocations, compares with Clerk, carries out deletions and
/// forgets what is old, until `stop`.
///
/// Then nobody new is let in, and what is under way may take `drain` to finish. What has not finished by then is cut off,
/// its transaction rolled back: nobody was told that it happened, so whoever asked for it will ask again.
///
/// # Errors
/// When the listener is not usable.
pub async fn run(
    listener: TcpListener,
    services: Services,
    drain: Duration,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let mut tasks = JoinSet::new();
    let mirror = services.mirror().clone();
    let worked_on = mirror.clone();
    let work_on_inbox = move |stop| {
        let mirror = worked_on.clone();
        async move { mirror.work(stop).await }
    };
    tasks.spawn(tended(work_on_inbox, stop.clone()));
    let revocations = services.revocations().clone();
    let hear_of_revocations = move |stop| {
        let revocations = revocations.clone();
        async move { revocations.watch(stop).await }
    };
    tasks.spawn(tended(hear_of_revocations, stop.clone()));
    let (comparing, schedule, arrival) = (mirror.clone(), services.reconcile, services.arrival.clone());
    let compare_with_clerk = move |stop: CancellationToken| {
        let (mirror, arrival) = (comparing.clone(), arrival.clone());
        async move {
            let regularly = async {
                if let Some(schedule) = schedule {
                    mirror.reconcile_regularly(schedule, stop.clone()).await;
                }
            };
            tokio::join!(regularly, mirror.watch_arrival(&arrival, stop.clone()));
        }
    };
    tasks.spawn(tended(compare_with_clerk, stop.clone()));
    if let (Some(mounted), Some(options)) = (services.data_api.clone(), services.data_api_options.clone()) {
        let owner = services.owner.clone();
        let follow_schema = move |stop| {
            let (api, options, owner) = (mounted.api.clone(), options.clone(), owner.clone());
            async move {
                api.follow(SCHEMA_CHANGES, || data_api_config(&options, &owner), stop).await;
            }
        };
        tasks.spawn(tended(follow_schema, stop.clone()));
    }
    if let Some(metrics) = services.metrics.clone() {
        let keep_up = move |stop| telemetry::keep_up(metrics.clone(), stop);
        tasks.spawn(tended(keep_up, stop.clone()));
    }
    let deletions = services.deletions.clone();
    let delete = move |stop| {
        let deletions = deletions.clone();
        async move { deletions.work(stop).await }
    };
    tasks.spawn(tended(delete, stop.clone()));
    let (forgetful, retention) = (services.mirror().clone(), services.retention);
    let forget = move |stop| {
        let mirror = forgetful.clone();
        async move { mirror.forget_until(retention, stop).await }
    };
    tasks.spawn(tended(forget, stop.clone()));
    let mut connections = Connections::new(router(services), &Limits::default(), stop);
    tracing::debug!(address = address.to_string(), "accepting connections");
    connections.accept(listener).await;
    let finished = async {
        connections.drained().await;
        while tasks.join_next().await.is_some() {}
    };
    if tokio::time::timeout(drain, finished).await.is_err() {
        tracing::warn!("something was still under way at the end of the drain and is cut off");
        connections.cut().await;
        mirror.cut().await;
        tasks.shutdown().await;
    }
    Ok(())
}
