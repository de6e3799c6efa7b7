//! One request of a browser, after the shell has found out whose it is.

use std::sync::Arc;

use clerk::SessionId;
use http::StatusCode;
use serde_json::{Value, json};

use super::{clients::Client, cookies, form::FrontendForm, objects::Face, sign_in::SignInOn};
use crate::{
    api_version::ApiVersion, change::Change, images::Upload, instance::Instance, query::Query, refusal::Refusal,
    sessions::Session, tokens::Mint, users::User, view::View, webhooks::Origin,
};

/// Everything an operation may look at.
#[derive(Debug)]
pub(crate) struct FrontendCall {
    pub(crate) instance: Arc<Instance>,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) query: Query,
    pub(crate) form: FrontendForm,
    /// The picture that came with it, where one may.
    pub(crate) upload: Option<Upload>,
    pub(crate) version: ApiVersion,
    pub(crate) origin: Origin,
    /// The origin of the page: what tokens name as their authorized party.
    pub(crate) authorized_party: Option<String>,
    /// Where the app serves this API, when its proxy proved itself with the secret key.
    pub(crate) proxy: Option<String>,
    /// The browser, when it showed a credential of one.
    pub(crate) client: Option<String>,
}

/// What goes back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) content: Content,
    pub(crate) cookies: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Content {
    Json(Value),
    Redirect(StatusCode, String),
    Page(String),
}

pub(crate) type FrontendReply = Result<Answer, Refusal>;

impl Answer {
    pub(crate) fn json(value: Value) -> Self {
        Self { content: Content::Json(value), cookies: Vec::new() }
    }

    pub(crate) fn redirect(to: impl Into<String>) -> Self {
        Self { content: Content::Redirect(StatusCode::TEMPORARY_REDIRECT, to.into()), cookies: Vec::new() }
    }

    /// Where a form leads: to be fetched, not posted to.
    pub(crate) fn see_other(to: impl Into<String>) -> Self {
        Self { content: Content::Redirect(StatusCode::SEE_OTHER, to.into()), cookies: Vec::new() }
    }

    pub(crate) fn page(html: String) -> Self {
        Self { content: Content::Page(html), cookies: Vec::new() }
    }

    pub(crate) fn with_cookies(mut self, cookies: impl IntoIterator<Item = String>) -> Self {
        self.cookies.extend(cookies);
        self
    }
}

/// A browser that an operation has worked on, and the cookie that makes a new one known.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) client: String,
    pub(crate) cookie: Option<String>,
}

