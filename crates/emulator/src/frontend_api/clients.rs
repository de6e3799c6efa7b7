//! Clients: browsers, as Clerk sees them.
//!
//! A client is made when somebody begins to sign in or up. Its credential is a random secret in an http-only cookie, of
//! which only a hash is kept; or the token of a development browser, which stands in for the cookie where a browser would
//! not send one. Sessions belong to the client they were made on, and stay listed while somebody is signed in by them.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use clerk::{SessionId, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

use super::{sign_in::SignIn, sign_up::SignUp, verification::CodeVerification};
use crate::{
    change::Change,
    ids::{base62, hex},
    sessions::Session,
    state::State,
};

/// A browser, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// SHA-256 of the cookie's secret.
    secret_hash: String,
    /// `dvb_…`, the token of a development browser.
    pub(crate) dev_browser: Option<String>,
    /// Everybody who was ever signed in here, oldest first.
    pub(crate) session_ids: Vec<SessionId>,
    pub(crate) last_active_session_id: Option<SessionId>,
    pub(crate) last_authentication_strategy: Option<String>,
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) sign_up: Option<SignUp>,
    /// Addresses on their way to being proven, by `idn_…`.
    #[serde(default)]
    pub(crate) proofs: BTreeMap<String, CodeVerification>,
    pub(crate) created_at: Timestamp,
    /// When somebody last signed in or out: what `__client_uat` says.
    pub(crate) updated_at: Timestamp,
}

impl Client {
    /// Those by which somebody is signed in, oldest first.
    pub(crate) fn sessions<'a>(&'a self, state: &'a State, now: Timestamp) -> impl Iterator<Item = &'a Session> {
        let known = self.session_ids.iter().filter_map(|id| state.sessions.get(id.as_str()));
        known.filter(move |session| session.is_open(now))
    }

    /// The session that speaks for the browser: the one last used, or the newest one left.
    pub(crate) fn active_session<'a>(&'a self, state: &'a State, now: Timestamp) -> Option<&'a Session> {
        let last = self.last_active_session_id.as_ref();
        let mut newest = None;
        for session in self.sessions(state, now) {
            if Some(&session.id) == last {
                return Some(session);
            }
            newest = Some(session);
        }
        newest
    }

    fn admits(&self, secret: &str) -> bool {
        verify_slices_are_equal(self.secret_hash.as_bytes(), hash(secret).as_bytes()).is_ok()
    }
}

fn hash(secret: &str) -> String {
    hex(digest(&SHA256, secret.as_bytes()).as_ref())
}

/// A new client and the one time its cookie is known.
#[derive(Debug)]
pub(crate) struct NewClient {
    pub(crate) id: String,
    pub(crate) cookie: String,
}

/// The clients of an instance.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Vec<Client>")]
pub(crate) struct Clients {
    by_id: HashMap<String, Client>,
    by_dev_browser: HashMap<String, String>,
}

impl Clients {
    pub(crate) fn get(&self, id: &str) -> Option<&Client> {
        self.by_id.get(id)
    }

    /// Whose cookie it is.
    pub(crate) fn of_cookie(&self, cookie: &str) -> Option<&Client> {
        let (id, secret) = cookie.split_once('.')?;
        self.by_id.get(id).filter(|client| client.admits(secret))
    }

    pub(crate) fn of_dev_browser(&self, token: &str) -> Option<&Client> {
        self.by_id.get(self.by_dev_browser.get(token)?)
    }

    pub(crate) fn put(&mut self, client: Client) {
        self.remove(&client.id);
        if let Some(token) = &client.dev_browser {
            self.by_dev_browser.insert(token.clone(), client.id.clone());
        }
        self.by_id.insert(client.id.clone(), client);
    }

    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(client) = self.by_id.remove(id)
            && let Some(token) = client.dev_browser
        {
            self.by_dev_browser.remove(&token);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Client> {
        self.by_id.values()
    }
}

impl From<Vec<Client>> for Clients {
    fn from(clients: Vec<Client>) -> Self {
        let mut collection = Self::default();
        for client in clients {
            collection.put(client);
        }
        collection
    }
}

impl Serialize for Clients {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut clients: Vec<&Client> = self.iter().collect();
        clients.sort_unstable_by(|left, right| (left.created_at, &left.id).cmp(&(right.created_at, &right.id)));
        serializer.collect_seq(clients)
    }
}

impl Change<'_> {
    pub(crate) fn create_client(&mut self) -> NewClient {
        let id = self.state.ids.prefixed("client_", self.now);
        let secret = format!("{}{}", base62(self.state.ids.secret()), base62(self.state.ids.secret()));
        self.state.clients.put(Client {
            id: id.clone(),
            secret_hash: hash(&secret),
            dev_browser: None,
            session_ids: Vec::new(),
            last_active_session_id: None,
            last_authentication_strategy: None,
            sign_in: None,
            sign_up: None,
            proofs: BTreeMap::new(),
            created_at: self.now,
            updated_at: self.now,
        });
        let cookie = format!("{id}.{secret}");
        NewClient { id, cookie }
    }

    /// The token by which a client is known where its cookie is not sent, drawn at the first time.
    pub(crate) fn dev_browser(&mut self, client: &str) -> String {
        if let Some(token) = self.state.clients.get(client).and_then(|client| client.dev_browser.clone()) {
            return token;
        }
        let token = self.state.ids.prefixed("dvb_", self.now);
        self.alter_client(client, |client| client.dev_browser = Some(token.clone()));
        token
    }

    pub(crate) fn alter_client<T>(&mut self, id: &str, alter: impl FnOnce(&mut Client) -> T) -> T {
        let mut client = self.state.clients.get(id).expect("a client to change exists").clone();
        let result = alter(&mut client);
        self.state.clients.put(client);
        result
    }

    /// Puts a new session on the client's list and makes it the active one.
    pub(crate) fn add_to_client(&mut self, client: &str, session: &SessionId, strategy: &str) {
        let now = self.now;
        self.alter_client(client, |client| {
            client.session_ids.push(session.clone());
            client.last_active_session_id = Some(session.clone());
            client.last_authentication_strategy = Some(strategy.to_owned());
            client.updated_at = now;
        });
    }

    /// Takes note that somebody signed out.
    pub(crate) fn left_client(&mut self, client: &str, session: &SessionId) {
        let now = self.now;
        let (state, left) = (&*self.state, session.clone());
        let next = state.clients.get(client).and_then(|client| {
            let remaining = client.sessions(state, now).filter(|session| session.id != left);
            remaining.last().map(|session| session.id.clone())
        });
        self.alter_client(client, |client| {
            if client.last_active_session_id.as_ref() == Some(&left) {
                client.last_active_session_id = next;
            }
            client.updated_at = now;
        });
    }
}
