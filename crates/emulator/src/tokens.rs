//! Mints tokens exactly as Clerk shapes them: v1 and v2 session tokens, JWT-template tokens, machine and OAuth tokens.
//!
//! All of them are signed by the same key, as they are by Clerk; what tells them apart is the category in the header,
//! `typ`, and the subject. Minting never changes the state: a token can be asked for any number of times without an
//! event, and a session id is made up when the user has no active session.

mod jws;
mod payload;

use clerk::{InstanceId, MachineId, OrganizationId, SessionId, Timestamp, TokenClass, UserId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(crate) use jws::{SigningAlgorithm, check as check_signing};
pub(crate) use payload::ActiveMembership;

use crate::{
    ids::{self, IdSource},
    jwt_templates::JwtTemplate,
    keys::SigningKey,
    refusal::Refusal,
    sessions::{Session, SessionStatus},
    shortcodes,
    state::State,
    users::User,
    validity::Validity,
};

/// How long a token lives when nobody says otherwise, in seconds.
const LIFETIME_SECONDS: i64 = 60;
/// How far `nbf` lies before `iat` in session tokens, in seconds (Clerk's own fixtures: ten).
const SESSION_CLOCK_SKEW_SECONDS: i64 = 10;

/// The shape of a session token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionTokenVersion {
    /// `org_id`, `org_role`, `org_permissions`: instances that were not upgraded since 2025-04-14.
    V1,
    /// `v: 2`, `o`, `fea`.
    #[default]
    V2,
}

/// What a token is minted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// A signed-in session.
    #[default]
    Session,
    /// A JWT template; without a `template` name it has no claims but the default ones.
    Template,
    /// Machine to machine, `sub` is a machine id.
    M2m,
    /// An OAuth access token: `typ` is `at+jwt`.
    Oauth,
    /// A session token without a category, as minted before categories existed.
    Unclassified,
}

impl TokenKind {
    fn class(self) -> TokenClass {
        match self {
            Self::Session => TokenClass::Session,
            Self::Template => TokenClass::Template,
            Self::M2m => TokenClass::MachineToMachine,
            Self::Oauth => TokenClass::OAuthAccess,
            Self::Unclassified => TokenClass::Unclassified,
        }
    }
}

/// A token somebody wants to have. The default is a v2 session token that lives for 60 seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenRequest {
    /// Whose token; required for every class but [`TokenKind::M2m`].
    pub user_id: Option<UserId>,
    /// The active organization; the user must be a member. Without it the token has none, whatever the session says.
    pub organization_id: Option<OrganizationId>,
    /// The session in `sid`: by default the newest active one of the user, or a made-up id.
    pub session_id: Option<SessionId>,
    /// `sub` of a machine token: by default a made-up id.
    pub machine_id: Option<MachineId>,
    /// The shape of a session token.
    pub version: SessionTokenVersion,
    /// What the token is minted as.
    pub class: TokenKind,
    /// The name of the JWT template.
    pub template: Option<String>,
    /// Seconds from now to `exp`; negative for a token that has expired already.
    pub expires_in_seconds: Option<i64>,
    /// The claim `azp`.
    #[serde(rename = "azp", alias = "authorized_party")]
    pub authorized_party: Option<String>,
    /// Whether the session still has a task to do (`sts: pending`).
    pub pending: bool,
    /// Who acts as the user: the claim `act` of an impersonated session.
    pub actor: Option<UserId>,
    /// The claim `role`, which the Supabase integration adds to session tokens.
    pub role: Option<String>,
    /// Claims written over all others as they are; `null` removes one. For tokens Clerk would never mint.
    pub claims: Map<String, Value>,
}

impl TokenRequest {
    /// A session token of this user.
    #[must_use]
    pub fn for_user(user: UserId) -> Self {
        Self { user_id: Some(user), ..Self::default() }
    }
}

