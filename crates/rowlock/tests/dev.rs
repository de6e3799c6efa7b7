//! `rowlock dev`: one at a time in a directory, data that stays, and no orphans.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Server, rowlock, told};

const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--emulator-listen", "127.0.0.1:0"];

fn dev(directory: &Path) -> (Server, Value) {
    let mut arguments = vec!["dev", "--json", "--data-dir", directory.to_str().unwrap()];
    arguments.extend(PORTS);
    let server = Server::start(rowlock(&arguments));
    let ready = serde_json::from_str(&server.ready).unwrap();
    (server, ready)
}

/// A directory that whoever runs Postgres can reach.
fn directory() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().unwrap()
}

fn trigger(directory: &Path, arguments: &[&str]) -> String {
    let mut words = vec!["trigger", "--json", "--data-dir", directory.to_str().unwrap()];
    words.extend(arguments);
    let output = rowlock(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn applied(ready: &Value) -> usize {
    let output = rowlock(&["events", "list", "--json", "--state", "applied"])
        .env("DATABASE_URL", ready["database_url"].as_str().unwrap())
        .output()
        .unwrap();
    let deliveries: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(&output)));
    deliveries.as_array().unwrap().len()
}

fn becomes(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("within 10 s it does not hold that {what}");
}

#[test]
fn what_was_triggered_is_there_after_a_restart_with_the_same_keys() {
    let directory = directory();
    let data = directory.path().join("data");
    let (server, first) = dev(&data);
    let told: Value = serde_json::from_str(&trigger(&data, &["user.created", "--duplicate", "2"])).unwrap();
    assert_eq!(told["messages"][0]["type"], "user.created");
    becomes("the user is applied", || applied(&first) == 1);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.ended().code(), Some(0));
    assert!(!data.join("dev.json").exists(), "a stopped server's addresses are gone");

    let (server, second) = dev(&data);
    assert_eq!(first["clerk"]["secret_key"], second["clerk"]["secret_key"]);
    assert_eq!(first["clerk"]["instance_id"], second["clerk"]["instance_id"]);
    assert_eq!(applied(&second), 1);
    trigger(&data, &["organization.created"]);
    becomes("the organization is applied", || applied(&second) == 2);
    drop(server);
}

#[test]
fn a_second_one_in_the_same_directory_is_refused() {
    let directory = directory();
    let data = directory.path().join("data");
    let (server, _) = dev(&data);
    let mut arguments = vec!["dev", "--data-dir", data.to_str().unwrap()];
    arguments.extend(PORTS);
    let told = told(&rowlock(&arguments).output().unwrap());
    assert!(told.starts_with("exit: 1") && told.contains("is in use by another Rowlock (process "), "{told}");
    drop(server);
}

#[test]
fn a_hard_kill_leaves_no_orphan_and_the_next_start_recovers() {
    let directory = directory();
    let data = directory.path().join("data");
    let (server, ready) = dev(&data);
    trigger(&data, &["user.created"]);
    becomes("the user is applied", || applied(&ready) == 1);
    let pid_file = data.join("postgres/data/postmaster.pid");
    let pid: i32 = std::fs::read_to_string(&pid_file).unwrap().lines().next().unwrap().parse().unwrap();
    server.kill_hard();
    becomes("Postgres is gone with its owner", || kill(Pid::from_raw(pid), None).is_err());
    let (server, ready) = dev(&data);
    assert_eq!(applied(&ready), 1);
    drop(server);
}

#[test]
fn postgres_is_started_again_when_somebody_kills_it() {
    let directory = directory();
    let data = directory.path().join("data");
    let (server, ready) = dev(&data);
    let pid_file = data.join("postgres/data/postmaster.pid");
    let pid: i32 = std::fs::read_to_string(&pid_file).unwrap().lines().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    becomes("another server is there", || {
        std::fs::read_to_string(&pid_file)
            .is_ok_and(|text| text.lines().next() != Some(&pid.to_string()) && text.contains("ready"))
    });
    trigger(&data, &["user.created"]);
    becomes("deliveries are applied again", || applied(&ready) == 1);
    drop(server);
}

#[test]
fn trigger_without_a_running_emulator_says_what_to_do() {
    let output = rowlock(&["trigger", "user.created", "--data-dir", "nowhere"]).output().unwrap();
    insta::assert_snapshot!(told(&output), @"
    exit: 1
    --- stdout
    --- stderr
    error: no emulator runs here: there is no `nowhere/dev.json`
      hint:  start `rowlock dev` or `rowlock clerk` in this directory, or name one with --emulator and --secret-key
    ");
}
