//! Changes to a user: profile, metadata, ban, lock, deletion. Each one announces what happened.

use clerk::{EventKind, Timestamp, UserId};
use http::StatusCode;

use super::{
    User,
    create::{LOCKOUT_SECONDS, check_username, read_password},
};
use crate::{
    api_version::ApiVersion,
    billing::Payer,
    change::Change,
    form::{Field, Form},
    images,
    metadata::{self, Metadata, MetadataMode},
    passwords::Password,
    refusal::Refusal,
    totp::{Authenticators, CodeKind, NewAuthenticators},
};

/// What `PATCH /v1/users/{id}` asks for.
#[derive(Debug)]
pub(crate) struct UserPatch {
    external_id: Field<String>,
    username: Field<String>,
    first_name: Field<String>,
    last_name: Field<String>,
    locale: Field<String>,
    primary_email_address_id: Field<String>,
    primary_phone_number_id: Field<String>,
    metadata: Option<UserMetadata>,
    password: Option<Password>,
    authenticators: NewAuthenticators,
    sign_out_of_other_sessions: bool,
    delete_self_enabled: Field<bool>,
    create_organization_enabled: Field<bool>,
    create_organizations_limit: Field<i64>,
    bypass_client_trust: Field<bool>,
    legal_accepted_at: Field<Timestamp>,
    created_at: Field<Timestamp>,
}

/// The metadata members of a form.
#[derive(Debug)]
pub(crate) struct UserMetadata {
    public: Field<Metadata>,
    private: Field<Metadata>,
    unsafe_: Field<Metadata>,
}

impl UserMetadata {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let metadata = Self::take(&mut form)?;
        form.finish()?;
        Ok(metadata)
    }

    fn take(form: &mut Form) -> Result<Self, Refusal> {
        Ok(Self {
            public: metadata::read(form, "public_metadata")?,
            private: metadata::read(form, "private_metadata")?,
            unsafe_: metadata::read(form, "unsafe_metadata")?,
        })
    }

    fn apply(self, mode: MetadataMode, user: &mut User) -> Result<(), Refusal> {
        metadata::apply(mode, "public_metadata", self.public, &mut user.public_metadata)?;
        metadata::apply(mode, "private_metadata", self.private, &mut user.private_metadata)?;
        metadata::apply(mode, "unsafe_metadata", self.unsafe_, &mut user.unsafe_metadata)
    }
}

impl UserPatch {
    pub(crate) fn read(mut form: Form, version: ApiVersion) -> Result<Self, Refusal> {
        let unsupported = ["primary_web3_wallet_id", "profile_image_id"];
        form.not_emulated(&unsupported)?;
        form.ignore(&unsupported);
        form.ignore(&["notify_primary_email_address_changed", "skip_legal_checks"]);
        let metadata = if version.updates_take_metadata() { Some(UserMetadata::take(&mut form)?) } else { None };
        let patch = Self {
            external_id: form.string("external_id")?,
            username: form.string("username")?,
            first_name: form.string("first_name")?,
            last_name: form.string("last_name")?,
            locale: form.string("locale")?,
            primary_email_address_id: form.string("primary_email_address_id")?,
            primary_phone_number_id: form.string("primary_phone_number_id")?,
            metadata,
            password: read_password(&mut form)?,
            authenticators: Authenticators::take(&mut form)?,
            sign_out_of_other_sessions: form.boolean("sign_out_of_other_sessions")?.given().unwrap_or(false),
            delete_self_enabled: form.boolean("delete_self_enabled")?,
            create_organization_enabled: form.boolean("create_organization_enabled")?,
            create_organizations_limit: form.integer("create_organizations_limit")?,
            bypass_client_trust: form.boolean("bypass_client_trust")?,
            legal_accepted_at: form.time("legal_accepted_at")?,
            created_at: form.time("created_at")?,
        };
        form.finish()?;
        if let Field::Given(username) = &patch.username
            && !username.is_empty()
        {
            check_username(username)?;
        }
        Ok(patch)
    }

    fn apply(self, user: &mut User, now: Timestamp) -> Result<(), Refusal> {
        if let Some(password) = self.password {
            user.set_password(Some(password), now);
        }
        self.authenticators.apply(&mut user.authenticators);
        self.external_id.patch(&mut user.external_id);
        self.username.patch(&mut user.username);
        user.external_id = user.external_id.take().filter(|id| !id.is_empty());
        user.username = user.username.take().filter(|name| !name.is_empty());
        self.first_name.patch(&mut user.first_name);
        self.last_name.patch(&mut user.last_name);
        self.locale.patch(&mut user.locale);
        if let Field::Given(id) = self.primary_email_address_id {
            let known = user.email_addresses.iter().any(|email| email.id == id);
            user.primary_email_address_id = Some(owned(known, id, "primary_email_address_id")?);
        }
        if let Field::Given(id) = self.primary_phone_number_id {
            let known = user.phone_numbers.iter().any(|phone| phone.id == id);
            user.primary_phone_number_id = Some(owned(known, id, "primary_phone_number_id")?);
        }
        if let Some(metadata) = self.metadata {
            metadata.apply(MetadataMode::Replace, user)?;
        }
        self.delete_self_enabled.set(&mut user.delete_self_enabled);
        self.create_organization_enabled.set(&mut user.create_organization_enabled);
        self.create_organizations_limit.patch(&mut user.create_organizations_limit);
        self.bypass_client_trust.set(&mut user.bypass_client_trust);
        self.legal_accepted_at.patch(&mut user.legal_accepted_at);
        self.created_at.set(&mut user.created_at);
        Ok(())
    }
}

