//! More than fits: what is answered is right, what is not answered says so, and a second later everything is as before.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use postgres::binaries::Binaries;
use postgres::cluster::{Cluster, ClusterOptions, Durability, Port};
use postgres::testing::TestDatabase;
use postgres::{ClientPool, Pool, PoolOptions, install_client_login, migrations};
use reqwest::Method;

use crate::support::{Answer, Issuer, TestServer, Wire, eventually, session};

const SCHEMA: &str = "
    create table public.boats (id integer primary key, name text not null);
    insert into public.boats select number, 'Boat ' || number from generate_series(1, 1000) as number;
    create table public.cargo (id integer primary key, load text not null);
    insert into public.cargo select number, repeat('x', 20000) from generate_series(1, 1000) as number;
    create function public.slow(seconds double precision) returns text language sql volatile as $$
      select pg_sleep(seconds); select 'slept' $$;
    grant select on public.boats, public.cargo to anon, authenticated;
";
const ONE: &str = "/rest/v1/boats?id=eq.7";
const BOAT: &str = r#"[{"id":7,"name":"Boat 7"}]"#;

async fn harbour(server: TestServer) -> TestServer {
    server.execute(SCHEMA).await;
    eventually("the tables are served", async || {
        server.execute("notify pgrst").await;
        server.get(ONE).await.status == 200
    })
    .await;
    server
}

/// What this process holds in memory, in megabytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
}

/// Within a second a request is answered rightly, and as fast as before.
async fn recovers(server: &TestServer) {
    let began = Instant::now();
    loop {
        let sent = Instant::now();
        let answer = server.get(ONE).await;
        if answer.status == 200 && answer.text == BOAT && sent.elapsed() < Duration::from_millis(250) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(1), "not within a second: {answer}");
    }
}

