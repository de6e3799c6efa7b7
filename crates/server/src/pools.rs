//! How busy connections to Postgres are, told to Prometheus.

use data_api::{DataApi, ReplicaFigures};
use postgres::PoolStatus;

/// Tells of one pool.
pub(crate) fn tell(name: &str, status: PoolStatus) {
    let PoolStatus { connections, idle, waiting, timeouts, .. } = status;
    let name = name.to_owned();
    metrics::gauge!("rowlock_pool_connections", "pool" => name.clone(), "state" => "idle").set(idle as f64);
    let busy = connections.saturating_sub(idle);
    metrics::gauge!("rowlock_pool_connections", "pool" => name.clone(), "state" => "busy").set(busy as f64);
    metrics::gauge!("rowlock_pool_waiting", "pool" => name.clone()).set(waiting as f64);
    metrics::counter!("rowlock_pool_timeouts_total", "pool" => name).absolute(timeouts);
}

/// Tells of each replica. They are numbered as they are named in the configuration: an address may say more than a page of metrics should.
pub(crate) fn tell_replicas(api: &DataApi) {
    for (number, ReplicaFigures { connections, is_asked }) in (1..).zip(api.replicas()) {
        let name = format!("replica {number}");
        tell(&name, connections);
        metrics::gauge!("rowlock_replica_asked", "pool" => name).set(if is_asked { 1.0 } else { 0.0 });
    }
}
