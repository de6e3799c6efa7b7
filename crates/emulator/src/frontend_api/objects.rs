//! What browsers see: clients, sessions, users and organizations in the shapes of the Frontend API.
//!
//! They are poorer than those of the Backend API: no private metadata, ever. And richer in one thing: every session
//! carries a fresh token, so that a page which loads its client can ask its server something at once.

use clerk::Timestamp;
use serde_json::{Value, json};

use super::{
    clients::Client,
    settings::InstanceSettings,
    sign_in::{Factor, Proof, SignIn, SignInStatus, first_factors, second_factors},
    sign_up::SignUp,
    verification::CodeVerification,
};
use crate::{
    memberships::Membership,
    organizations::Organization,
    sessions::{Session, SessionStatus},
    state::State,
    tokens::{BrowserToken, Mint, SessionTokenVersion},
    users::{PublicUserData, User},
    view::{Detail, View},
};

/// What is shown, to whom.
pub(crate) struct Face<'a> {
    pub(crate) view: View<'a>,
    pub(crate) mint: Mint<'a>,
    pub(crate) settings: &'a InstanceSettings,
    pub(crate) version: SessionTokenVersion,
    /// The origin of the page that asks.
    pub(crate) authorized_party: Option<&'a str>,
}

impl<'a> Face<'a> {
    fn state(&self) -> &'a State {
        self.view.state
    }

    fn now(&self) -> Timestamp {
        self.view.now
    }

    /// The client with everybody who is signed in on it. What is complete is no longer under way.
    pub(crate) fn client(&self, client: &Client) -> Value {
        let sessions: Vec<Value> = client.sessions(self.state(), self.now()).map(|it| self.session(it)).collect();
        let sign_in = client.sign_in.as_ref().filter(|sign_in| sign_in.status != SignInStatus::Complete);
        let sign_up = client.sign_up.as_ref().filter(|sign_up| sign_up.created_user_id.is_none());
        json!({
            "object": "client",
            "id": client.id,
            "sessions": sessions,
            "sign_in": sign_in.filter(|it| it.abandon_at > self.now()).map(|it| self.sign_in(it)),
            "sign_up": sign_up.filter(|it| it.abandon_at > self.now()).map(|it| self.sign_up(it)),
            "last_active_session_id": client.active_session(self.state(), self.now()).map(|session| &session.id),
            "last_authentication_strategy": client.last_authentication_strategy,
            "cookie_expires_at": null,
            "captcha_bypass": true,
            "created_at": client.created_at,
            "updated_at": client.updated_at,
        })
    }

    pub(crate) fn session(&self, session: &Session) -> Value {
        let user = self.state().users.get(session.user_id.as_str()).expect("a session belongs to a user");
        let status = session.status_at(self.now());
        let minutes = self.now().since(session.created_at).as_secs() / 60;
        let tasks: Vec<Value> = session.tasks.iter().map(|task| json!({ "key": task })).collect();
        let tasks = (status == SessionStatus::Pending).then_some(tasks);
        json!({
            "object": "session",
            "id": session.id,
            "status": status.as_str(),
            "expire_at": session.expire_at,
            "abandon_at": session.abandon_at,
            "last_active_at": session.last_active_at,
            "last_active_organization_id": session.last_active_organization_id,
            "last_active_token": self.token(session).map(|jwt| json!({ "object": "token", "jwt": jwt })),
            "actor": session.actor,
            "tasks": tasks,
            "factor_verification_age": [minutes, -1],
            "user": self.user(user),
            "public_user_data": self.public_user_data(user),
            "created_at": session.created_at,
            "updated_at": session.updated_at,
        })
    }

    /// A session without its user, as a list of all of them shows it.
    pub(crate) fn session_with_activity(&self, session: &Session) -> Value {
        json!({
            "object": "session",
            "id": session.id,
            "status": session.status_at(self.now()).as_str(),
            "expire_at": session.expire_at,
            "abandon_at": session.abandon_at,
            "last_active_at": session.last_active_at,
            "actor": null,
            "latest_activity": {
                "object": "session_activity",
                "id": format!("sess_activity_{}", session.id.as_str().trim_start_matches("sess_")),
                "is_mobile": false,
            },
        })
    }

    /// The session's token, or none when it is over.
    fn token(&self, session: &Session) -> Option<String> {
        self.token_for(session, self.authorized_party)
    }

    /// The session's token for a page of another origin than the one that asks.
    pub(crate) fn token_for(&self, session: &Session, authorized_party: Option<&str>) -> Option<String> {
        let request = BrowserToken {
            session_id: session.id.as_str(),
            version: self.version,
            authorized_party,
            organization: None,
            template: None,
        };
        self.mint.of_browser(&request).ok()
    }

    pub(crate) fn user(&self, user: &User) -> Value {
        let mut object = serde_json::to_value(self.view.user(user)).expect("a user has a JSON form");
        if let Some(members) = object.as_object_mut() {
            members.remove("private_metadata");
        }
        let memberships = self.state().memberships.of_user(&user.id);
        object["organization_memberships"] = memberships.map(|membership| self.membership(membership)).collect();
        object["profile_image_id"] = json!("");
        object
    }

    pub(crate) fn public_user_data(&self, user: &User) -> Value {
        let mut object =
            serde_json::to_value(PublicUserData::of(user, self.view.instance_id)).expect("user data has a JSON form");
        // The specification wants a text here, also of a user without any identifier.
        if object["identifier"].is_null() {
            object["identifier"] = json!("");
        }
        object
    }

    pub(crate) fn organization(&self, organization: &Organization) -> Value {
        let full = serde_json::to_value(self.view.organization(organization, Detail::WithCounts))
            .expect("an organization has a JSON form");
        let shown = [
            "object",
            "id",
            "name",
            "slug",
            "image_url",
            "has_image",
            "members_count",
            "pending_invitations_count",
            "max_allowed_memberships",
            "admin_delete_enabled",
            "public_metadata",
            "created_at",
            "updated_at",
        ];
        shown.into_iter().map(|name| (name.to_owned(), full[name].clone())).collect()
    }

    /// A membership; the permissions are those of the role, system permissions included, which is what `has()` reads in a
    /// browser.
    pub(crate) fn membership(&self, membership: &Membership) -> Value {
        let state = self.state();
        let organization = state
            .organizations
            .get(membership.organization_id.as_str())
            .expect("the organization of a membership exists");
        let user = state.users.get(membership.user_id.as_str()).expect("the user of a membership exists");
        let role = state.roles.get(&membership.role);
        json!({
            "object": "organization_membership",
            "id": membership.id,
            "role": membership.role,
            "role_name": role.map_or(&membership.role, |role| &role.name),
            "permissions": role.map_or(&[][..], |role| &role.permissions),
            "public_metadata": membership.public_metadata,
            "organization": self.organization(organization),
            "public_user_data": self.public_user_data(user),
            "created_at": membership.created_at,
            "updated_at": membership.updated_at,
        })
    }

    pub(crate) fn sign_in(&self, sign_in: &SignIn) -> Value {
        let user = sign_in.user_id.as_ref().and_then(|id| self.state().users.get(id.as_str()));
        let factors = |factors: Vec<Factor>| factors.iter().map(Factor::object).collect::<Vec<_>>();
        let under_way = sign_in.status != SignInStatus::Complete;
        let user = user.filter(|_| under_way);
        let second = sign_in.status == SignInStatus::NeedsSecondFactor;
        json!({
            "object": "sign_in_attempt",
            "id": sign_in.id,
            "status": sign_in.status.as_str(),
            "supported_identifiers": self.identifiers(),
            "supported_first_factors": user.map(|user| factors(first_factors(user, self.settings))),
            "supported_second_factors": user.filter(|_| second).map(|user| factors(second_factors(user))),
            "first_factor_verification": sign_in.first_factor.as_ref().map(|proof| self.proof(proof)),
            "second_factor_verification": sign_in.second_factor.as_ref().map(|it| it.object(self.now())),
            "identifier": sign_in.identifier,
            "user_data": user.map(|user| {
                let data = self.public_user_data(user);
                json!({
                    "first_name": data["first_name"],
                    "last_name": data["last_name"],
                    "image_url": data["image_url"],
                    "has_image": data["has_image"],
                })
            }),
            "created_session_id": sign_in.created_session_id,
            "abandon_at": sign_in.abandon_at,
        })
    }

    fn proof(&self, proof: &Proof) -> Value {
        match proof {
            Proof::Code(verification) => verification.object(self.now()),
            Proof::Password | Proof::Ticket => {
                let strategy = proof.strategy();
                json!({
                    "object": format!("verification_{strategy}"),
                    "status": "verified",
                    "strategy": strategy,
                    "attempts": 1,
                    "expire_at": null,
                })
            }
        }
    }

    fn identifiers(&self) -> Vec<&'static str> {
        let settings = self.settings;
        let all = [
            ("email_address", settings.email_address),
            ("phone_number", settings.phone_number),
            ("username", settings.username),
        ];
        all.into_iter().filter(|(_, requirement)| requirement.enabled()).map(|(name, _)| name).collect()
    }

    pub(crate) fn sign_up(&self, sign_up: &SignUp) -> Value {
        sign_up_object(sign_up, self.settings, self.now())
    }
}

