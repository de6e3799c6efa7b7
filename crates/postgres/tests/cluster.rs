//! The local cluster: it starts, it stops with its owner whatever happens, and it recovers.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::binaries::Binaries;
use postgres::cluster::{Cluster, ClusterError, ClusterOptions, Durability, Port};
use postgres::{Connection, DatabaseUrl, Pool, PoolOptions};

fn options(directory: &Path, durability: Durability) -> ClusterOptions {
    let binaries = Binaries::find(None).unwrap();
    ClusterOptions {
        directory: directory.to_path_buf(),
        binaries,
        port: Port::Free,
        durability,
        stand_ins: &[],
        preload: &[],
    }
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
async fn a_server_whose_memory_somebody_still_holds_is_revived_on_its_port() {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(options(directory.path(), Durability::Full)).await.unwrap();
    let port = cluster.port();
    let backend: i32 = connect(&cluster).await.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let backend = Pid::from_raw(backend);
    kill(backend, Signal::SIGSTOP).unwrap();
    kill(Pid::from_raw(cluster.server_pid().unwrap()), Signal::SIGKILL).unwrap();
    cluster.ended().await.unwrap();
    let released = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        kill(backend, Signal::SIGCONT)
    });
    cluster.revive().await.unwrap();
    assert!(released.is_finished(), "it waits for the one who holds the memory");
    assert_eq!(cluster.port(), port);
    assert_eq!(connect(&cluster).await.query_one("select 1", &[]).await.unwrap().get::<_, i32>(0), 1);
    cluster.stop().await.unwrap();
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
    std::fs::write(directory.path().join("lock"), "").unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    std::fs::write(directory.path().join("data/PG_VERSION"), "9.6\n").unwrap();
    let error = Cluster::start(options(directory.path(), Durability::Full)).await.unwrap_err();
    assert!(error.to_string().contains("is of Postgres 9.6, the programs are"), "{error}");
}

#[tokio::test]
async fn a_server_of_somebody_else_on_the_port_is_never_taken_for_ours() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let theirs = Cluster::start(options(first.path(), Durability::Full)).await.unwrap();
    let mut same_port = options(second.path(), Durability::Full);
    same_port.port = Port::Fixed(theirs.port());
    let error = Cluster::start(same_port.clone()).await.unwrap_err();
    assert!(matches!(error, ClusterError::PortTaken { port } if port == theirs.port()), "{error}");
    same_port.port = Port::Preferred(theirs.port());
    let ours = Cluster::start(same_port).await.unwrap();
    assert_ne!(ours.port(), theirs.port());
    ours.stop().await.unwrap();
    theirs.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_ours_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let precious = directory.path().join("data/pgdata/precious");
    std::fs::create_dir_all(precious.parent().unwrap()).unwrap();
    std::fs::write(&precious, "x").unwrap();
    let error = Cluster::start(options(directory.path(), Durability::Full)).await.unwrap_err();
    assert!(matches!(error, ClusterError::NotOurs { .. }), "{error}");
    std::fs::write(directory.path().join("lock"), "").unwrap();
    let error = Cluster::start(options(directory.path(), Durability::Full)).await.unwrap_err();
    assert!(matches!(error, ClusterError::NotOurs { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "x");
    assert_eq!(std::fs::metadata(precious.parent().unwrap()).unwrap().uid(), nix::unistd::getuid().as_raw());
}

#[tokio::test]
async fn an_initialisation_that_was_cut_short_is_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("lock"), "").unwrap();
    let unfinished = directory.path().join("data.unfinished.1");
    std::fs::create_dir(&unfinished).unwrap();
    std::fs::write(unfinished.join("PG_VERSION"), Binaries::find(None).unwrap().major()).unwrap();
    let cluster = Cluster::start(options(directory.path(), Durability::Full)).await.unwrap();
    assert!(!unfinished.exists());
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_dropped_while_it_starts_ends_too() {
    for milliseconds in [0, 5, 10, 20, 40, 80] {
        let directory = tempfile::tempdir().unwrap();
        Cluster::start(options(directory.path(), Durability::Full)).await.unwrap().stop().await.unwrap();
        let starting = Cluster::start(options(directory.path(), Durability::Full));
        drop(tokio::time::timeout(Duration::from_millis(milliseconds), starting).await);
        // A server that lives on keeps its pid file, and the lock of the directory would not tell.
        let pid_file = directory.path().join("data/postmaster.pid");
        for _ in 0..200 {
            if !pid_file.exists() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(!pid_file.exists(), "dropped after {milliseconds} ms, it still runs");
    }
}

async fn setting(url: &DatabaseUrl, name: &str) -> String {
    let connection = Pool::new(url, &PoolOptions::default()).unwrap().get().await.unwrap();
    connection.query_one(&format!("show {name}"), &[]).await.unwrap().get(0)
}

/// Makes a table, without waiting for the disk.
async fn fill(url: DatabaseUrl) -> Result<&'static str, ClusterError> {
    assert_eq!(setting(&url, "fsync").await, "off");
    let connection = Pool::new(&url, &PoolOptions::default()).unwrap().get().await.unwrap();
    connection.batch_execute("create table kept as select 1").await.unwrap();
    Ok("filled")
}

fn unfinished(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_string_lossy().starts_with("data.unfinished")).count()
}

#[tokio::test]
async fn a_new_cluster_is_filled_once_and_careful_from_then_on() {
    let directory = tempfile::tempdir().unwrap();
    let (cluster, filled) = Cluster::start_filled(options(directory.path(), Durability::Full), fill).await.unwrap();
    assert_eq!((filled, kept(&cluster).await, unfinished(directory.path())), (Some("filled"), 1, 0));
    assert_eq!(setting(&cluster.url(), "fsync").await, "on");
    cluster.stop().await.unwrap();
    let (cluster, filled) = Cluster::start_filled(options(directory.path(), Durability::Full), fill).await.unwrap();
    assert_eq!((filled, kept(&cluster).await), (None, 1));
    assert_eq!(setting(&cluster.url(), "fsync").await, "on");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_filling_that_was_cut_short_is_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let pid = AtomicI32::new(0);
    let cut_short = Cluster::start_filled(options(directory.path(), Durability::Full), async |url| {
        fill(url).await?;
        let data = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let data = data.into_iter().find(|path| path.to_string_lossy().contains("unfinished")).unwrap();
        let text = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
        pid.store(text.lines().next().unwrap().trim().parse().unwrap(), Ordering::Relaxed);
        std::future::pending::<()>().await;
        Ok::<_, ClusterError>(())
    });
    tokio::time::timeout(Duration::from_secs(5), cut_short).await.expect_err("it never ends");
    assert!(is_gone(pid.load(Ordering::Relaxed)).await, "its server ends with it");
    assert_eq!(unfinished(directory.path()), 1);
    let refused = async |_| Err::<(), _>(ClusterError::NoUnprivilegedUser);
    let error = Cluster::start_filled(options(directory.path(), Durability::Full), refused).await.unwrap_err();
    assert!(matches!(error, ClusterError::NoUnprivilegedUser), "{error}");
    let (cluster, filled) = Cluster::start_filled(options(directory.path(), Durability::Full), fill).await.unwrap();
    assert_eq!((filled, kept(&cluster).await, unfinished(directory.path())), (Some("filled"), 1, 0));
    cluster.stop().await.unwrap();
}
