//! Configuration: what is found where, and what is said when it is not.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;
use proptest::prelude::*;
use server::config::{Issuer, LogFormat, Settings};
use server::{Config, ConfigError};

use crate::support::{OTHER_SECRET, SECRET};

const GOOD: [(&str, &str); 3] = [
    ("DATABASE_URL", "postgres://app:hunter2@127.0.0.1/shop"),
    ("CLERK_WEBHOOK_SIGNING_SECRET", SECRET),
    ("CLERK_PUBLISHABLE_KEY", "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"),
];

fn settings(text: &str) -> Result<Settings, ConfigError> {
    Settings::parse(text, Path::new("rowlock.toml"))
}

/// The configuration of a file and the good environment with `changes`; an empty value is an empty variable.
fn configured(text: &str, changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut environment: BTreeMap<&str, &str> = GOOD.into();
    environment.extend(changes.iter().copied());
    settings(text)?.complete(|name| environment.get(name).map(|value| (*value).to_owned()))
}

/// An error with its causes, one on each line.
fn told(error: &ConfigError) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said += &format!("\ncause: {cause}");
        source = cause.source();
    }
    said
}

#[track_caller]
fn refused(text: &str) -> String {
    told(&configured(text, &[]).unwrap_err())
}

#[track_caller]
fn refused_environment(changes: &[(&str, &str)]) -> String {
    told(&configured("", changes).unwrap_err())
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = configured("", &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:54321");
    assert_eq!(config.drain, Duration::from_secs(10));
    assert_eq!((config.owner_connections, config.client_connections), (8, 16));
    assert_eq!(config.connection_wait, Duration::from_secs(5));
    assert_eq!(config.issuer, Issuer::Known("https://clerk.example.com".to_owned()));
    assert_eq!(config.jwks_url, None);
    assert_eq!(config.api_url.as_str(), "https://api.clerk.com/");
    assert!(config.verifier.authorized_parties.is_empty() && config.verifier.audiences.is_empty());
    assert_eq!(config.verifier.clock_skew, Duration::from_secs(5));
    assert!(!config.verifier.accept_pending);
    assert_eq!(config.max_body_bytes, 1024 * 1024);
    assert_eq!(config.tolerance, Duration::from_secs(300));
    assert_eq!(config.client_database_url.to_string(), "postgres://rowlock_client:***@127.0.0.1/shop");
    assert_eq!(settings("").unwrap().log_format(), LogFormat::Text);
}

#[test]
fn a_file_overrides_what_it_names_and_nothing_else() {
    let text = "
        [server]
        listen = '[::1]:8080'
        [clerk]
        issuer = 'https://clerk.shop.example/'
        authorized_parties = ['https://shop.example']
        accept_pending = true
        [log]
        format = 'json'";
    let config = configured(text, &[]).unwrap();
    assert_eq!(config.listen.to_string(), "[::1]:8080");
    assert_eq!(config.drain, Duration::from_secs(10));
    assert_eq!(config.issuer, Issuer::Known("https://clerk.shop.example".to_owned()));
    assert_eq!(config.verifier.authorized_parties, ["https://shop.example"]);
    assert!(config.verifier.accept_pending);
    assert_eq!(settings(text).unwrap().log_format(), LogFormat::Json);
}

#[test]
fn the_issuer_is_said_derived_or_asked_for() {
    let issuer = |text: &str, changes: &[(&str, &str)]| configured(text, changes).unwrap().issuer;
    let known = |issuer: &str| Issuer::Known(issuer.to_owned());
    let secret_key = ("CLERK_SECRET_KEY", "sk_live_hush");
    assert_eq!(issuer("", &[]), known("https://clerk.example.com"));
    assert_eq!(issuer("", &[secret_key]), known("https://clerk.example.com"), "what is known is not asked for");
    assert_eq!(issuer("", &[secret_key, ("CLERK_PUBLISHABLE_KEY", "")]), Issuer::AskBackendApi);
    let named = ("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", "pk_test_MTI3LjAuMC4xOjQzMTAk");
    assert_eq!(issuer("", &[named, ("CLERK_PUBLISHABLE_KEY", "")]), known("http://127.0.0.1:4310"));
    assert_eq!(issuer("", &[named]), known("https://clerk.example.com"), "the shorter name goes first");
    assert_eq!(issuer("clerk.issuer = 'https://a.example'", &[secret_key]), known("https://a.example"));
}

#[test]
fn several_signing_secrets_are_separated_by_commas_or_space() {
    for separator in [",", ", ", " ", "\n", ",\n", ",,"] {
        let both = format!("{SECRET}{separator}{OTHER_SECRET}{separator}");
        let config = configured("", &[("CLERK_WEBHOOK_SIGNING_SECRET", &both)]).unwrap();
        let exposed: Vec<&str> = config.signing_secrets.iter().map(|secret| secret.expose()).collect();
        assert_eq!(exposed, [SECRET, OTHER_SECRET], "{separator:?}");
    }
}

#[test]
fn what_is_missing_is_said_at_once_and_an_empty_variable_is_missing() {
    let nothing = settings("").unwrap().complete(|_| None).unwrap_err();
    let empty = GOOD.map(|(name, _)| (name, "  "));
    assert_eq!(refused_environment(&empty), told(&nothing));
    assert_snapshot!(told(&nothing), @"cannot start, for these are missing: the database's address (DATABASE_URL); the trusted issuer (CLERK_PUBLISHABLE_KEY, CLERK_SECRET_KEY or `clerk.issuer`); the webhook endpoint's signing secret (CLERK_WEBHOOK_SIGNING_SECRET)");
    assert_snapshot!(refused_environment(&[("CLERK_WEBHOOK_SIGNING_SECRET", " , ")]), @"cannot start, for these are missing: the webhook endpoint's signing secret (CLERK_WEBHOOK_SIGNING_SECRET)");
}

#[test]
fn what_does_not_exist_is_said_with_what_does() {
    assert_snapshot!(refused("[servers]\nlisten = '127.0.0.1:1'"), @"`rowlock.toml` has a setting `servers` that does not exist; there are: changes, clerk, data_api, database, deletion, erasure, limits, log, mirror, reconcile, revocations, server, webhooks");
    assert_snapshot!(refused("[server]\nport = 1"), @"`rowlock.toml` has a setting `server.port` that does not exist; there are: drain_seconds, listen, trusted_proxies");
    assert_snapshot!(refused("listen = '127.0.0.1:1'"), @"`rowlock.toml` has a setting `listen` that does not exist; there are: changes, clerk, data_api, database, deletion, erasure, limits, log, mirror, reconcile, revocations, server, webhooks");
    assert_snapshot!(refused("[clerk]\nsecret_key = 'sk_live_hush'"), @"`rowlock.toml` has a setting `clerk.secret_key` that does not exist; there are: accept_pending, api_url, audiences, authorized_parties, clock_skew_seconds, database_roles, further_issuers, issuer, jwks_url, requests_per_ten_seconds");
}

#[test]
fn what_has_another_type_is_said_with_file_and_setting() {
    assert_snapshot!(refused("[server]\ndrain_seconds = 'ten'"), @r#"
    `rowlock.toml` is not a configuration
    cause: invalid type: string "ten", expected u64
    in `server.drain_seconds`
    "#);
    assert_snapshot!(refused("[server]\nlisten = 54321"), @"
    `rowlock.toml` is not a configuration
    cause: invalid type: integer `54321`, expected socket address
    in `server.listen`
    ");
    assert_snapshot!(refused("[server]\nlisten = 'localhost:1'"), @"
    `rowlock.toml` is not a configuration
    cause: invalid socket address syntax
    in `server.listen`
    ");
    assert_snapshot!(refused("[clerk]\nauthorized_parties = 'https://app.example.com'"), @r#"
    `rowlock.toml` is not a configuration
    cause: invalid type: string "https://app.example.com", expected a sequence
    in `clerk.authorized_parties`
    "#);
    assert_snapshot!(refused("[log]\nformat = 'xml'"), @"
    `rowlock.toml` is not a configuration
    cause: unknown variant `xml`, expected `text` or `json`
    in `log.format`
    ");
    assert_snapshot!(refused("server = 1"), @"
    `rowlock.toml` is not a configuration
    cause: invalid type: integer `1`, expected struct Server
    in `server`
    ");
    assert_snapshot!(refused("[database]\nowner_connections = -1"), @"
    `rowlock.toml` is not a configuration
    cause: invalid value: integer `-1`, expected usize
    in `database.owner_connections`
    ");
    assert_snapshot!(refused("[server\n"), @"
    `rowlock.toml` is not a configuration
    cause: TOML parse error at line 1, column 8
      |
    1 | [server
      |        ^
    unclosed table, expected `]`
    ");
}

#[test]
fn what_cannot_be_is_said_with_what_can() {
    assert_snapshot!(refused("[database]\nowner_connections = 0"), @"database.owner_connections cannot be used: found 0; expected 1 to 1000");
    assert_snapshot!(refused("[database]\nclient_connections = 0"), @"database.client_connections cannot be used: found 0; expected 1 to 1000");
    assert_snapshot!(refused("[database]\nwait_milliseconds = 60000"), @"database.wait_milliseconds cannot be used: found 60000; expected 1 to 10000");
    assert_snapshot!(refused("[webhooks]\nmax_body_bytes = 0"), @"webhooks.max_body_bytes cannot be used: found 0; expected 1024 to 67108864");
    assert_snapshot!(refused("[reconcile]\nevery_hours = 721"), @"reconcile.every_hours cannot be used: found 721; expected 0 to 720");
    assert_snapshot!(refused("[revocations]\nkeep_days = 1"), @"revocations.keep_days cannot be used: found 1; expected 2 to 3650");
    assert_snapshot!(refused("[changes]\nkeep_days = 40000"), @"changes.keep_days cannot be used: found 40000; expected 0 to 36500");
    assert_snapshot!(refused("[webhooks]\ntolerance_seconds = 100000"), @"webhooks.tolerance_seconds cannot be used: found 100000; expected 1 to 86400");
    assert_snapshot!(refused("[clerk]\nclock_skew_seconds = 3600"), @"clerk.clock_skew_seconds cannot be used: found 3600; expected 0 to 300");
    assert_snapshot!(refused("[clerk]\nissuer = 'clerk.example.com'"), @"clerk.issuer cannot be used: `clerk.example.com` is no address (relative URL without a base); expected `https://…`");
    assert_snapshot!(refused("[clerk]\nissuer = 'ftp://clerk.example.com'"), @"clerk.issuer cannot be used: found scheme `ftp`; expected `https://…`, without user or password");
    assert_snapshot!(refused("[clerk]\njwks_url = 'file:///etc/passwd'"), @"clerk.jwks_url cannot be used: found scheme `file`; expected `https://…`, without user or password");
    assert_snapshot!(refused("[clerk]\njwks_url = 'https://ada:hush@clerk.example.com/jwks.json'"), @"clerk.jwks_url cannot be used: found a user or password in it; expected `https://…`, without user or password");
    assert_snapshot!(refused("[clerk]\napi_url = 'data:text/plain,hello'"), @"clerk.api_url cannot be used: found scheme `data`; expected `https://…`, without user or password");
    assert_snapshot!(refused("[clerk]\nauthorized_parties = ['https://app.example.com/']"), @"clerk.authorized_parties cannot be used: `https://app.example.com/` is no origin; expected scheme and host without a slash, such as `https://app.example.com`");
    assert_snapshot!(refused("[clerk]\nauthorized_parties = ['']"), @"clerk.authorized_parties cannot be used: `` is no origin; expected scheme and host without a slash, such as `https://app.example.com`");
    assert_snapshot!(refused("[clerk]\ndatabase_roles = ['service_role']"), @"clerk.database_roles cannot be used: role `service_role` cannot be given to tokens: it sees past row-level security");
}

#[test]
fn what_is_in_the_wrong_variable_is_said() {
    assert_snapshot!(refused_environment(&[("CLERK_SECRET_KEY", "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k")]), @"CLERK_SECRET_KEY cannot be used: not a Clerk secret key: found a publishable key (`pk_…`), expected `sk_test_…` or `sk_live_…`; copy it from the Clerk dashboard, API keys");
    assert_snapshot!(refused_environment(&[("CLERK_PUBLISHABLE_KEY", "sk_live_hush")]), @"CLERK_PUBLISHABLE_KEY cannot be used: expected `pk_test_…` or `pk_live_…`, found something else; copy it from the Clerk dashboard, API keys");
    assert_snapshot!(refused_environment(&[("CLERK_PUBLISHABLE_KEY", "whsec_hush")]), @"CLERK_PUBLISHABLE_KEY cannot be used: expected `pk_test_…` or `pk_live_…`, found something else; copy it from the Clerk dashboard, API keys");
    assert_snapshot!(refused_environment(&[("CLERK_WEBHOOK_SIGNING_SECRET", "sk_live_hush")]), @"CLERK_WEBHOOK_SIGNING_SECRET cannot be used: not a webhook signing secret: found a Backend API secret key (`sk_…`), expected `whsec_…`; copy it from the Clerk dashboard, Webhooks, your endpoint, Signing Secret");
    assert_snapshot!(refused_environment(&[("DATABASE_URL", "https://example.com")]), @"DATABASE_URL cannot be used: expected `postgres://user:password@host:port/database`, found something else (scheme `https`)");
    assert_snapshot!(refused_environment(&[("DATABASE_URL", "postgres://app:12/hush@db.example.com/shop")]), @"DATABASE_URL cannot be used: found an `@` behind the host; in user and password write `/` as `%2F`, `?` as `%3F`, `#` as `%23`, `@` as `%40`");
    assert_snapshot!(refused_environment(&[("ROWLOCK_CLIENT_DATABASE_URL", "hush")]), @"ROWLOCK_CLIENT_DATABASE_URL cannot be used: expected `postgres://user:password@host:port/database`, found something else (relative URL without a base)");
    assert_snapshot!(refused_environment(&[("CLERK_SECRET_KEY", "sk_test_hush")]), @"CLERK_SECRET_KEY cannot be used: found a key of a development instance beside the publishable key of a production one; copy both from the same instance in the Clerk dashboard, API keys");
}

#[test]
fn a_file_that_is_not_there_is_said() {
    let error = Settings::load(Some(Path::new("no/such/rowlock.toml"))).unwrap_err();
    assert_snapshot!(told(&error), @"
    cannot read `no/such/rowlock.toml`
    cause: No such file or directory (os error 2)
    ");
}

/// Text around a secret: what a shell, an editor or a hurry leaves there, or a generator of passwords puts there.
fn mess() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ \t\n'\"]{1,3}",
        "[?#/@:%&=,;|<>{}^~$!*()-]{1,3}",
        "[0-9]{1,5}",
        "[a-zA-Z0-9+/=_-]{1,12}",
        prop::sample::select(vec![
            "sk_test_",
            "sk_live_",
            "pk_live_",
            "whsec_",
            "ak_",
            "postgres://app:",
            "mysql://root:"
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_error_and_no_debug_output_repeats_a_secret(
        variable in prop::sample::select(vec![
            "DATABASE_URL", "ROWLOCK_CLIENT_DATABASE_URL", "CLERK_SECRET_KEY", "CLERK_WEBHOOK_SIGNING_SECRET",
            "CLERK_PUBLISHABLE_KEY",
        ]),
        before in prop::collection::vec(mess(), 0..3),
        after in prop::collection::vec(mess(), 0..3),
        in_place in any::<bool>(),
    ) {
        const MARK: &str = "MARKmarkMARK";
        let secret = format!("{}{MARK}{}", before.concat(), after.concat());
        let value = match variable {
            "DATABASE_URL" | "ROWLOCK_CLIENT_DATABASE_URL" if in_place => format!("postgres://app:{secret}@127.0.0.1/shop"),
            "CLERK_WEBHOOK_SIGNING_SECRET" if in_place => format!("whsec_{secret}"),
            "CLERK_SECRET_KEY" if in_place => format!("sk_live_{secret}"),
            _ => secret,
        };
        // What is no secret may be shown: a publishable key, and the host or database of an address.
        let public = if variable == "CLERK_PUBLISHABLE_KEY" { "pk_" } else { "postgres://" };
        prop_assume!(in_place || !value.trim().starts_with(public));
        let said = match configured("", &[(variable, &value)]) {
            Ok(config) => format!("{config:?} {} {}", config.database_url, config.client_database_url),
            Err(error) => format!("{} {error:?}", told(&error)),
        };
        prop_assert!(!said.contains(MARK), "{variable}={value:?}: {said}");
    }
}
