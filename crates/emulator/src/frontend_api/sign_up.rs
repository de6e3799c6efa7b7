//! Signing up: from some fields to a user and a session.
//!
//! What has to be there and what has to be proven follows from the instance's settings, and is computed anew at each step:
//! a sign-up is complete at the moment when nothing is missing and nothing is unverified. Then the user is made and signed
//! in, in the same change.

use std::time::Duration;

use clerk::{SessionId, Timestamp, UserId};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    settings::{InstanceSettings, Requirement},
    sign_in::{Arrival, SignInOn},
    tickets::Ticket,
    verification::{CodeStrategy, CodeVerification, Recipient},
};
use crate::{
    change::Change,
    metadata::Metadata,
    passwords::Password,
    refusal::Refusal,
    restrictions,
    users::{Identifier, NewUser, SignedUp, check_email_address, check_password, check_phone_number, check_username},
};

/// Clerk abandons a sign-up after a day.
const ABANDON_AFTER: Duration = Duration::from_secs(86_400);

/// An attempt to sign up, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignUp {
    pub(crate) id: String,
    pub(crate) email_address: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) password: Option<Password>,
    pub(crate) unsafe_metadata: Metadata,
    pub(crate) locale: Option<String>,
    pub(crate) legal_accepted_at: Option<Timestamp>,
    pub(crate) email_verification: Option<CodeVerification>,
    pub(crate) phone_verification: Option<CodeVerification>,
    /// The ticket it came by.
    pub(crate) ticket: Option<String>,
    /// The e-mail address that the ticket vouches for.
    pub(crate) ticket_address: Option<String>,
    /// What the user is called elsewhere, as the application's server says.
    #[serde(default)]
    pub(crate) external_id: Option<String>,
    #[serde(default)]
    pub(crate) custom_action: bool,
    pub(crate) created_session_id: Option<SessionId>,
    pub(crate) created_user_id: Option<UserId>,
    pub(crate) abandon_at: Timestamp,
}

/// What a request says about the person; what it leaves out stays as it was.
#[derive(Debug, Default)]
pub(crate) struct SignUpFields {
    pub(crate) email_address: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) unsafe_metadata: Option<Metadata>,
    pub(crate) locale: Option<String>,
    pub(crate) legal_accepted: bool,
}

impl SignUp {
    /// The fields a sign-up can have: name, what the settings say, whether it is there.
    fn fields(&self, settings: &InstanceSettings) -> [(&'static str, Requirement, bool); 6] {
        [
            ("email_address", settings.email_address, self.email_address.is_some()),
            ("phone_number", settings.phone_number, self.phone_number.is_some()),
            ("username", settings.username, self.username.is_some()),
            ("first_name", settings.first_name, self.first_name.is_some()),
            ("last_name", settings.last_name, self.last_name.is_some()),
            ("password", settings.password, self.password.is_some()),
        ]
    }

    pub(crate) fn required(&self, settings: &InstanceSettings) -> Vec<&'static str> {
        let fields = self.fields(settings).into_iter();
        fields.filter(|(_, requirement, _)| requirement.required()).map(|(name, _, _)| name).collect()
    }

    pub(crate) fn optional(&self, settings: &InstanceSettings) -> Vec<&'static str> {
        let fields = self.fields(settings).into_iter();
        fields.filter(|(_, requirement, _)| *requirement == Requirement::Optional).map(|(name, _, _)| name).collect()
    }

    pub(crate) fn missing(&self, settings: &InstanceSettings) -> Vec<&'static str> {
        let fields = self.fields(settings).into_iter();
        fields.filter(|(_, requirement, there)| requirement.required() && !there).map(|(name, _, _)| name).collect()
    }

    /// The addresses that are there and not proven.
    pub(crate) fn unverified(&self) -> Vec<&'static str> {
        let proven =
            |verification: &Option<CodeVerification>| verification.as_ref().is_some_and(CodeVerification::verified);
        let mut unverified = Vec::new();
        let vouched = self.email_address.is_some() && self.email_address == self.ticket_address;
        if self.email_address.is_some() && !vouched && !proven(&self.email_verification) {
            unverified.push("email_address");
        }
        if self.phone_number.is_some() && !proven(&self.phone_verification) {
            unverified.push("phone_number");
        }
        unverified
    }

    pub(crate) fn status(&self) -> &'static str {
        if self.created_user_id.is_some() { "complete" } else { "missing_requirements" }
    }

    /// Takes over what a request says. A changed address has to be proven anew.
    fn take(&mut self, fields: SignUpFields, now: Timestamp) {
        let SignUpFields { email_address, phone_number, username, first_name, last_name, .. } = fields;
        if email_address.is_some() && email_address != self.email_address {
            self.email_address = email_address.filter(|text| !text.is_empty());
            self.email_verification = None;
        }
        if phone_number.is_some() && phone_number != self.phone_number {
            self.phone_number = phone_number.filter(|text| !text.is_empty());
            self.phone_verification = None;
        }
        for (given, target) in [
            (username, &mut self.username),
            (first_name, &mut self.first_name),
            (last_name, &mut self.last_name),
            (fields.locale, &mut self.locale),
        ] {
            if let Some(text) = given {
                *target = Some(text).filter(|text| !text.is_empty());
            }
        }
        if let Some(password) = fields.password.filter(|text| !text.is_empty()) {
            self.password = Some(Password::of(&password));
        }
        if let Some(metadata) = fields.unsafe_metadata {
            self.unsafe_metadata = metadata;
        }
        if fields.legal_accepted {
            self.legal_accepted_at = Some(now);
        }
    }
}

