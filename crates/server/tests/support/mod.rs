//! A server on a free port over a database of its own, and callers who speak to it: Clerk, people, strangers.

mod answer;
mod delivery;
mod issuer;
mod token;
mod wire;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clerk::{Clock, ManualClock, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;
use postgres::testing::TestDatabase;
use postgres::{Connection, DatabaseUrl};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use server::config::Settings;
use server::{Config, Services, telemetry};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use answer::Answer;
pub(crate) use delivery::{Delivery, OTHER_SECRET, SECRET, event, user};
pub(crate) use issuer::Issuer;
pub(crate) use token::session;
pub(crate) use wire::Wire;

/// The `iss` of every good token. The keys are elsewhere, so that answers do not name a port.
pub(crate) const ISSUER: &str = "https://clerk.example.com";
/// 2026-11-22 00:00:00 UTC, in seconds: when the tests take place.
pub(crate) const NOW: i64 = 1_795_305_600;
/// What takes longer than this hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. It stops when it is dropped, or in order with [`TestServer::stop`].
pub(crate) struct TestServer {
    pub(crate) database: TestDatabase,
    pub(crate) issuer: Issuer,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) address: SocketAddr,
    http: reqwest::Client,
    stop: CancellationToken,
    serving: Option<JoinHandle<std::io::Result<()>>>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// A server whose configuration was changed by `change`.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(TestDatabase::create().await, Issuer::start().await, change).await
    }

    pub(crate) async fn over(database: TestDatabase, issuer: Issuer, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(&database.url, &issuer);
        change(&mut config);
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(NOW)));
        let services = Services::start(&config, Arc::clone(&clock) as Arc<dyn Clock>, Some(recorder())).await.unwrap();
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = Some(tokio::spawn(server::run(listener, services, config.drain, stop.clone())));
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { database, issuer, clock, address, http, stop, serving }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// `GET /whoami` with this `Authorization` header.
    pub(crate) async fn whoami(&self, authorization: impl AsRef<str>) -> Answer {
        Answer::to(self.request(Method::GET, "/whoami").header("authorization", authorization.as_ref())).await
    }

    /// Sends a delivery as Svix would.
    pub(crate) async fn deliver(&self, delivery: &Delivery) -> Answer {
        Answer::to(delivery.on(self.request(Method::POST, "/webhooks/clerk"))).await
    }

    /// A connection that speaks as the test wants, byte by byte.
    pub(crate) async fn wire(&self) -> Wire {
        Wire::to(self.address).await
    }

    /// The rows of a query, each as an object.
    pub(crate) async fn rows(&self, statement: &str) -> Value {
        let statement = format!("select to_jsonb(found.*) from ({statement}) as found");
        let rows = self.owner().await.query(&statement, &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, Value>(0)).collect()
    }

    /// What the inbox holds: id and state.
    pub(crate) async fn inbox(&self) -> String {
        let rows = self.rows("select delivery_id, state from rowlock.inbox order by delivery_id").await;
        let line = |row: &Value| format!("{} {}", row["delivery_id"].as_str().unwrap(), row["state"].as_str().unwrap());
        rows.as_array().unwrap().iter().map(line).collect::<Vec<_>>().join(", ")
    }

    pub(crate) async fn execute(&self, statement: &str) {
        self.owner().await.batch_execute(statement).await.unwrap();
    }

    /// Holds `table` from now on, so that whoever wants to write to it waits, until it is released.
    pub(crate) async fn hold(&self, table: &str) -> Held {
        let connection = self.owner().await;
        connection.batch_execute(&format!("begin; lock table {table} in access exclusive mode")).await.unwrap();
        Held(connection)
    }

    /// Holds the inbox's rows, so that the worker passes them by, until it is released; times and states can still be changed.
    pub(crate) async fn hold_deliveries(&self) -> Held {
        let connection = self.owner().await;
        connection.batch_execute("begin; select from rowlock.inbox for key share").await.unwrap();
        Held(connection)
    }

    /// Waits until somebody waits for a lock.
    pub(crate) async fn somebody_waits(&self) {
        let waiting = "select pid from pg_locks where not granted and database = (
            select oid from pg_database where datname = current_database())";
        eventually("somebody waits for a lock", async || self.rows(waiting).await != Value::Array(Vec::new())).await;
    }

    async fn owner(&self) -> Connection {
        self.database.owner.get().await.unwrap()
    }

    /// Tells the server to stop.
    pub(crate) fn told_to_stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the server has ended by itself or because it was told to.
    pub(crate) async fn ended(&mut self) {
        let serving = self.serving.take().unwrap();
        tokio::time::timeout(PATIENCE, serving).await.expect("it ends").unwrap().unwrap();
    }

    pub(crate) async fn stop(mut self) {
        self.told_to_stop();
        self.ended().await;
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A table that nobody else can use.
pub(crate) struct Held(Connection);

impl Held {
    pub(crate) async fn release(self) {
        self.0.batch_execute("rollback").await.unwrap();
    }
}

/// The defaults, over `database`, with keys from `issuer`.
pub(crate) fn config(database: &DatabaseUrl, issuer: &Issuer) -> Config {
    let settings = Settings::parse("", Path::new("rowlock.toml")).unwrap();
    let environment = |name: &str| match name {
        "DATABASE_URL" => Some(database.expose().to_owned()),
        "CLERK_WEBHOOK_SIGNING_SECRET" => Some(SECRET.to_owned()),
        "CLERK_PUBLISHABLE_KEY" => Some("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k".to_owned()),
        _ => None,
    };
    let mut config = settings.complete(environment).unwrap();
    config.listen = "127.0.0.1:0".parse().unwrap();
    config.jwks_url = Some(issuer.url.clone());
    config
}

/// The recorder of this process: all tests count together.
fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| telemetry::start_metrics().unwrap()).clone()
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let looking = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"));
}