/// A token that a browser asks for.
#[derive(Debug)]
pub(crate) struct BrowserToken<'a> {
    pub(crate) session_id: &'a str,
    pub(crate) version: SessionTokenVersion,
    /// The origin of the page.
    pub(crate) authorized_party: Option<&'a str>,
    /// Another organization than the session's active one, or explicitly none.
    pub(crate) organization: Option<Option<&'a OrganizationId>>,
    /// The JWT template to follow instead of a session token's shape.
    pub(crate) template: Option<&'a str>,
}

/// What minting needs to know; borrowed for one token.
pub(crate) struct Mint<'a> {
    pub(crate) state: &'a State,
    pub(crate) instance_id: &'a InstanceId,
    pub(crate) key: &'a SigningKey,
    pub(crate) issuer: &'a str,
    /// Custom claims of every session token, with shortcodes.
    pub(crate) session_claims: &'a Map<String, Value>,
    pub(crate) now: Timestamp,
}

/// Whom a token speaks for.
struct Subject<'a> {
    user: &'a User,
    session_id: SessionId,
    signed_in_at: Timestamp,
    status: SessionStatus,
    membership: Option<ActiveMembership<'a>>,
}

impl<'a> Mint<'a> {
    /// `POST /v1/sessions/{id}/tokens`.
    pub(crate) fn of_session(
        &self,
        session_id: &str,
        version: SessionTokenVersion,
        expires_in: Option<i64>,
    ) -> Result<String, Refusal> {
        let subject = self.session_subject(session_id)?;
        let claims = self.session_payload(&subject, version, expires_in.unwrap_or(LIFETIME_SECONDS));
        Ok(jws::sign(TokenClass::Session, &claims, self.key))
    }

    /// What the Frontend API hands to a browser: the page's origin is the authorized party, and the organization may be
    /// another one than the session's.
    pub(crate) fn of_browser(&self, request: &BrowserToken<'_>) -> Result<String, Refusal> {
        let mut subject = self.session_subject(request.session_id)?;
        if let Some(organization) = request.organization {
            subject.membership = organization.and_then(|id| self.membership(id, &subject.user.id));
        }
        let (mut claims, template) = match request.template {
            None => (self.session_payload(&subject, request.version, LIFETIME_SECONDS), None),
            Some(name) => {
                let template = self.template(name)?;
                (self.template_payload(&subject, Some(template), None), Some(template))
            }
        };
        if let Some(party) = request.authorized_party {
            claims.insert("azp".to_owned(), json!(party));
        }
        match template {
            Some(template) => self.sign_by_template(template, &claims),
            None => Ok(jws::sign(TokenClass::Session, &claims, self.key)),
        }
    }

    /// A statement of the instance's own, of the class of session tokens: what a handshake carries in an address.
    pub(crate) fn of_handshake(&self, directives: &[String]) -> String {
        let mut claims = Map::new();
        claims.insert("handshake".to_owned(), json!(directives));
        jws::sign(TokenClass::Session, &claims, self.key)
    }

    /// `POST /v1/sessions/{id}/tokens/{template}`.
    pub(crate) fn of_session_by_template(
        &self,
        session_id: &str,
        template: &str,
        expires_in: Option<i64>,
    ) -> Result<String, Refusal> {
        let subject = self.session_subject(session_id)?;
        let template = self.template(template)?;
        let claims = self.template_payload(&subject, Some(template), expires_in);
        self.sign_by_template(template, &claims)
    }

    /// A machine-to-machine token as a JWT; its id is the `jti`.
    pub(crate) fn of_machine(
        &self,
        id: &str,
        machine: &str,
        mut claims: Map<String, Value>,
        validity: &Validity,
    ) -> String {
        claims.extend(self.default_claims(machine, LIFETIME_SECONDS, SESSION_CLOCK_SKEW_SECONDS));
        claims.insert("jti".to_owned(), json!(id));
        if let Some(end) = validity.expires_at {
            claims.insert("exp".to_owned(), json!(end.seconds()));
        }
        jws::sign(TokenClass::MachineToMachine, &claims, self.key)
    }

