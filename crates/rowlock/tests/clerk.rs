//! `rowlock clerk`: the emulator alone, and everything that can be done to it while it runs.

use std::path::Path;

use insta::assert_snapshot;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Server, rowlock, told};

fn clerk(directory: &Path, more: &[&str]) -> (Server, Value) {
    let state = directory.join("clerk.json");
    let mut words = vec!["clerk", "--json", "--port", "0", "--state", state.to_str().unwrap()];
    words.extend(more);
    let server = Server::start(rowlock(&words));
    let ready = serde_json::from_str(&server.ready).unwrap();
    (server, ready)
}

fn run(directory: &Path, words: &[&str]) -> Result<Value, String> {
    let mut command = rowlock(words);
    command.args(["--json", "--data-dir", directory.to_str().unwrap()]);
    let output = command.output().unwrap();
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        false => Err(told(&output)),
    }
}

/// Asks the emulator without its key: status and body.
fn get(ready: &Value, path: &str) -> (u16, Value) {
    let url = format!("{}{path}", ready["api_url"].as_str().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let request = reqwest::Client::builder().no_proxy().build().unwrap().get(url);
        let answer = request.bearer_auth(ready["secret_key"].as_str().unwrap()).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    })
}

#[test]
fn events_happen_and_their_webhooks_meet_with_everything() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, ready) = clerk(directory.path(), &["--webhook", "http://127.0.0.1:9/nobody"]);
    let words = ["trigger", "user.updated", "--user", "ada+clerk_test@example.com", "--count", "5"];
    let chaos = ["--duplicate", "2", "--shuffle", "--drop", "1", "--delay", "10ms"];
    let told = run(directory.path(), &[&words[..], &chaos].concat()).unwrap();
    let messages = told["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 5);
    assert!(messages.iter().all(|message| message["type"] == "user.updated"), "{told}");
    assert!(messages.iter().all(|message| message["deliveries"][0]["status"] == "discarded"), "{told}");

    let told = run(directory.path(), &["trigger", "subscriptionItem.pastDue"]).unwrap();
    let kinds: Vec<&str> =
        told["messages"].as_array().unwrap().iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"user.created"), "what has to be there happens first: {kinds:?}");
    assert!(kinds.contains(&"subscriptionItem.pastDue"), "{kinds:?}");
    let (_, users) = get(&ready, "/v1/users");
    assert_eq!(users.as_array().unwrap().len(), 4, "Ada, Bob, Carol and whoever does not pay");
    let refused = run(directory.path(), &["trigger", "galaxy.created"]).unwrap_err();
    assert!(refused.contains("galaxy.created is not a value that type can have"), "{refused}");
}

#[test]
fn time_keys_outages_and_state_are_in_ones_hand() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, ready) = clerk(directory.path(), &[]);
    let run = |words: &[&str]| run(directory.path(), words);
    assert_eq!(run(&["trigger", "--advance", "61s"]).unwrap()["clock"]["ahead_by_seconds"], 61.0);
    assert_eq!(run(&["clerk", "advance", "1500ms"]).unwrap()["ahead_by_seconds"], 62.5);

    let keys = |jwks: &Value| jwks["keys"].as_array().unwrap().len();
    assert_eq!(keys(&run(&["clerk", "rotate-keys"]).unwrap()), 2);
    assert_eq!(keys(&run(&["clerk", "rotate-keys", "--retire"]).unwrap()), 1);

    let answers = || ["/v1/users", "/v1/jwks", "/v1/environment"].map(|path| get(&ready, path).0);
    assert_eq!(answers(), [200, 200, 200]);
    for (what, expected) in
        [("api", [503, 200, 503]), ("jwks", [200, 503, 200]), ("all", [503, 503, 503]), ("end", [200, 200, 200])]
    {
        run(&["clerk", "outage", what]).unwrap();
        assert_eq!(answers(), expected, "{what}");
    }

    run(&["clerk", "snapshot", "before"]).unwrap();
    run(&["trigger", "user.created"]).unwrap();
    let users = || get(&ready, "/v1/users").1.as_array().unwrap().len();
    assert_eq!(users(), 4);
    run(&["clerk", "restore", "before"]).unwrap();
    assert_eq!(users(), 3);
    assert!(run(&["clerk", "restore", "never"]).unwrap_err().contains("No snapshot was found with id never."));
}

