//! Clerk's emulator behind a door where a test can interfere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use clerk::SecretKey;
use clerk_api::{BackendApi, RequestRate};
use emulator::{Emulator, EmulatorOptions};
use mirror::{BackfillOptions, Backfilled, Mirror, RunError};
use postgres::testing::TestDatabase;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Test;

/// What the door does to a request before the emulator sees it: none lets it pass.
type Interference = dyn Fn(&str, &Emulator) -> Option<Response> + Send + Sync;

/// An instance with an address of its own.
pub(crate) struct Clerk {
    pub(crate) emulator: Arc<Emulator>,
    base: String,
    asked: Arc<AtomicU64>,
}

struct Door {
    emulator: Arc<Emulator>,
    interference: Box<Interference>,
    client: reqwest::Client,
    asked: Arc<AtomicU64>,
}

impl Clerk {
    /// An instance that answers everything.
    pub(crate) async fn start() -> Self {
        Self::behind(|_, _| None).await
    }

    /// An instance whose answers `interference` may replace; it is shown the path and query of each request.
    pub(crate) async fn behind(
        interference: impl Fn(&str, &Emulator) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let emulator = Arc::new(Emulator::start(EmulatorOptions::default()).await.unwrap());
        let asked = Arc::new(AtomicU64::new(0));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let door = Door {
            emulator: Arc::clone(&emulator),
            interference: Box::new(interference),
            client,
            asked: Arc::clone(&asked),
        };
        let router = Router::new().fallback(pass).with_state(Arc::new(door));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { emulator, base, asked }
    }

    /// A client without a limit of its own.
    pub(crate) fn api(&self) -> BackendApi {
        let secret = SecretKey::parse(self.emulator.secret_key()).unwrap();
        BackendApi::new(self.base.parse().unwrap(), secret).unwrap().at_rate(RequestRate::unlimited())
    }

    /// Requests that came to the door.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// So many users more; their ids.
    pub(crate) fn users(&self, count: usize) -> Vec<String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let create = |_| {
            let number = NUMBER.fetch_add(1, Ordering::SeqCst);
            let address = format!("person-{number}@example.com");
            self.emulator.users().create(&json!({ "email_address": [address], "first_name": "Ada" })).unwrap()
        };
        (0..count).map(create).map(|user| id(&user)).collect()
    }

    /// Organizations with so many members each, taken from `users`; their ids.
    pub(crate) fn organizations(&self, count: usize, members: usize, users: &[String]) -> Vec<String> {
        let create = |number: usize| {
            let organization =
                id(&self.emulator.organizations().create(&json!({ "name": format!("Acme {number}") })).unwrap());
            for user in users.iter().cycle().skip(number).take(members) {
                self.emulator.memberships().create(&organization, user, "org:member").unwrap();
            }
            organization
        };
        (0..count).map(create).collect()
    }
}

pub(crate) fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

async fn pass(State(door): State<Arc<Door>>, request: Request) -> Response {
    door.asked.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().path_and_query().unwrap().as_str();
    if let Some(answer) = (door.interference)(path, &door.emulator) {
        return answer;
    }
    let url = format!("{}{path}", door.emulator.base_url());
    let headers = request.headers().clone();
    let answer = door.client.get(url).headers(headers).send().await.unwrap();
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    (status, Body::from(answer.bytes().await.unwrap())).into_response()
}

impl Test {
    /// A mirror of `clerk`, without a row.
    pub(crate) async fn of(clerk: &Clerk) -> Self {
        let database = TestDatabase::create().await;
        let mirror = Mirror::new(database.owner.clone(), Some(clerk.api()));
        Self { database, mirror }
    }

    pub(crate) async fn backfill(&self) -> Result<Backfilled, RunError> {
        self.mirror.backfill(&BackfillOptions::default(), &CancellationToken::new(), |_| {}).await
    }

    pub(crate) async fn ids(&self, table: &str) -> Vec<String> {
        let found = self.value(&format!("select id from clerk.{table} where deleted_at is null order by id")).await;
        found.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }
}
