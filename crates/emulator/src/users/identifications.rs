//! E-mail addresses and phone numbers one by one: `/v1/email_addresses` and `/v1/phone_numbers`.
//!
//! A primary one is verified. When the primary one is deleted, the next verified one takes its place. Every change here
//! is a change of the user and announces `user.updated`.

use clerk::Timestamp;
use http::StatusCode;

use super::{
    EmailAddress, IdentificationState, PhoneNumber, User,
    collection::Identifier,
    create::{check_email_address, check_phone_number},
};
use crate::{change::Change, form::Form, refusal::Refusal, users::Users};

/// The two kinds of address that the Backend API manages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdentificationKind {
    EmailAddress,
    PhoneNumber,
}

/// One of a user's addresses, found by its id.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Identification<'a> {
    EmailAddress(&'a EmailAddress),
    PhoneNumber(&'a PhoneNumber),
}

impl IdentificationKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EmailAddress => "email_address",
            Self::PhoneNumber => "phone_number",
        }
    }

    /// As in "No email address was found".
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::EmailAddress => "email address",
            Self::PhoneNumber => "phone number",
        }
    }

    pub(crate) fn find<'a>(self, users: &'a Users, id: &str) -> Result<(&'a User, Identification<'a>), Refusal> {
        let user = users.owner(&Identifier::Identification(id.to_owned()));
        let found = user.and_then(|user| Some((user, self.of(user, id)?)));
        found.ok_or_else(|| Refusal::not_found(self.label(), id))
    }

    fn of<'a>(self, user: &'a User, id: &str) -> Option<Identification<'a>> {
        match self {
            Self::EmailAddress => {
                user.email_addresses.iter().find(|email| email.id == id).map(Identification::EmailAddress)
            }
            Self::PhoneNumber => {
                user.phone_numbers.iter().find(|phone| phone.id == id).map(Identification::PhoneNumber)
            }
        }
    }

    fn primary(self, user: &mut User) -> &mut Option<String> {
        match self {
            Self::EmailAddress => &mut user.primary_email_address_id,
            Self::PhoneNumber => &mut user.primary_phone_number_id,
        }
    }

    fn first_verified(self, user: &User) -> Option<String> {
        let verified = |state| state == IdentificationState::Verified;
        match self {
            Self::EmailAddress => {
                user.email_addresses.iter().find(|email| verified(email.state)).map(|email| email.id.clone())
            }
            Self::PhoneNumber => {
                user.phone_numbers.iter().find(|phone| verified(phone.state)).map(|phone| phone.id.clone())
            }
        }
    }
}

/// An address somebody adds to a user.
#[derive(Debug)]
pub(crate) struct NewIdentification {
    kind: IdentificationKind,
    user_id: String,
    value: String,
    verified: bool,
    primary: bool,
    reserved_for_second_factor: bool,
}

impl NewIdentification {
    pub(crate) fn read(kind: IdentificationKind, mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            kind,
            user_id: form.string("user_id")?.required("user_id")?,
            value: form.string(kind.name())?.required(kind.name())?,
            verified: form.boolean("verified")?.given().unwrap_or(false),
            primary: form.boolean("primary")?.given().unwrap_or(false),
            reserved_for_second_factor: second_factor(kind, &mut form)?.unwrap_or(false),
        };
        form.ignore(&["notify_primary_email_address_changed"]);
        form.finish()?;
        match kind {
            IdentificationKind::EmailAddress => check_email_address(kind.name(), &new.value)?,
            IdentificationKind::PhoneNumber => check_phone_number(kind.name(), &new.value)?,
        }
        if new.primary && !new.verified {
            return Err(unverified_primary(kind));
        }
        Ok(new)
    }
}

/// The one address of its kind that a user is to have: `PUT /v1/users/{id}/email_address` and `…/phone_number`.
#[derive(Debug)]
pub(crate) struct SoleIdentification {
    value: String,
    state: IdentificationState,
}

impl SoleIdentification {
    pub(crate) fn read(kind: IdentificationKind, mut form: Form) -> Result<Self, Refusal> {
        let value = form.string(kind.name())?.required(kind.name())?;
        let state = form.word("identification_status", &["verified", "reserved", "unverified"])?.given();
        form.ignore(&["notify_primary_email_address_changed"]);
        form.finish()?;
        match kind {
            IdentificationKind::EmailAddress => check_email_address(kind.name(), &value)?,
            IdentificationKind::PhoneNumber => check_phone_number(kind.name(), &value)?,
        }
        let state = match state {
            Some("reserved") => IdentificationState::Reserved,
            Some("unverified") => IdentificationState::Unverified,
            _ => IdentificationState::Verified,
        };
        Ok(Self { value, state })
    }
}

/// What somebody changes about an address.
#[derive(Debug)]
pub(crate) struct IdentificationPatch {
    verified: Option<bool>,
    primary: Option<bool>,
    reserved_for_second_factor: Option<bool>,
}

impl IdentificationPatch {
    /// What the right code does.
    pub(crate) fn verified() -> Self {
        Self { verified: Some(true), primary: None, reserved_for_second_factor: None }
    }

    pub(crate) fn read(kind: IdentificationKind, mut form: Form) -> Result<Self, Refusal> {
        let patch = Self {
            verified: form.boolean("verified")?.given(),
            primary: form.boolean("primary")?.given(),
            reserved_for_second_factor: second_factor(kind, &mut form)?,
        };
        form.ignore(&["notify_primary_email_address_changed"]);
        form.finish()?;
        Ok(patch)
    }
}