async fn get_on(wire: &mut Wire, path: &str) {
    wire.send(format!("GET {path} HTTP/1.1\r\nhost: harbour\r\n\r\n")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_connections_are_served_and_cost_little() {
    let server = harbour(TestServer::with(|config| config.connection_wait = Duration::from_secs(10)).await).await;
    let before = resident();
    let mut wires = join_all((0..2000).map(|_| server.wire())).await;
    let heads = join_all(wires.iter_mut().map(async |wire| {
        get_on(wire, ONE).await;
        wire.head().await
    }))
    .await;
    // On a machine that is busy with something else, some wait for too long, and are told so.
    let too_late = heads.iter().filter(|head| head.starts_with("HTTP/1.1 504 ") && head.contains("PGRST003")).count();
    let served = heads.iter().filter(|head| head.starts_with("HTTP/1.1 200 ")).count();
    assert!(served + too_late == 2000 && served > 1000, "{served} were served, {too_late} came too late");
    // Both ends of every connection are in this process.
    let grown = resident().saturating_sub(before);
    assert!(grown < 200, "2,000 connections took {grown} MB");
    recovers(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_readers_hold_up_nobody_and_are_answered_in_the_end() {
    let server = harbour(TestServer::with(|config| config.client_connections = 4).await).await;
    let before = resident();
    let mut slow = join_all((0..8).map(|_| server.wire())).await;
    for wire in &mut slow {
        // 20 MB each, of which nobody takes anything yet: more readers than there are connections to Postgres.
        get_on(wire, "/rest/v1/cargo").await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    eventually("others are answered meanwhile", async || server.get(ONE).await.text == BOAT).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 1000, "8 answers of 20 MB took {grown} MB");
    for wire in &mut slow {
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
    }
    drop(slow);
    recovers(&server).await;
}

#[tokio::test]
async fn callers_that_vanish_take_their_statements_with_them() {
    let server = harbour(TestServer::with(|config| config.client_connections = 8).await).await;
    let mut wires = join_all((0..8).map(|_| server.wire())).await;
    for wire in &mut wires {
        get_on(wire, "/rest/v1/boats?select=name").await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
        let body = r#"{"seconds":60}"#;
        wire.send(format!(
            "POST /rest/v1/rpc/slow HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
    }
    let sleeping = "select pid from pg_stat_activity where usename = 'rowlock_client' and wait_event = 'PgSleep' and datname = current_database()";
    eventually("all connections are taken", async || server.rows(sleeping).await.as_array().unwrap().len() == 8).await;
    drop(wires);
    recovers(&server).await;
    eventually("nothing runs for nobody", async || server.rows(sleeping).await.as_array().unwrap().is_empty()).await;
}

#[tokio::test]
async fn who_finds_no_connection_is_told_so_in_time() {
    let server = TestServer::with(|config| {
        config.client_connections = 2;
        config.connection_wait = Duration::from_millis(300);
    })
    .await;
    let server = harbour(server).await;
    let slow = || server.request(Method::POST, "/rest/v1/rpc/slow").body(r#"{"seconds":0.5}"#);
    let began = Instant::now();
    let answers = join_all((0..40).map(|_| Answer::to(slow()))).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let verdicts: Vec<String> = answers.iter().map(Answer::verdict).collect();
    assert!(verdicts.iter().filter(|verdict| *verdict == "200").count() >= 2, "{verdicts:?}");
    assert!(verdicts.iter().all(|verdict| verdict == "200" || verdict == "504 PGRST003"), "{verdicts:?}");
    recovers(&server).await;
}

#[tokio::test]
async fn the_schema_may_change_under_load() {
    let server = harbour(TestServer::start().await).await;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let load = async || {
        let mut verdicts = std::collections::BTreeMap::<String, usize>::new();
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let answer = server.get("/rest/v1/boats?select=*&id=eq.7").await;
            let named = answer.status != 200 || answer.text.contains("Boat 7");
            assert!(named, "{answer}");
            *verdicts.entry(answer.verdict()).or_default() += 1;
        }
        verdicts
    };
    let changes = async {
        for round in 0..10 {
            server.execute(&format!("alter table public.boats add column c{round} text; notify pgrst")).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
            server
                .execute(&format!(
                    "alter table public.boats drop column c{round}, alter name type varchar({}); notify pgrst",
                    50 + round
                ))
                .await;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        server
            .execute("begin; alter table public.boats rename to ships; create view public.boats as select * from public.ships;
                      grant select on public.boats to anon; commit; notify pgrst")
            .await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (one, two, three, ()) = tokio::join!(load(), load(), load(), changes);
    for verdicts in [one, two, three] {
        // What a column was a moment ago may be asked for once; that is an honest 4xx, and never a defect of ours.
        assert!(verdicts.keys().all(|verdict| verdict == "200" || verdict.starts_with('4')), "{verdicts:?}");
        assert!(verdicts["200"] > 20, "{verdicts:?}");
    }
    recovers(&server).await;
}

#[tokio::test]
async fn a_restart_of_postgres_is_an_honest_error_and_then_nothing() {
    let directory = tempfile::Builder::new().prefix("rowlock-test-").tempdir().unwrap().keep();
    let options = ClusterOptions {
        directory,
        binaries: Binaries::find(None).unwrap(),
        port: Port::Free,
        durability: Durability::Ephemeral,
        stand_ins: &[],
        preload: &[],
    };
    let mut cluster = Cluster::start(options).await.unwrap();
    let owner = Pool::new(&cluster.url(), &PoolOptions::default()).unwrap();
    let clients = ClientPool::new(&cluster.url().for_clients(), &PoolOptions::default()).unwrap();
    migrations::migrate(&owner).await.unwrap();
    install_client_login(&owner).await.unwrap();
    let database = TestDatabase { clients, url: cluster.url(), owner };
    let server = harbour(TestServer::over(database, Issuer::start().await, |_| ()).await).await;
    let token = session().bearer();
    let mine = async || Answer::to(server.request(Method::GET, ONE).header("authorization", &token)).await;
    assert_eq!(mine().await.text, BOAT);
    for _ in 0..2 {
        let pid = cluster.server_pid().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
        cluster.ended().await.unwrap();
        for _ in 0..20 {
            let verdict = mine().await.verdict();
            assert!(verdict.starts_with("503 "), "{verdict}");
        }
        cluster.revive().await.unwrap();
        recovers(&server).await;
        assert_eq!(mine().await.text, BOAT);
    }
    server.stop().await;
    cluster.stop().await.unwrap();
}