#[test]
fn one_state_belongs_to_one_emulator_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let (server, _) = clerk(directory.path(), &[]);
    let state = directory.path().join("clerk.json");
    let told = told(&rowlock(&["clerk", "--port", "0", "--state", state.to_str().unwrap()]).output().unwrap());
    assert_snapshot!(told.replace(directory.path().to_str().unwrap(), "[directory]"), @"
    exit: 1
    --- stdout
    --- stderr
    error: state file [directory]/clerk.json is in use by another emulator; stop that one, or give this one a file of its own
    ");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.ended().code(), Some(0));
    let refused = run(directory.path(), &["clerk", "advance", "1s"]).unwrap_err();
    assert!(refused.contains("no emulator runs here"), "a stopped one's address is gone: {refused}");
}

#[test]
fn two_instances_side_by_side_refuse_each_others_tokens_and_say_why() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_first, ready) = clerk(one.path(), &[]);
    let (_second, stranger) = clerk(other.path(), &[]);
    assert_ne!(ready["instance_id"], stranger["instance_id"]);
    let token = |ready: &Value| {
        let (_, users) = get(ready, "/v1/users?limit=1");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = request.post(format!("{}/__rowlock/tokens", ready["api_url"].as_str().unwrap()));
        let request = request.bearer_auth(ready["secret_key"].as_str().unwrap());
        let request = request.json(&serde_json::json!({ "user_id": users[0]["id"] }));
        let answer: Value = runtime.block_on(async { request.send().await.unwrap().json().await.unwrap() });
        answer["jwt"].as_str().unwrap().to_owned()
    };
    let verify = |token: &str, by: &Value| {
        let issuer = by["issuer"].as_str().unwrap();
        told(&rowlock(&["token", "verify", "--issuer", issuer, "--", token]).output().unwrap())
    };
    let token = token(&ready);
    assert!(verify(&token, &ready).starts_with("exit: 0"), "{}", verify(&token, &ready));
    let refused = verify(&token, &stranger);
    let found = format!("token is of instance \"{}\"", ready["instance_id"].as_str().unwrap());
    assert!(refused.starts_with("exit: 1") && refused.contains(&found), "{refused}");
    let foreign_key =
        get(&serde_json::json!({ "api_url": stranger["api_url"], "secret_key": ready["secret_key"] }), "/v1/users");
    assert_eq!((foreign_key.0, &foreign_key.1["errors"][0]["code"]), (401, &"clerk_key_invalid".into()));
}

#[test]
fn ids_and_secrets_repeat_when_they_are_to() {
    let start = |number: &str| {
        let directory = tempfile::tempdir().unwrap();
        let (_server, ready) = clerk(directory.path(), &["--repeatable", number]);
        let ids: Vec<Value> =
            get(&ready, "/v1/users").1.as_array().unwrap().iter().map(|user| user["id"].clone()).collect();
        (ready["secret_key"].clone(), ids, ready["instance_id"].clone())
    };
    let (one, again, other) = (start("7"), start("7"), start("8"));
    assert_eq!((&one.0, &one.1), (&again.0, &again.1));
    assert_ne!(one.1, other.1);
    assert_ne!(one.2, again.2, "another key has another name");
}

#[test]
fn a_seed_is_planted_into_dev_too() {
    let output = rowlock(&["dev", "--seed", "nowhere.toml"]).output().unwrap();
    assert_snapshot!(told(&output), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot read the seed nowhere.toml
      cause: No such file or directory (os error 2)
    ");
}