fn second_factor(kind: IdentificationKind, form: &mut Form) -> Result<Option<bool>, Refusal> {
    match kind {
        IdentificationKind::EmailAddress => Ok(None),
        IdentificationKind::PhoneNumber => Ok(form.boolean("reserved_for_second_factor")?.given()),
    }
}

fn unverified_primary(kind: IdentificationKind) -> Refusal {
    let message = format!("Only a verified {} can be the primary one.", kind.name());
    Refusal::form("form_param_value_invalid", "is invalid", message, "primary")
}

impl Change<'_> {
    /// Adds an address; the first one of its kind is the primary one. Returns its id.
    pub(crate) fn create_identification(&mut self, new: NewIdentification) -> Result<String, Refusal> {
        let id = self.state.ids.prefixed("idn_", self.now);
        let now = self.now;
        let state = if new.verified { IdentificationState::Verified } else { IdentificationState::Unverified };
        self.alter_user(&new.user_id, |user| {
            match new.kind {
                IdentificationKind::EmailAddress => user.email_addresses.push(EmailAddress {
                    id: id.clone(),
                    email_address: new.value,
                    state,
                    created_at: now,
                    updated_at: now,
                }),
                IdentificationKind::PhoneNumber => user.phone_numbers.push(PhoneNumber {
                    id: id.clone(),
                    phone_number: new.value,
                    state,
                    reserved_for_second_factor: new.reserved_for_second_factor,
                    created_at: now,
                    updated_at: now,
                }),
            }
            let primary = new.kind.primary(user);
            if new.primary || primary.is_none() {
                *primary = Some(id.clone());
            }
            Ok(())
        })?;
        Ok(id)
    }

    /// Puts one address in the place of all that the user has of its kind. Returns its id.
    pub(crate) fn replace_identifications(
        &mut self,
        kind: IdentificationKind,
        user: &str,
        sole: SoleIdentification,
    ) -> Result<String, Refusal> {
        let id = self.state.ids.prefixed("idn_", self.now);
        let now = self.now;
        let SoleIdentification { value, state } = sole;
        self.alter_user(user, |user| {
            match kind {
                IdentificationKind::EmailAddress => {
                    user.email_addresses = vec![EmailAddress {
                        id: id.clone(),
                        email_address: value,
                        state,
                        created_at: now,
                        updated_at: now,
                    }];
                }
                IdentificationKind::PhoneNumber => {
                    user.phone_numbers = vec![PhoneNumber {
                        id: id.clone(),
                        phone_number: value,
                        state,
                        reserved_for_second_factor: false,
                        created_at: now,
                        updated_at: now,
                    }];
                }
            }
            *kind.primary(user) = Some(id.clone());
            Ok(())
        })?;
        Ok(id)
    }

    pub(crate) fn update_identification(
        &mut self,
        kind: IdentificationKind,
        id: &str,
        patch: &IdentificationPatch,
    ) -> Result<(), Refusal> {
        let (user, _) = kind.find(&self.state.users, id)?;
        let user = user.id.clone();
        let now = self.now;
        self.alter_user(user.as_str(), |user| {
            let state = patch_one(user, kind, id, patch, now);
            if patch.primary == Some(true) {
                if state != Some(IdentificationState::Verified) {
                    return Err(unverified_primary(kind));
                }
                *kind.primary(user) = Some(id.to_owned());
            }
            Ok(())
        })?;
        Ok(())
    }

    pub(crate) fn delete_identification(&mut self, kind: IdentificationKind, id: &str) -> Result<(), Refusal> {
        let (user, _) = kind.find(&self.state.users, id)?;
        let last = user.email_addresses.len() + user.phone_numbers.len() == 1 && user.username.is_none();
        if last {
            return Err(Refusal::new(
                StatusCode::CONFLICT,
                "last_identification_deletion_failed",
                "Deletion failed",
                "You cannot delete the last identification of a user.",
            ));
        }
        let user = user.id.clone();
        self.alter_user(user.as_str(), |user| {
            user.email_addresses.retain(|email| email.id != id);
            user.phone_numbers.retain(|phone| phone.id != id);
            if kind.primary(user).as_deref() == Some(id) {
                *kind.primary(user) = kind.first_verified(user);
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// Changes one address in place and says how it stands now.
fn patch_one(
    user: &mut User,
    kind: IdentificationKind,
    id: &str,
    patch: &IdentificationPatch,
    now: Timestamp,
) -> Option<IdentificationState> {
    let (state, updated_at) = match kind {
        IdentificationKind::EmailAddress => {
            let email = user.email_addresses.iter_mut().find(|email| email.id == id)?;
            (&mut email.state, &mut email.updated_at)
        }
        IdentificationKind::PhoneNumber => {
            let phone = user.phone_numbers.iter_mut().find(|phone| phone.id == id)?;
            if let Some(reserved) = patch.reserved_for_second_factor {
                phone.reserved_for_second_factor = reserved;
            }
            (&mut phone.state, &mut phone.updated_at)
        }
    };
    match patch.verified {
        Some(true) => *state = IdentificationState::Verified,
        Some(false) => *state = IdentificationState::Unverified,
        None => {}
    }
    *updated_at = now;
    Some(*state)
}