    /// Any token the request describes.
    pub(crate) fn of_request(&self, request: &TokenRequest) -> Result<String, Refusal> {
        if request.class == TokenKind::M2m {
            let mut claims = self.machine_payload(request);
            overwrite(&mut claims, &request.claims);
            return Ok(jws::sign(TokenClass::MachineToMachine, &claims, self.key));
        }
        let subject = self.requested_subject(request)?;
        let expires_in = request.expires_in_seconds;
        let (mut claims, template) = match request.class {
            TokenKind::Template => {
                let template = request.template.as_deref().map(|name| self.template(name)).transpose()?;
                (self.template_payload(&subject, template, expires_in), template)
            }
            TokenKind::Oauth => (self.oauth_payload(&subject, expires_in.unwrap_or(LIFETIME_SECONDS)), None),
            TokenKind::Session | TokenKind::Unclassified | TokenKind::M2m => {
                (self.session_payload(&subject, request.version, expires_in.unwrap_or(LIFETIME_SECONDS)), None)
            }
        };
        self.decorate(&mut claims, request);
        overwrite(&mut claims, &request.claims);
        match template {
            Some(template) => self.sign_by_template(template, &claims),
            None => Ok(jws::sign(request.class.class(), &claims, self.key)),
        }
    }

    fn session_subject(&self, session_id: &str) -> Result<Subject<'a>, Refusal> {
        let session = self.state.sessions.get(session_id).ok_or_else(|| Refusal::not_found("session", session_id))?;
        if !session.is_open(self.now) {
            let status = session.status_at(self.now).as_str();
            let message = format!("Session {session_id} is {status}; only an open session has tokens.");
            return Err(Refusal::new(StatusCode::NOT_FOUND, "resource_not_found", "Session not found", message));
        }
        let membership =
            session.last_active_organization_id.as_ref().and_then(|id| self.membership(id, &session.user_id));
        Ok(Subject {
            user: self.user(session.user_id.as_str())?,
            session_id: session.id.clone(),
            signed_in_at: session.created_at,
            status: session.status_at(self.now),
            membership,
        })
    }

    fn requested_subject(&self, request: &TokenRequest) -> Result<Subject<'a>, Refusal> {
        let user_id = request.user_id.as_ref().ok_or_else(|| Refusal::missing("user_id"))?;
        let user = self.user(user_id.as_str())?;
        let membership = match &request.organization_id {
            None => None,
            Some(id) => Some(self.membership(id, user_id).ok_or_else(|| {
                let message = format!("{user_id} is not a member of {id}");
                Refusal::wrong_value("organization_id", &message, "an organization of the user")
            })?),
        };
        let active = |session: &&Session| session.is_open(self.now);
        let session = match &request.session_id {
            Some(id) => self.state.sessions.get(id.as_str()),
            None => self.state.sessions.of_user(user_id.as_str()).rev().find(active),
        };
        let session_id = request
            .session_id
            .clone()
            .or_else(|| session.map(|session| session.id.clone()))
            .unwrap_or_else(|| IdSource::new(None).session(self.now));
        Ok(Subject {
            user,
            session_id,
            signed_in_at: session.map_or(self.now, |session| session.created_at),
            status: SessionStatus::Active,
            membership,
        })
    }

    fn membership(&self, organization: &OrganizationId, user: &UserId) -> Option<ActiveMembership<'a>> {
        let membership = self.state.memberships.between(organization.as_str(), user.as_str())?;
        Some(ActiveMembership { organization: self.state.organizations.get(organization.as_str())?, membership })
    }

    fn user(&self, id: &str) -> Result<&'a User, Refusal> {
        self.state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))
    }

    fn template(&self, name: &str) -> Result<&'a JwtTemplate, Refusal> {
        self.state.jwt_templates.by_name(name).ok_or_else(|| {
            let message = format!("No JWT template exists with name: {name}");
            Refusal::new(StatusCode::NOT_FOUND, "resource_not_found", "JWT template not found", message)
        })
    }

    fn template_payload(
        &self,
        subject: &Subject<'_>,
        template: Option<&JwtTemplate>,
        expires_in: Option<i64>,
    ) -> Map<String, Value> {
        let mut claims = match template {
            Some(template) => self.expand(&template.claims, subject),
            None => Map::new(),
        };
        let lifetime = expires_in.or(template.map(|template| template.lifetime)).unwrap_or(LIFETIME_SECONDS);
        let skew = template.map_or(5, |template| template.allowed_clock_skew);
        claims.extend(self.default_claims(subject.user.id.as_str(), lifetime, skew));
        claims
    }

    fn session_payload(
        &self,
        subject: &Subject<'_>,
        version: SessionTokenVersion,
        lifetime: i64,
    ) -> Map<String, Value> {
        let mut claims = self.expand(self.session_claims, subject);
        claims.extend(self.default_claims(subject.user.id.as_str(), lifetime, SESSION_CLOCK_SKEW_SECONDS));
        let minutes = self.now.since(subject.signed_in_at).as_secs() / 60;
        claims.insert("fva".to_owned(), json!([minutes, -1]));
        claims.insert("sid".to_owned(), json!(subject.session_id));
        claims.insert(
            "sts".to_owned(),
            json!(if subject.status == SessionStatus::Pending { "pending" } else { "active" }),
        );
        payload::add_organization(&mut claims, version, subject.membership.as_ref(), &self.state.roles);
        claims
    }

    fn machine_payload(&self, request: &TokenRequest) -> Map<String, Value> {
        let subject = match &request.machine_id {
            Some(id) => id.as_str().to_owned(),
            None => IdSource::new(None).prefixed(MachineId::PREFIX, self.now),
        };
        let lifetime = request.expires_in_seconds.unwrap_or(LIFETIME_SECONDS);
        self.default_claims(&subject, lifetime, SESSION_CLOCK_SKEW_SECONDS)
    }

    fn oauth_payload(&self, subject: &Subject<'_>, lifetime: i64) -> Map<String, Value> {
        let mut claims = self.default_claims(subject.user.id.as_str(), lifetime, SESSION_CLOCK_SKEW_SECONDS);
        claims.insert("client_id".to_owned(), json!("emulated_oauth_client"));
        claims.insert("scope".to_owned(), json!("openid profile email"));
        claims
    }

    fn default_claims(&self, subject: &str, lifetime: i64, skew: i64) -> Map<String, Value> {
        let issued_at = self.now.seconds();
        let claims = [
            ("exp", json!(issued_at.saturating_add(lifetime))),
            ("iat", json!(issued_at)),
            ("iss", json!(self.issuer)),
            ("jti", json!(ids::hex(&ids::random::<10>()))),
            ("nbf", json!(issued_at.saturating_sub(skew))),
            ("sub", json!(subject)),
        ];
        claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn decorate(&self, claims: &mut Map<String, Value>, request: &TokenRequest) {
        if let Some(party) = &request.authorized_party {
            claims.insert("azp".to_owned(), json!(party));
        }
        if request.pending {
            claims.insert("sts".to_owned(), json!("pending"));
        }
        if let Some(actor) = &request.actor {
            let session = IdSource::new(None).session(self.now);
            claims.insert("act".to_owned(), json!({ "iss": self.issuer, "sid": session, "sub": actor }));
        }
        if let Some(role) = &request.role {
            claims.insert("role".to_owned(), json!(role));
        }
    }

    fn expand(&self, template: &Map<String, Value>, subject: &Subject<'_>) -> Map<String, Value> {
        let context = shortcodes::Context {
            user: subject.user,
            membership: subject.membership,
            state: self.state,
            instance_id: self.instance_id,
        };
        context.expand(template)
    }

    fn sign_by_template(&self, template: &JwtTemplate, claims: &Map<String, Value>) -> Result<String, Refusal> {
        match &template.signing {
            None => Ok(jws::sign(TokenClass::Template, claims, self.key)),
            Some(signing) => jws::sign_with(signing, claims, self.instance_id).map_err(|error| {
                Refusal::wrong_value("signing_key", &error.to_string(), "a key for the template's signing_algorithm")
            }),
        }
    }
}

fn overwrite(claims: &mut Map<String, Value>, with: &Map<String, Value>) {
    for (name, value) in with {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
}
