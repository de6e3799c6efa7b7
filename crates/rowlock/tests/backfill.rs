//! `rowlock backfill` and `rowlock reconcile` as their user runs them, and as they are killed.

use std::process::Command;
use std::time::Duration;

use emulator::{Emulator, EmulatorOptions};
use postgres::testing::TestDatabase;
use serde_json::{Value, json};

use crate::support::{rowlock, told};

struct Clerk {
    emulator: Emulator,
    database: TestDatabase,
    directory: tempfile::TempDir,
}

impl Clerk {
    async fn start() -> Self {
        let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let config = format!("[clerk]\napi_url = {:?}\n", emulator.base_url());
        std::fs::write(directory.path().join("rowlock.toml"), config).unwrap();
        Self { emulator, database: TestDatabase::create().await, directory }
    }

    fn users(&self, count: usize) {
        for number in 0..count {
            let address = format!("person-{number}@example.com");
            self.emulator.users().create(&json!({ "email_address": [address] })).unwrap();
        }
    }

    fn backfill(&self, arguments: &[&str]) -> Command {
        self.command(&[&["backfill"], arguments].concat())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = rowlock(arguments);
        command
            .env("DATABASE_URL", self.database.url.expose())
            .env("CLERK_SECRET_KEY", self.emulator.secret_key())
            .current_dir(self.directory.path());
        command
    }

    async fn number(&self, statement: &str) -> i64 {
        self.database.owner.get().await.unwrap().query_one(statement, &[]).await.unwrap().get(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_it_did_and_what_it_left_out() {
    let clerk = Clerk::start().await;
    clerk.users(3);
    let told = told(&clerk.backfill(&["--only", "users,sessions"]).output().unwrap());
    insta::with_settings!({ filters => vec![(r"\d+\.\d s", "0.0 s"), (r" +\n", "\n")] }, {
        insta::assert_snapshot!(told, @"
        exit: 0
        --- stdout
         table     in Clerk  written  here already  refused   took
         users            3        3             0        0  0.0 s
         sessions         0        0             0        0  0.0 s
        --- stderr
        ");
    });
    let json = clerk.backfill(&["--only", "users", "--json"]).output().unwrap();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["kinds"][0]["table"], &json["kinds"][0]["seen"]), (&json!("users"), &json!(3)));
    let wrong = clerk.backfill(&["--only", "people"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_killed_again_and_again_and_comes_to_the_end() {
    let clerk = Clerk::start().await;
    clerk.users(7300);
    let seen = "select coalesce(sum(seen), 0)::bigint from rowlock.run_objects";
    let mut before = 0;
    for _ in 0..4 {
        // 10 requests in a second, of 500 users each: it is never done when it has only begun.
        let mut child = clerk.backfill(&["--only", "users", "--rate", "100"]).spawn().unwrap();
        while clerk.number(seen).await == before {
            assert_eq!(child.try_wait().unwrap(), None, "it goes on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        before = clerk.number(seen).await;
    }
    let output = clerk.backfill(&["--only", "users", "--json"]).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{}", told(&output));
    assert!(before > 0 && before < 7300, "it was killed in the middle: {before}");
    assert_eq!(json["kinds"][0]["seen"], 7300, "everybody is seen once");
    assert!(json["resumed"].is_number(), "{json}");
    assert_eq!(clerk.number("select count(*) from clerk.users where deleted_at is null").await, 7300);
    assert_eq!(clerk.number("select count(*) from rowlock.runs where finished_at is null").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_reported_with_an_exit_code_and_repaired_when_asked() {
    let clerk = Clerk::start().await;
    clerk.users(3);
    let reconcile = |more: &[&str]| {
        let arguments = [&["reconcile", "--only", "users", "--grace", "0s"], more].concat();
        told(&clerk.command(&arguments).output().unwrap())
    };
    insta::with_settings!({ filters => vec![(r"user_\w+", "user_…")] }, {
        insta::assert_snapshot!(reconcile(&[]), @"
        exit: 3
        --- stdout
         table  in Clerk  drift  repaired  in flight  refused
         users         3      3         0          0        0
        users: 3 missing (Clerk has it, the mirror does not): user_…, user_…, user_…
        3 objects differ; `--repair` writes what Clerk has
        --- stderr
        ");
        insta::assert_snapshot!(reconcile(&["--repair"]), @"
        exit: 0
        --- stdout
         table  in Clerk  drift  repaired  in flight  refused
         users         3      3         3          0        0
        users: 3 missing (Clerk has it, the mirror does not): user_…, user_…, user_…
        what was compared is as Clerk has it
        --- stderr
        ");
        insta::assert_snapshot!(reconcile(&[]), @"
        exit: 0
        --- stdout
         table  in Clerk  drift  repaired  in flight  refused
         users         3      0         0          0        0
        what was compared is as Clerk has it
        --- stderr
        ");
    });
}
