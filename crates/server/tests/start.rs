//! What a server finds out before it serves.

use std::sync::Arc;

use clerk::{ManualClock, SecretKey, Timestamp};
use insta::assert_snapshot;
use postgres::testing::TestDatabase;
use server::config::Issuer as ConfiguredIssuer;
use server::{Config, Services};

use crate::support::{Issuer, NOW, config};

/// Why a server does not start: the error and its causes, with every port and database under one name.
async fn refusal(config: &Config) -> String {
    let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(NOW)));
    let Err(error) = Services::start(config, clock, None).await else { panic!("it started") };
    let mut said = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        said += &format!("\ncause: {cause}");
        source = cause.source();
    }
    let url = config.database_url.to_string();
    let (server, name) = url.rsplit_once('/').unwrap();
    let port = server.rsplit(':').next().unwrap();
    said.replace(name, "shop").replace(port, "5432")
}

#[tokio::test]
async fn a_database_that_was_not_migrated() {
    let url = TestDatabase::create_empty().await;
    let said = refusal(&config(&url, &Issuer::start().await)).await;
    let all = format!("lacks {} of", postgres::migrations::MIGRATIONS.len());
    assert_snapshot!(said.replace(&all, "lacks all of"), @"the database at postgres://postgres:***@127.0.0.1:5432/shop lacks all of Rowlock's migrations; run `rowlock migrate`");
}

#[tokio::test]
async fn a_database_that_is_not_there() {
    let database = TestDatabase::create().await;
    let mut config = config(&database.url, &Issuer::start().await);
    config.database_url = database.url.with_database("no_such_database");
    let said = refusal(&config).await.replace("no_such_database", "shop");
    assert_snapshot!(said, @r#"
    the database at postgres://postgres:***@127.0.0.1:5432/shop cannot be used
    cause: cannot connect to Postgres
    cause: db error
    cause: FATAL: database "shop" does not exist
    "#);
}

#[tokio::test]
async fn a_login_for_clients_that_could_see_everything() {
    let database = TestDatabase::create().await;
    let mut config = config(&database.url, &Issuer::start().await);
    config.client_database_url = database.url.clone();
    assert_snapshot!(refusal(&config).await, @"
    the login for clients' statements at postgres://postgres:***@127.0.0.1:5432/shop cannot be used; `rowlock migrate` sets it up
    cause: the client login `postgres` is too powerful: it is a superuser; a login for clients owns nothing and inherits nothing
    ");
}

#[tokio::test]
async fn a_login_for_clients_with_another_password() {
    let database = TestDatabase::create().await;
    let mut config = config(&database.url, &Issuer::start().await);
    config.client_database_url = database.url.with_login("rowlock_client", Some("hush"));
    let said = refusal(&config).await;
    assert!(!said.contains("hush"), "{said}");
    assert_snapshot!(said, @r#"
    the login for clients' statements at postgres://rowlock_client:***@127.0.0.1:5432/shop cannot be used; `rowlock migrate` sets it up
    cause: the client login could not be checked
    cause: cannot connect to Postgres
    cause: db error
    cause: FATAL: password authentication failed for user "rowlock_client"
    "#);
}

#[tokio::test]
async fn an_issuer_that_is_no_address() {
    let database = TestDatabase::create().await;
    let mut config = config(&database.url, &Issuer::start().await);
    config.jwks_url = None;
    config.issuer = ConfiguredIssuer::Known("clerk.example.com".to_owned());
    assert_snapshot!(refusal(&config).await, @"Clerk cannot be used: issuer `clerk.example.com` is not a URL: relative URL without a base");
}

#[tokio::test]
async fn an_issuer_that_nobody_can_be_asked_for() {
    let database = TestDatabase::create().await;
    let mut config = config(&database.url, &Issuer::start().await);
    config.issuer = ConfiguredIssuer::AskBackendApi;
    config.secret_key = Some(SecretKey::parse("sk_test_hush").unwrap());
    // Nothing listens on port 1.
    config.api_url = "http://127.0.0.1:1".parse().unwrap();
    let said = refusal(&config).await;
    assert!(!said.contains("hush"), "{said}");
    assert_snapshot!(said, @"Clerk cannot be used: Clerk's Backend API at `http://127.0.0.1:1/` gave no answer: error sending request for url (http://127.0.0.1:1/v1/domains): client error (Connect): tcp connect error: Connection refused (os error 111)");
}

/// The secret key opens everything; it goes to the Backend API and nowhere else.
#[tokio::test]
async fn the_secret_key_is_shown_to_the_backend_api_alone() {
    use axum::http::HeaderMap;
    use parking_lot::Mutex;

    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let noting = Arc::clone(&seen);
    let answer = move |headers: HeaderMap| {
        noting.lock().push(headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()));
        async { "no keys here" }
    };
    let router = axum::Router::new().fallback(answer);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let database = TestDatabase::create().await;
    let mut config = config(&database.url, &Issuer::start().await);
    config.secret_key = Some(SecretKey::parse("sk_test_hush").unwrap());
    config.jwks_url = Some(format!("{origin}/v1/jwks").parse().unwrap());
    let clock = || Arc::new(ManualClock::new(Timestamp::from_seconds(NOW)));
    for (api_url, shown) in [
        (origin.clone(), Some("Bearer sk_test_hush".to_owned())),
        ("http://127.0.0.1:1".to_owned(), None),
        (origin.replace("http://", "https://"), None),
    ] {
        seen.lock().clear();
        config.api_url = api_url.parse().unwrap();
        Services::start(&config, clock(), None).await.map(drop).unwrap();
        assert_eq!(*seen.lock(), [shown], "{api_url}");
    }
}
