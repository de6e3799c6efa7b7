//! Signing in: from an identifier to a session, one factor after the other.
//!
//! ```text
//! needs_identifier ─▶ needs_first_factor ─▶ needs_second_factor ─▶ complete
//!                            └─ a code instead of the password ─▶ needs_new_password ─┘
//! ```
//!
//! A second factor is a code to a phone number that its user reserved for that, a code of an authenticator app, or a backup
//! code. What Clerk counts across sign-ins (a
//! hundred wrong passwords lock an account) is not counted here.

mod factors;

use std::time::Duration;

use clerk::{OrganizationId, SessionId, Timestamp, UserId};
use http::StatusCode;
use serde::{Deserialize, Serialize};

pub(crate) use factors::{Factor, first_factors, second_factors};

use super::{
    settings::InstanceSettings,
    tickets::{Terms, Ticket},
    verification::{CodeStrategy, CodeVerification, Recipient},
};
use crate::{
    change::Change,
    passwords::Password,
    refusal::Refusal,
    restrictions,
    sessions::{CHOOSE_ORGANIZATION, NewSession},
    state::State,
    users::{Identifier, User, check_password},
};

/// Clerk abandons a sign-in after a day.
const ABANDON_AFTER: Duration = Duration::from_secs(86_400);

/// An attempt to sign in, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    pub(crate) id: String,
    pub(crate) status: SignInStatus,
    pub(crate) identifier: Option<String>,
    pub(crate) user_id: Option<UserId>,
    pub(crate) first_factor: Option<Proof>,
    pub(crate) second_factor: Option<CodeVerification>,
    pub(crate) created_session_id: Option<SessionId>,
    pub(crate) abandon_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignInStatus {
    NeedsIdentifier,
    NeedsFirstFactor,
    NeedsSecondFactor,
    NeedsNewPassword,
    Complete,
}

impl SignInStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NeedsIdentifier => "needs_identifier",
            Self::NeedsFirstFactor => "needs_first_factor",
            Self::NeedsSecondFactor => "needs_second_factor",
            Self::NeedsNewPassword => "needs_new_password",
            Self::Complete => "complete",
        }
    }
}

/// What was or is being proven as the first factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Proof {
    Password,
    Ticket,
    Code(CodeVerification),
}

impl Proof {
    pub(crate) fn strategy(&self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Ticket => "ticket",
            Self::Code(verification) => verification.strategy.as_str(),
        }
    }
}

/// How somebody wants to prove who they are, as far as they say.
#[derive(Debug, Clone)]
pub(crate) enum Strategy {
    Password(String),
    Code(CodeStrategy),
}

/// What a ticket says about the session that comes of it; nothing without a ticket.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) terms: Terms,
}

/// What a sign-in is done with: whose client, under which settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignInOn<'a> {
    pub(crate) client: &'a str,
    pub(crate) settings: &'a InstanceSettings,
}

