//! The local cluster: it starts, it stops with its owner whatever happens, and it recovers.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::binaries::Binaries;
use postgres::cluster::{Cluster, ClusterError, ClusterOptions, Durability, Port};
use postgres::{Connection, Pool, PoolOptions};

fn options(directory: &Path, durability: Durability) -> ClusterOptions {
    let binaries = Binaries::find(None).unwrap();
    ClusterOptions { directory: directory.to_path_buf(), binaries, port: Port::Free, durability }
}

async fn connect(cluster: &Cluster) -> Connection {
    Pool::new(&cluster.url(), &PoolOptions::default()).unwrap().get().await.unwrap()
}

async fn kept(cluster: &Cluster) -> i64 {
    connect(cluster).await.query_one("select count(*) from kept", &[]).await.unwrap().get(0)
}

async fn is_gone(pid: i32) -> bool {
    for _ in 0..200 {
        if kill(Pid::from_raw(pid), None).is_err() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test]
async fn data_survives_a_stop_and_one_process_at_a_time_uses_it() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(options(directory.path(), Durability::Full)).await.unwrap();
    connect(&cluster).await.batch_execute("create table kept as select 1").await.unwrap();
    let busy = Cluster::start(options(directory.path(), Durability::Full)).await.unwrap_err();
    assert!(matches!(&busy, ClusterError::InUse { pid, .. } if *pid == std::process::id().to_string()), "{busy}");
    let pid = cluster.server_pid().unwrap();
    cluster.stop().await.unwrap();
    assert!(is_gone(pid).await);
    let again = Cluster::start(options(directory.path(), Durability::Full)).await.unwrap();
    assert_eq!(kept(&again).await, 1);
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_killed_hard_is_revived_with_its_data() {
    for durability in [Durability::Full, Durability::Ephemeral] {
        let directory = tempfile::tempdir().unwrap();
        let mut cluster = Cluster::start(options(directory.path(), durability)).await.unwrap();
        connect(&cluster).await.batch_execute("create table kept as select 1").await.unwrap();
        kill(Pid::from_raw(cluster.server_pid().unwrap()), Signal::SIGKILL).unwrap();
        cluster.ended().await.unwrap();
        cluster.revive().await.unwrap();
        assert_eq!(kept(&cluster).await, 1);
        cluster.stop().await.unwrap();
    }
}

#[tokio::test]
async fn dropping_it_stops_the_server_and_removes_what_was_ephemeral() {
    let directory = tempfile::tempdir().unwrap().keep();
    let cluster = Cluster::start(options(&directory, Durability::Ephemeral)).await.unwrap();
    let pid = cluster.server_pid().unwrap();
    drop(cluster);
    assert!(is_gone(pid).await, "the server outlives its owner");
    for _ in 0..100 {
        if !directory.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} is still there", directory.display());
}

#[tokio::test]
async fn data_of_another_major_version_is_refused_by_both_names() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    std::fs::write(directory.path().join("data/PG_VERSION"), "9.6\n").unwrap();
    let error = Cluster::start(options(directory.path(), Durability::Full)).await.unwrap_err();
    assert!(error.to_string().contains("is of Postgres 9.6, the programs are"), "{error}");
}