impl Change<'_> {
    /// Begins a sign-up, which takes the place of one that is under way.
    pub(crate) fn begin_sign_up(
        &mut self,
        on: SignInOn<'_>,
        fields: SignUpFields,
        ticket: Option<&str>,
    ) -> Result<(), Refusal> {
        self.check_room(on, None)?;
        restrictions::check_mode(on.settings.sign_up_mode, ticket.is_some())?;
        let ticket_address = match ticket {
            None => None,
            Some(text) => self.unused_ticket(text)?.email_address().map(str::to_owned),
        };
        self.check_fields(on.settings, &fields, ticket_address.as_deref())?;
        let mut sign_up = SignUp {
            id: self.state.ids.prefixed("sua_", self.now),
            email_address: ticket_address.clone(),
            phone_number: None,
            username: None,
            first_name: None,
            last_name: None,
            password: None,
            unsafe_metadata: Metadata::new(),
            locale: None,
            legal_accepted_at: None,
            email_verification: None,
            phone_verification: None,
            ticket: ticket.map(str::to_owned),
            ticket_address,
            external_id: None,
            custom_action: false,
            created_session_id: None,
            created_user_id: None,
            abandon_at: self.now.plus(ABANDON_AFTER),
        };
        sign_up.take(fields, self.now);
        self.advance_sign_up(on, sign_up)
    }

    pub(crate) fn update_sign_up(&mut self, on: SignInOn<'_>, id: &str, fields: SignUpFields) -> Result<(), Refusal> {
        let mut sign_up = self.sign_up(on, id)?;
        self.check_fields(on.settings, &fields, sign_up.ticket_address.as_deref())?;
        sign_up.take(fields, self.now);
        self.advance_sign_up(on, sign_up)
    }

    pub(crate) fn prepare_sign_up(
        &mut self,
        on: SignInOn<'_>,
        id: &str,
        strategy: CodeStrategy,
    ) -> Result<(), Refusal> {
        let mut sign_up = self.sign_up(on, id)?;
        let (name, address) = match strategy {
            CodeStrategy::Email => ("email_address", sign_up.email_address.clone()),
            CodeStrategy::Phone => ("phone_number", sign_up.phone_number.clone()),
            other => return Err(Refusal::wrong_value("strategy", other.as_str(), "email_code or phone_code")),
        };
        let address = address.ok_or_else(|| Refusal::missing(name))?;
        let to = Recipient { address: &address, address_id: None, user: None };
        let verification = self.send_code_to(strategy, to);
        if strategy.by_email() {
            sign_up.email_verification = Some(verification);
        } else {
            sign_up.phone_verification = Some(verification);
        }
        self.keep_sign_up(on, sign_up);
        Ok(())
    }

    pub(crate) fn attempt_sign_up(
        &mut self,
        on: SignInOn<'_>,
        id: &str,
        strategy: CodeStrategy,
        code: &str,
    ) -> Result<(), Refusal> {
        let mut sign_up = self.sign_up(on, id)?;
        let by_email = strategy.by_email();
        let verification = if by_email { &mut sign_up.email_verification } else { &mut sign_up.phone_verification };
        let Some(verification) = verification else {
            let message = "No code was sent yet; prepare the verification first.";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "verification_missing", "verification missing", message));
        };
        let attempt = verification.attempt(code, self.now);
        if attempt.is_err() {
            self.keep_sign_up(on, sign_up);
            return attempt;
        }
        self.advance_sign_up(on, sign_up)
    }

    /// Keeps the sign-up, or ends it when there is nothing left to ask.
    fn advance_sign_up(&mut self, on: SignInOn<'_>, mut sign_up: SignUp) -> Result<(), Refusal> {
        if !sign_up.missing(on.settings).is_empty() || !sign_up.unverified().is_empty() {
            self.keep_sign_up(on, sign_up);
            return Ok(());
        }
        let ticket = sign_up.ticket.as_deref().map(|text| self.unused_ticket(text)).transpose()?;
        let public_metadata = ticket.as_ref().map(|ticket| ticket.public_metadata(self.state)).unwrap_or_default();
        let strategy = if sign_up.email_address.is_some() { "email_code" } else { "phone_code" };
        let user = self.create_user(NewUser::signed_up(SignedUp {
            email_address: sign_up.email_address.clone(),
            phone_number: sign_up.phone_number.clone(),
            username: sign_up.username.clone(),
            first_name: sign_up.first_name.clone(),
            last_name: sign_up.last_name.clone(),
            locale: sign_up.locale.clone(),
            password: sign_up.password.clone(),
            public_metadata,
            unsafe_metadata: sign_up.unsafe_metadata.clone(),
            legal_accepted_at: sign_up.legal_accepted_at,
            external_id: sign_up.external_id.clone(),
        }))?;
        let organization = ticket.as_ref().and_then(|ticket| ticket.organization.clone());
        let arrival = Arrival { organization, ..Arrival::default() };
        if let Some(ticket) = &ticket {
            self.spend(ticket, &user)?;
        }
        sign_up.created_session_id = Some(self.open_session(on, &user, strategy, arrival)?);
        sign_up.created_user_id = Some(user);
        self.keep_sign_up(on, sign_up);
        Ok(())
    }

    /// A ticket of somebody who has no account.
    fn unused_ticket(&self, text: &str) -> Result<Ticket, Refusal> {
        let ticket = Ticket::find(self.view(), text)?;
        if ticket.user(self.state).is_some() {
            let message = "An account already exists for this invitation. Sign in instead.";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "invitation_account_exists", "account exists", message));
        }
        Ok(ticket)
    }

    /// `invited` is the address that a ticket vouches for.
    fn check_fields(
        &self,
        settings: &InstanceSettings,
        fields: &SignUpFields,
        invited: Option<&str>,
    ) -> Result<(), Refusal> {
        let given = [
            ("email_address", settings.email_address, &fields.email_address),
            ("phone_number", settings.phone_number, &fields.phone_number),
            ("username", settings.username, &fields.username),
            ("first_name", settings.first_name, &fields.first_name),
            ("last_name", settings.last_name, &fields.last_name),
            ("password", settings.password, &fields.password),
        ];
        let given = given.into_iter().filter_map(|(name, use_, text)| Some((name, use_, text.as_deref()?)));
        for (name, requirement, text) in given.filter(|(_, _, text)| !text.is_empty()) {
            if !requirement.enabled() {
                return Err(Refusal::unknown_parameters(std::iter::once(name)));
            }
            let identifier = match name {
                "email_address" => {
                    check_email_address(name, text)?;
                    Some((Identifier::email_address(text), "email address"))
                }
                "phone_number" => {
                    check_phone_number(name, text)?;
                    Some((Identifier::PhoneNumber(text.to_owned()), "phone number"))
                }
                "username" => {
                    check_username(text)?;
                    Some((Identifier::username(text), "username"))
                }
                "password" => {
                    check_password(name, text)?;
                    None
                }
                _ => None,
            };
            if matches!(name, "email_address" | "phone_number") {
                restrictions::check_sign_up(self.state, settings.sign_up_mode, text, invited)?;
            }
            if let Some((identifier, what)) = identifier
                && self.state.users.owner(&identifier).is_some()
            {
                return Err(Refusal::taken(name, what));
            }
        }
        Ok(())
    }

    /// The sign-up under way on the client, when it is this one.
    fn sign_up(&self, on: SignInOn<'_>, id: &str) -> Result<SignUp, Refusal> {
        let sign_up = self.state.clients.get(on.client).and_then(|client| client.sign_up.as_ref());
        let sign_up = sign_up.filter(|sign_up| sign_up.id == id && sign_up.abandon_at > self.now);
        let sign_up = sign_up.ok_or_else(|| Refusal::not_found("sign up", id))?;
        if sign_up.created_user_id.is_some() {
            let message = "The sign-up is complete.";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "client_state_invalid", "Invalid action", message));
        }
        Ok(sign_up.clone())
    }

    fn keep_sign_up(&mut self, on: SignInOn<'_>, sign_up: SignUp) {
        self.alter_client(on.client, |client| client.sign_up = Some(sign_up));
    }
}
