//! The API without a socket: the same operations, called from Rust, answering with the same JSON.
//!
//! Bodies and answers are JSON values on purpose: a test says what it would send to Clerk and sees what Clerk would
//! answer, and every check of the HTTP shell's form reading applies. Events happen as they do over HTTP.

mod backend;
mod directory;
mod webhooks;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

pub use backend::BackendApi;
pub use directory::{JwtTemplatesApi, MembershipsApi, OrganizationsApi, SessionsApi, UsersApi};
pub use webhooks::{RawMessage, WebhooksApi};

use crate::{
    Emulator, Outage, RateLimits, Refusal, Seed,
    api::{self, Call, Reply},
    api_version::ApiVersion,
    instance::Instance,
    query::Query,
    webhooks::Origin,
};

const USER_AGENT: &str = concat!("rowlock-emulator/", env!("CARGO_PKG_VERSION"));

impl Emulator {
    /// `/v1/users`.
    #[must_use]
    pub fn users(&self) -> UsersApi<'_> {
        UsersApi(&self.instance)
    }

    /// `/v1/organizations`.
    #[must_use]
    pub fn organizations(&self) -> OrganizationsApi<'_> {
        OrganizationsApi(&self.instance)
    }

    /// `/v1/organization_memberships` and the memberships of organizations and users.
    #[must_use]
    pub fn memberships(&self) -> MembershipsApi<'_> {
        MembershipsApi(&self.instance)
    }

    /// `/v1/sessions`.
    #[must_use]
    pub fn sessions(&self) -> SessionsApi<'_> {
        SessionsApi(&self.instance)
    }

    /// `/v1/jwt_templates`.
    #[must_use]
    pub fn jwt_templates(&self) -> JwtTemplatesApi<'_> {
        JwtTemplatesApi(&self.instance)
    }

    /// Holds callers over HTTP to these limits from now on, or to none. Calls from Rust are never counted.
    pub fn set_rate_limits(&self, limits: Option<RateLimits>) {
        self.instance.limiter.set(limits);
    }

    /// Lets the Backend API or the key set fail over HTTP, until told otherwise.
    pub fn set_outage(&self, outage: Outage) {
        self.instance.outage.set(outage);
    }

    /// `POST /__rowlock/seed`: many objects at once, silently unless the seed says otherwise.
    ///
    /// # Errors
    /// When the seed holds something that Clerk would refuse; nothing of it is there then.
    pub fn plant(&self, seed: &Seed) -> Result<(), Refusal> {
        let body = serde_json::to_value(seed).expect("a seed has a JSON form");
        LocalCall::to(&self.instance).body(&body).run(api::seed::plant).map(|_| ())
    }

    /// Every operation there is, by method and path.
    #[must_use]
    pub fn backend(&self) -> BackendApi<'_> {
        BackendApi(&self.instance)
    }

    /// Endpoints, deliveries, and events on demand.
    #[must_use]
    pub fn webhooks(&self) -> WebhooksApi<'_> {
        WebhooksApi(&self.instance)
    }
}

/// A call in the making.
struct LocalCall<'a> {
    instance: &'a Arc<Instance>,
    path: Vec<(String, String)>,
    query: Query,
    body: Bytes,
    machine: Option<String>,
}

impl<'a> LocalCall<'a> {
    fn to(instance: &'a Arc<Instance>) -> Self {
        Self { instance, path: Vec::new(), query: Query::default(), body: Bytes::new(), machine: None }
    }

    fn path(mut self, name: &str, value: &str) -> Self {
        self.path.push((name.to_owned(), value.to_owned()));
        self
    }

    fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.query = Query::from_pairs(pairs);
        self
    }

    fn body(mut self, body: &Value) -> Self {
        self.body = Bytes::from(body.to_string());
        self
    }

    fn run(self, operation: fn(&Call) -> Reply) -> Result<Value, Refusal> {
        let text = self.run_as_text(operation)?;
        Ok(serde_json::from_slice(&text).expect("an answer of the emulator is JSON"))
    }

    fn run_as_text(self, operation: fn(&Call) -> Reply) -> Reply {
        let call = Call {
            instance: Arc::clone(self.instance),
            path: self.path,
            query: self.query,
            body: self.body,
            upload: None,
            version: ApiVersion::LATEST,
            origin: Origin { client_ip: "127.0.0.1".to_owned(), user_agent: USER_AGENT.to_owned() },
            machine: self.machine,
        };
        operation(&call)
    }
}