impl Change<'_> {
    /// Begins a sign-in, which takes the place of one that is under way.
    pub(crate) fn begin_sign_in(
        &mut self,
        on: SignInOn<'_>,
        identifier: Option<String>,
        strategy: Option<Strategy>,
    ) -> Result<(), Refusal> {
        self.check_room(on, None)?;
        let user = match &identifier {
            None => None,
            Some(identifier) => {
                let user = find_user(self.state, on.settings, identifier)?;
                restrictions::check_sign_in(self.state, on.settings.sign_up_mode, identifier)?;
                Some(user.id.clone())
            }
        };
        if let Some(user) = &user {
            self.check_room(on, Some(user))?;
        }
        let status = if user.is_some() { SignInStatus::NeedsFirstFactor } else { SignInStatus::NeedsIdentifier };
        let sign_in = SignIn {
            id: self.state.ids.prefixed("sia_", self.now),
            status,
            identifier,
            user_id: user,
            first_factor: None,
            second_factor: None,
            created_session_id: None,
            abandon_at: self.now.plus(ABANDON_AFTER),
        };
        let id = sign_in.id.clone();
        self.alter_client(on.client, |client| client.sign_in = Some(sign_in));
        match strategy {
            None => Ok(()),
            Some(Strategy::Password(password)) => self.attempt_password(on, &id, &password),
            Some(Strategy::Code(strategy)) => self.prepare_first_factor(on, &id, strategy, None),
        }
    }

    /// Signs in whoever a ticket was sent to, and uses it up.
    pub(crate) fn sign_in_by_ticket(&mut self, on: SignInOn<'_>, text: &str) -> Result<(), Refusal> {
        let ticket = Ticket::find(self.view(), text)?;
        let user = ticket.user(self.state).map(|user| user.id.clone());
        let user = user.ok_or_else(|| {
            let message = "There is no account for this ticket yet. Sign up with it instead.";
            Refusal::new(StatusCode::BAD_REQUEST, "ticket_account_missing", "no account", message)
        })?;
        self.check_room(on, Some(&user))?;
        self.spend(&ticket, &user)?;
        let sign_in = SignIn {
            id: self.state.ids.prefixed("sia_", self.now),
            status: SignInStatus::NeedsFirstFactor,
            identifier: None,
            user_id: Some(user),
            first_factor: Some(Proof::Ticket),
            second_factor: None,
            created_session_id: None,
            abandon_at: self.now.plus(ABANDON_AFTER),
        };
        let arrival = Arrival { organization: ticket.organization, terms: ticket.terms };
        self.finish_sign_in(on, sign_in, arrival)
    }

    /// Sends a code to one of the user's addresses: the one named, or the first that will do.
    pub(crate) fn prepare_first_factor(
        &mut self,
        on: SignInOn<'_>,
        id: &str,
        strategy: CodeStrategy,
        address_id: Option<&str>,
    ) -> Result<(), Refusal> {
        let mut sign_in = self.sign_in(on, id, SignInStatus::NeedsFirstFactor)?;
        let user = user_of(self.state, &sign_in)?.clone();
        let factors = first_factors(&user, on.settings);
        sign_in.first_factor = Some(Proof::Code(self.send_code(&user, &factors, strategy, address_id)?));
        self.keep(on, sign_in);
        Ok(())
    }

    pub(crate) fn attempt_password(&mut self, on: SignInOn<'_>, id: &str, password: &str) -> Result<(), Refusal> {
        let mut sign_in = self.sign_in(on, id, SignInStatus::NeedsFirstFactor)?;
        let user = user_of(self.state, &sign_in)?;
        match &user.password {
            None => return Err(strategy_invalid("password")),
            Some(Password::Foreign { hasher }) => {
                return Err(Refusal::not_emulated(format_args!("Signing in with a password hashed by {hasher}")));
            }
            Some(kept) if !kept.matches(password) => {
                let message = "Password is incorrect. Try again, or use another method.";
                return Err(Refusal::form("form_password_incorrect", "is incorrect", message, "password"));
            }
            Some(_) => {}
        }
        if user.password_compromised {
            let message = "Your password may be compromised. To protect your account, please continue with an \
                           alternative sign-in method. You will be required to reset your password after signing in.";
            return Err(Refusal::form("form_password_compromised", "is compromised", message, "password"));
        }
        sign_in.first_factor = Some(Proof::Password);
        self.finish_first_factor(on, sign_in)
    }

    pub(crate) fn attempt_code(&mut self, on: SignInOn<'_>, id: &str, code: &str) -> Result<(), Refusal> {
        let mut sign_in = self.sign_in(on, id, SignInStatus::NeedsFirstFactor)?;
        let Some(Proof::Code(verification)) = &mut sign_in.first_factor else { return Err(nothing_prepared()) };
        let attempt = verification.attempt(code, self.now);
        let resets_password = verification.strategy.resets_password();
        if attempt.is_err() {
            self.keep(on, sign_in);
            return attempt;
        }
        if resets_password {
            sign_in.status = SignInStatus::NeedsNewPassword;
            self.keep(on, sign_in);
            return Ok(());
        }
        self.finish_first_factor(on, sign_in)
    }

    /// Sets the password of somebody who proved an address instead of it.
    pub(crate) fn reset_password(
        &mut self,
        on: SignInOn<'_>,
        id: &str,
        password: &str,
        sign_out_of_other_sessions: bool,
    ) -> Result<(), Refusal> {
        let sign_in = self.sign_in(on, id, SignInStatus::NeedsNewPassword)?;
        check_password("password", password)?;
        let user = user_of(self.state, &sign_in)?.id.clone();
        let (hashed, now) = (Password::of(password), self.now);
        self.alter_user(user.as_str(), |user| {
            user.set_password(Some(hashed), now);
            Ok(())
        })?;
        if sign_out_of_other_sessions {
            self.revoke_sessions_of(&user);
        }
        self.finish_first_factor(on, sign_in)
    }

    pub(crate) fn prepare_second_factor(
        &mut self,
        on: SignInOn<'_>,
        id: &str,
        phone_number_id: Option<&str>,
    ) -> Result<(), Refusal> {
        let mut sign_in = self.sign_in(on, id, SignInStatus::NeedsSecondFactor)?;
        let user = user_of(self.state, &sign_in)?.clone();
        let factors = second_factors(&user);
        sign_in.second_factor = Some(self.send_code(&user, &factors, CodeStrategy::Phone, phone_number_id)?);
        self.keep(on, sign_in);
        Ok(())
    }

    pub(crate) fn attempt_second_factor(&mut self, on: SignInOn<'_>, id: &str, code: &str) -> Result<(), Refusal> {
        let mut sign_in = self.sign_in(on, id, SignInStatus::NeedsSecondFactor)?;
        let Some(verification) = &mut sign_in.second_factor else { return Err(nothing_prepared()) };
        let attempt = verification.attempt(code, self.now);
        if attempt.is_err() {
            self.keep(on, sign_in);
            return attempt;
        }
        self.finish_sign_in(on, sign_in, Arrival::default())
    }

    /// Proves a second factor that nobody has to send: a code of an authenticator app, or a backup code.
    pub(crate) fn attempt_authenticator(&mut self, on: SignInOn<'_>, id: &str, code: &str) -> Result<(), Refusal> {
        let sign_in = self.sign_in(on, id, SignInStatus::NeedsSecondFactor)?;
        let user = user_of(self.state, &sign_in)?.id.clone();
        if self.use_second_factor(user.as_str(), code).is_err() {
            return Err(Refusal::form("form_code_incorrect", "is incorrect", "Incorrect code", "code"));
        }
        self.finish_sign_in(on, sign_in, Arrival::default())
    }

    /// Opens a session on a client for somebody who has proven enough: in `organization`, or in the one that was active
    /// last. Where an organization is required and none is, the session is pending.
    pub(crate) fn open_session(
        &mut self,
        on: SignInOn<'_>,
        user: &UserId,
        strategy: &str,
        arrival: Arrival,
    ) -> Result<SessionId, Refusal> {
        let organization = arrival.organization.or_else(|| last_active_organization(self.state, user));
        let homeless = on.settings.organization_required && organization.is_none();
        let tasks = if homeless { vec![CHOOSE_ORGANIZATION.to_owned()] } else { Vec::new() };
        let new = NewSession::on_client(on.client, user, organization.as_ref(), tasks);
        let session = self.create_session(new.under(arrival.terms.actor, arrival.terms.seconds))?;
        self.add_to_client(on.client, &session.id, strategy);
        Ok(session.id)
    }

    fn finish_first_factor(&mut self, on: SignInOn<'_>, mut sign_in: SignIn) -> Result<(), Refusal> {
        if second_factors(user_of(self.state, &sign_in)?).is_empty() {
            return self.finish_sign_in(on, sign_in, Arrival::default());
        }
        sign_in.status = SignInStatus::NeedsSecondFactor;
        self.keep(on, sign_in);
        Ok(())
    }

    fn finish_sign_in(&mut self, on: SignInOn<'_>, mut sign_in: SignIn, arrival: Arrival) -> Result<(), Refusal> {
        let user = user_of(self.state, &sign_in)?.id.clone();
        let strategy = sign_in.first_factor.as_ref().map_or("password", Proof::strategy);
        let session = self.open_session(on, &user, strategy, arrival)?;
        sign_in.status = SignInStatus::Complete;
        sign_in.created_session_id = Some(session);
        self.keep(on, sign_in);
        Ok(())
    }

    fn send_code(
        &mut self,
        user: &User,
        factors: &[Factor],
        strategy: CodeStrategy,
        address_id: Option<&str>,
    ) -> Result<CodeVerification, Refusal> {
        let mut possible = factors.iter().filter(|factor| factor.strategy == strategy.as_str());
        let named = |factor: &&Factor| address_id.is_none_or(|id| factor.address_id.as_deref() == Some(id));
        let factor = possible.find(named).ok_or_else(|| strategy_invalid(strategy.as_str()))?;
        let address = factor.address.as_deref().unwrap_or_default();
        let to = Recipient { address, address_id: factor.address_id.as_deref(), user: Some(&user.id) };
        Ok(self.send_code_to(strategy, to))
    }

    /// The sign-in under way on the client, when it is this one and at this point.
    fn sign_in(&self, on: SignInOn<'_>, id: &str, expected: SignInStatus) -> Result<SignIn, Refusal> {
        let sign_in = self.state.clients.get(on.client).and_then(|client| client.sign_in.as_ref());
        let sign_in = sign_in.filter(|sign_in| sign_in.id == id && sign_in.abandon_at > self.now);
        let sign_in = sign_in.ok_or_else(|| Refusal::not_found("sign in", id))?;
        if sign_in.status != expected {
            let message = format!(
                "The sign-in is at {}, and this step belongs to {}.",
                sign_in.status.as_str(),
                expected.as_str()
            );
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "client_state_invalid", "Invalid action", message));
        }
        Ok(sign_in.clone())
    }

    fn keep(&mut self, on: SignInOn<'_>, sign_in: SignIn) {
        self.alter_client(on.client, |client| client.sign_in = Some(sign_in));
    }

    /// Refuses a second person on a client that takes one, and the same person twice on any.
    pub(super) fn check_room(&self, on: SignInOn<'_>, user: Option<&UserId>) -> Result<(), Refusal> {
        let Some(client) = self.state.clients.get(on.client) else { return Ok(()) };
        let message = "You're already signed in.";
        for session in client.sessions(self.state, self.now) {
            if !on.settings.multi_session {
                let refusal =
                    Refusal::new(StatusCode::BAD_REQUEST, "session_exists", "Session already exists", message);
                return Err(refusal.with_meta(serde_json::json!({ "session_id": session.id })));
            }
            if user == Some(&session.user_id) {
                let code = "identifier_already_signed_in";
                let refusal = Refusal::new(StatusCode::BAD_REQUEST, code, "Identifier already signed in", message);
                return Err(refusal.with_meta(serde_json::json!({ "session_id": session.id })));
            }
        }
        Ok(())
    }
}