impl FrontendCall {
    pub(crate) fn path(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(key, _)| key == name);
        &found.expect("an operation reads the parameters of its own path").1
    }

    /// Where the browser reaches this API.
    pub(crate) fn public_url(&self) -> &str {
        self.proxy.as_deref().unwrap_or(&self.instance.base_url)
    }

    pub(crate) fn change<T>(
        &self,
        operation: impl FnOnce(&mut Change<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.instance.change(&self.origin, operation)
    }

    /// Runs a change on the browser, which becomes a client with its first sign-in or sign-up. A refused change leaves no
    /// new client behind.
    pub(crate) fn seat(
        &self,
        operation: impl FnOnce(&mut Change<'_>, SignInOn<'_>) -> Result<(), Refusal>,
    ) -> Result<Seat, Refusal> {
        self.change(|change| {
            let (client, cookie) = match &self.client {
                Some(client) => (client.clone(), None),
                None => {
                    let new = change.create_client();
                    (new.id, Some(cookies::set_client(&self.instance.cookie_suffix, &new.cookie)))
                }
            };
            let result = operation(change, SignInOn { client: &client, settings: &self.instance.settings });
            if result.is_err() && cookie.is_some() {
                change.state.clients.remove(&client);
            }
            result.map(|()| Seat { client, cookie })
        })
    }

    /// Runs a change on a browser that must be known already.
    pub(crate) fn on_client<T>(
        &self,
        operation: impl FnOnce(&mut Change<'_>, SignInOn<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let client = self.client.as_deref().ok_or_else(signed_out)?;
        self.change(|change| operation(change, SignInOn { client, settings: &self.instance.settings }))
    }

    /// Runs a change on behalf of the user who asks.
    pub(crate) fn as_user<T>(
        &self,
        operation: impl FnOnce(&mut Change<'_>, Asking) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.change(|change| {
            let asking = self.asking(change.view())?;
            operation(change, asking)
        })
    }

    /// Reads on behalf of the user who asks, and answers with `{response, client}`.
    pub(crate) fn show(&self, show: impl FnOnce(&Face<'_>, &Asking) -> Result<Value, Refusal>) -> FrontendReply {
        self.face(|face| {
            let asking = self.asking(face.view)?;
            let response = show(face, &asking)?;
            Ok(Answer::json(json!({ "response": response, "client": self.client_object(face) })))
        })
    }

    /// Answers with `{response, client}` of a browser that was just worked on.
    pub(crate) fn answer(&self, seat: Seat, show: impl FnOnce(&Face<'_>, &Client) -> Value) -> Answer {
        self.face(|face| {
            let client = face.view.state.clients.get(&seat.client).expect("a client that was just changed exists");
            let body = json!({ "response": show(face, client), "client": face.client(client) });
            Answer::json(body).with_cookies(seat.cookie)
        })
    }

    /// The browser that has been asked before, as the seat of an answer.
    pub(crate) fn known_seat(&self) -> Result<Seat, Refusal> {
        let client = self.client.clone().ok_or_else(signed_out)?;
        Ok(Seat { client, cookie: None })
    }

    pub(crate) fn client_object(&self, face: &Face<'_>) -> Option<Value> {
        let client = face.view.state.clients.get(self.client.as_deref()?)?;
        Some(face.client(client))
    }

    pub(crate) fn face<T>(&self, look: impl FnOnce(&Face<'_>) -> T) -> T {
        let instance = &self.instance;
        let key = instance.identity.keyring().read().current().clone();
        instance.read(|view| {
            let mint = Mint {
                state: view.state,
                instance_id: view.instance_id,
                key: &key,
                issuer: &instance.issuer,
                session_claims: &instance.session_claims,
                now: view.now,
            };
            look(&Face {
                view,
                mint,
                settings: &instance.settings,
                version: self.version.session_token_version(),
                authorized_party: self.authorized_party.as_deref(),
            })
        })
    }

    /// Who asks: the session that the page names, or the browser's active one.
    pub(crate) fn asking(&self, view: View<'_>) -> Result<Asking, Refusal> {
        let client = self.client.as_deref().and_then(|id| view.state.clients.get(id)).ok_or_else(signed_out)?;
        let session = match self.query.first("_clerk_session_id").filter(|id| !id.is_empty()) {
            Some(id) => client.sessions(view.state, view.now).find(|session| session.id.as_str() == id),
            None => client.active_session(view.state, view.now),
        };
        let session = session.ok_or_else(signed_out)?;
        Ok(Asking { client: client.id.clone(), session: session.id.clone(), user: session.user_id.clone() })
    }

    /// A session of this browser, by the id in the path.
    pub(crate) fn session<'a>(&self, view: View<'a>) -> Result<&'a Session, Refusal> {
        let id = self.path("session_id");
        let client = self.client.as_deref().and_then(|id| view.state.clients.get(id)).ok_or_else(signed_out)?;
        let mut ids = client.session_ids.iter();
        let session = ids.find(|known| known.as_str() == id).and_then(|id| view.state.sessions.get(id.as_str()));
        session.ok_or_else(|| Refusal::not_found("session", id))
    }
}

/// The user who asks, and by which session.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) client: String,
    pub(crate) session: SessionId,
    pub(crate) user: clerk::UserId,
}

impl Asking {
    pub(crate) fn user<'a>(&self, view: View<'a>) -> &'a User {
        view.state.users.get(self.user.as_str()).expect("a session belongs to a user")
    }
}

/// Clerk's answer to a browser that nobody is signed in on; `clerk-js` loads its client anew after it.
pub(crate) fn signed_out() -> Refusal {
    let message = "Unable to authenticate the request, you need to supply an active session";
    Refusal::new(StatusCode::UNAUTHORIZED, "authentication_invalid", "Invalid authentication", message)
}