fn owned(known: bool, id: String, parameter: &str) -> Result<String, Refusal> {
    if known {
        return Ok(id);
    }
    let message = format!("The resource associated with the supplied {parameter} was not found.");
    Err(Refusal::form("form_resource_not_found", "is missing", message, parameter))
}

impl Change<'_> {
    pub(crate) fn update_user(&mut self, id: &str, patch: UserPatch) -> Result<UserId, Refusal> {
        let (password_given, sign_out) = (patch.password.is_some(), patch.sign_out_of_other_sessions);
        let now = self.now;
        let id = self.alter_user(id, |user| patch.apply(user, now))?;
        if password_given && sign_out {
            self.revoke_sessions_of(&id);
        }
        Ok(id)
    }

    pub(crate) fn update_user_metadata(
        &mut self,
        id: &str,
        metadata: UserMetadata,
        mode: MetadataMode,
    ) -> Result<UserId, Refusal> {
        self.alter_user(id, |user| metadata.apply(mode, user))
    }

    /// Gives the user a picture, or takes away the one that somebody uploaded.
    pub(crate) fn set_user_image(&mut self, id: &str, url: Option<String>) -> Result<UserId, Refusal> {
        self.alter_user(id, |user| {
            if url.is_none() && user.image_url.is_none() {
                return Err(images::not_found());
            }
            user.image_url = url;
            Ok(())
        })
    }

    /// Whether a code of an authenticator app, or a backup code, is the user's. A backup code is used up.
    pub(crate) fn use_second_factor(&mut self, id: &str, code: &str) -> Result<CodeKind, Refusal> {
        let user = self.state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))?;
        if !user.authenticators.any() {
            let long = "This user does not have TOTP enabled in their account";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "totp_disabled", "TOTP is disabled", long));
        }
        let mut user = user.clone();
        let kind = user.authenticators.use_code(code, self.now).ok_or_else(|| {
            let long = "The provided TOTP code is incorrect";
            Refusal::form("totp_incorrect_code", "incorrect TOTP", long, "code")
        })?;
        self.state.users.put(user);
        Ok(kind)
    }

    /// Takes the password away; signs out of every session if wanted.
    pub(crate) fn remove_password(&mut self, id: &str, sign_out: bool) -> Result<UserId, Refusal> {
        let now = self.now;
        let id = self.alter_user(id, |user| {
            if !user.password_enabled {
                let long = "This user does not have a password set for their account";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "no_password_set", "no password set", long));
            }
            user.set_password(None, now);
            Ok(())
        })?;
        if sign_out {
            self.revoke_sessions_of(&id);
        }
        Ok(id)
    }

    /// A banned user loses all sessions and cannot get new ones.
    pub(crate) fn ban_user(&mut self, id: &str) -> Result<UserId, Refusal> {
        let id = self.alter_user(id, |user| {
            user.banned = true;
            Ok(())
        })?;
        self.revoke_sessions_of(&id);
        Ok(id)
    }

    pub(crate) fn unban_user(&mut self, id: &str) -> Result<UserId, Refusal> {
        self.alter_user(id, |user| {
            user.banned = false;
            Ok(())
        })
    }

    pub(crate) fn lock_user(&mut self, id: &str) -> Result<UserId, Refusal> {
        let until = self.now.plus(std::time::Duration::from_secs(LOCKOUT_SECONDS.unsigned_abs()));
        self.alter_user(id, |user| {
            user.locked_until = Some(until);
            Ok(())
        })
    }

    pub(crate) fn unlock_user(&mut self, id: &str) -> Result<UserId, Refusal> {
        self.alter_user(id, |user| {
            user.locked_until = None;
            Ok(())
        })
    }

    /// Removes the user with sessions and memberships. Clerk is not known to announce what goes along with a deleted
    /// user, so `user.deleted` is the only event.
    pub(crate) fn delete_user(&mut self, id: &str) -> Result<User, Refusal> {
        let id = self.state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))?.id.clone();
        self.state.memberships.remove_user(&id);
        self.state.sessions.remove_user(&id);
        self.state.sign_in_tickets.remove_where(|ticket| ticket.user_id == id);
        self.state.oauth_tokens.remove_where(|token| token.user_id == id);
        self.state.api_keys.remove_where(|key| key.subject == id.as_str());
        self.state.billing.remove_payer(&Payer::User(id.clone()));
        let user = self.state.users.remove(&id).expect("the user was found a moment ago");
        self.announce_deleted_user(&user);
        Ok(user)
    }

    /// Changes a copy, checks it, stores it and announces `user.updated`; a refusal leaves everything as it was.
    pub(crate) fn alter_user(
        &mut self,
        id: &str,
        alter: impl FnOnce(&mut User) -> Result<(), Refusal>,
    ) -> Result<UserId, Refusal> {
        let mut user = self.state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))?.clone();
        let two_factors = user.two_factor_enabled();
        alter(&mut user)?;
        self.check_identifiers(&user)?;
        user.updated_at = self.now;
        match (two_factors, user.two_factor_enabled()) {
            (false, true) => user.mfa_enabled_at = Some(self.now),
            (true, false) => user.mfa_disabled_at = Some(self.now),
            _ => {}
        }
        let id = user.id.clone();
        self.state.users.put(user);
        self.announce_user(EventKind::UserUpdated, &id);
        Ok(id)
    }
}