/// A sign-up under way, as pages and servers see it.
pub(crate) fn sign_up_object(sign_up: &SignUp, settings: &InstanceSettings, now: Timestamp) -> Value {
    let missing = sign_up.missing(settings);
    let unverified = sign_up.unverified();
    json!({
        "object": "sign_up_attempt",
        "id": sign_up.id,
        "status": sign_up.status(),
        "required_fields": sign_up.required(settings),
        "optional_fields": sign_up.optional(settings),
        "missing_fields": missing,
        "unverified_fields": unverified,
        "verifications": {
            "email_address": sign_up.email_address.as_ref().map(|_| {
                let waiting = unverified.contains(&"email_address");
                verification_under_way(sign_up.email_verification.as_ref(), "email_code", waiting, now)
            }),
            "phone_number": sign_up.phone_number.as_ref().map(|_| {
                let waiting = unverified.contains(&"phone_number");
                verification_under_way(sign_up.phone_verification.as_ref(), "phone_code", waiting, now)
            }),
            "web3_wallet": null,
            "external_account": null,
        },
        "username": sign_up.username,
        "email_address": sign_up.email_address,
        "phone_number": sign_up.phone_number,
        "web3_wallet": null,
        "password_enabled": sign_up.password.is_some(),
        "has_password": sign_up.password.is_some(),
        "first_name": sign_up.first_name,
        "last_name": sign_up.last_name,
        "unsafe_metadata": sign_up.unsafe_metadata,
        "public_metadata": {},
        "custom_action": sign_up.custom_action,
        "external_id": sign_up.external_id,
        "locale": sign_up.locale,
        "created_session_id": sign_up.created_session_id,
        "created_user_id": sign_up.created_user_id,
        "abandon_at": sign_up.abandon_at,
        "legal_accepted_at": sign_up.legal_accepted_at,
    })
}

fn verification_under_way(
    verification: Option<&CodeVerification>,
    strategy: &str,
    waiting: bool,
    now: Timestamp,
) -> Value {
    let mut object = match verification {
        Some(verification) => verification.object(now),
        None => json!({
            "object": "verification_otp",
            "status": if waiting { "unverified" } else { "verified" },
            // The components send a code unless one is said to be on its way, which a strategy here would say.
            "strategy": null,
            "attempts": null,
            "expire_at": null,
        }),
    };
    object["next_action"] = json!(match (waiting, verification) {
        (false, _) => "",
        (true, None) => "needs_prepare",
        (true, Some(_)) => "needs_attempt",
    });
    object["supported_strategies"] = json!([strategy]);
    object
}
