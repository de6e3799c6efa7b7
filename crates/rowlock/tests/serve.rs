//! `rowlock serve` and `rowlock migrate`: what they need, and what they say when it is missing.

use nix::sys::signal::Signal;
use postgres::migrations::MIGRATIONS;
use postgres::testing::TestDatabase;

use crate::support::{Environment, Server, free_port, rowlock, told};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn it_says_everything_that_is_missing_at_once() {
    insta::assert_snapshot!(told(&rowlock(&["serve"]).output().unwrap()), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot start, for these are missing: the database's address (DATABASE_URL); the trusted issuer (CLERK_PUBLISHABLE_KEY, CLERK_SECRET_KEY or `clerk.issuer`); the webhook endpoint's signing secret (CLERK_WEBHOOK_SIGNING_SECRET)
      hint:  `rowlock config` prints every setting; `rowlock dev` needs none of them
    ");
}

#[test]
fn as_json_an_error_is_data() {
    let output = rowlock(&["serve", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains("DATABASE_URL"), "{error}");
}

#[test]
fn a_secret_is_never_repeated() {
    let output = rowlock(&["serve"])
        .env("DATABASE_URL", "mysql://root:hunter2@127.0.0.1/shop")
        .env("CLERK_SECRET_KEY", "hunter2")
        .env("CLERK_WEBHOOK_SIGNING_SECRET", "hunter2")
        .output()
        .unwrap();
    let told = told(&output);
    assert!(told.starts_with("exit: 1") && !told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_database_without_the_schema_is_refused_until_it_is_migrated() {
    let url = TestDatabase::create_empty().await;
    let serve = || {
        rowlock(&["serve", "--listen", "127.0.0.1:0"])
            .env("DATABASE_URL", url.expose())
            .env("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
            .env("CLERK_PUBLISHABLE_KEY", "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k")
            .output()
            .unwrap()
    };
    let told = told(&serve());
    let lacking = format!("lacks {} of Rowlock's migrations; run `rowlock migrate`", MIGRATIONS.len());
    assert!(told.contains(&lacking), "{told}");
    let migrate = |arguments: &[&str]| {
        let output = rowlock(arguments).env("DATABASE_URL", url.expose()).output().unwrap();
        assert!(output.status.success(), "{}", crate::support::told(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let planned: String = MIGRATIONS
        .iter()
        .map(|migration| format!("would apply {:04} {}\n", migration.version, migration.name))
        .collect();
    assert_eq!(migrate(&["migrate", "--dry-run"]), planned);
    let last = MIGRATIONS.last().unwrap().version;
    assert!(migrate(&["migrate"]).contains(&format!("is at migration {last}; clients log in as rowlock_client")));
    let again = migrate(&["migrate", "--json"]).replace(&format!("\"version\":{last}"), "\"version\":…");
    insta::assert_snapshot!(again, @r#"{"applied":[],"client_login":"rowlock_client","supabase":false,"version":…}"#);
}

/// Nobody is at the issuer's address: a server starts all the same, and takes webhooks.
fn environment(database: &TestDatabase) -> Environment {
    Environment {
        database_url: database.url.expose().to_owned(),
        signing_secret: SECRET.to_owned(),
        issuer: format!("http://127.0.0.1:{}", free_port()),
        secret_key: None,
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_idle_server_takes_little_memory() {
    let server = Server::serve(&environment(&TestDatabase::create().await), free_port());
    std::thread::sleep(std::time::Duration::from_secs(1));
    // 5 MB; with huge pages it was 15.
    assert!(server.own_memory() < 9, "{} MB", server.own_memory());
}

#[tokio::test]
async fn a_signal_ends_it_in_order() {
    let environment = environment(&TestDatabase::create().await);
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = Server::serve(&environment, free_port());
        server.signal(signal);
        assert_eq!(server.ended().code(), Some(0), "{signal}");
    }
}