/// Whoever an e-mail address, phone number or username belongs to, when the instance signs people in by such a thing.
fn find_user<'a>(state: &'a State, settings: &InstanceSettings, identifier: &str) -> Result<&'a User, Refusal> {
    let kinds = [
        (settings.email_address, Identifier::email_address(identifier)),
        (settings.phone_number, Identifier::PhoneNumber(identifier.to_owned())),
        (settings.username, Identifier::username(identifier)),
    ];
    let mut found = kinds.iter().filter(|(use_, _)| use_.enabled()).filter_map(|(_, key)| state.users.owner(key));
    found.find(|user| !factors::only_unverified(user, identifier)).ok_or_else(|| {
        let message = "Couldn't find your account.";
        Refusal::form("form_identifier_not_found", "is invalid", message, "identifier")
    })
}

fn user_of<'a>(state: &'a State, sign_in: &SignIn) -> Result<&'a User, Refusal> {
    let user = sign_in.user_id.as_ref().and_then(|id| state.users.get(id.as_str()));
    user.ok_or_else(|| {
        Refusal::form("form_identifier_not_found", "is invalid", "Couldn't find your account.", "identifier")
    })
}

/// The organization of the user's newest session, while they are still a member of it.
fn last_active_organization(state: &State, user: &UserId) -> Option<OrganizationId> {
    let session = state.sessions.of_user(user.as_str()).next_back()?;
    let organization = session.last_active_organization_id.as_ref()?;
    state.memberships.between(organization.as_str(), user.as_str()).map(|_| organization.clone())
}

fn strategy_invalid(strategy: &str) -> Refusal {
    let message = format!("The verification strategy {strategy} is not valid for this account.");
    Refusal::form("strategy_for_user_invalid", "verification strategy is not valid", message, "strategy")
}

fn nothing_prepared() -> Refusal {
    let message = "No code was sent yet; prepare the factor first.";
    Refusal::new(StatusCode::BAD_REQUEST, "verification_missing", "verification missing", message)
}
