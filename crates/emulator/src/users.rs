//! Users: what an instance knows of a person.
//!
//! Invariants, kept by [`Users`] and the operations around it: an e-mail address, phone number, username or external id
//! belongs to one user at most; a primary id names an identification of the same user, or nothing when there is none.
//!
//! Not modelled: web3 wallets, passkeys, external and enterprise accounts. Their members are always there and always empty,
//! because Clerk's `User` schema requires them.

mod collection;
mod create;
mod identifications;
mod list;
mod object;
mod update;

use clerk::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

pub(crate) use collection::{Identifier, Users};
pub(crate) use create::{NewUser, SignedUp, check_email_address, check_password, check_phone_number, check_username};
pub(crate) use identifications::{
    Identification, IdentificationKind, IdentificationPatch, NewIdentification, SoleIdentification,
};
pub(crate) use list::{UserFilter, UserList, UserOrder};
pub(crate) use object::{EmailAddressObject, PhoneNumberObject, PublicUserData, UserObject};
pub(crate) use update::{UserMetadata, UserPatch};

use crate::{metadata::Metadata, passwords::Password, totp::Authenticators};

/// One user, as stored. What the API shows is [`UserObject`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) external_id: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) locale: Option<String>,
    /// Where the picture is that somebody uploaded.
    #[serde(default)]
    pub(crate) image_url: Option<String>,
    pub(crate) primary_email_address_id: Option<String>,
    pub(crate) primary_phone_number_id: Option<String>,
    pub(crate) email_addresses: Vec<EmailAddress>,
    pub(crate) phone_numbers: Vec<PhoneNumber>,
    pub(crate) public_metadata: Metadata,
    pub(crate) private_metadata: Metadata,
    pub(crate) unsafe_metadata: Metadata,
    pub(crate) password_enabled: bool,
    /// What signing in compares with; absent for a user of an older state file, and without a password.
    #[serde(default)]
    pub(crate) password: Option<Password>,
    pub(crate) password_last_updated_at: Option<Timestamp>,
    /// Whether the password has become known to others: nobody signs in by it any more.
    #[serde(default)]
    pub(crate) password_compromised: bool,
    #[serde(default)]
    pub(crate) authenticators: Authenticators,
    /// When a second factor was there for the first time since there was none.
    #[serde(default)]
    pub(crate) mfa_enabled_at: Option<Timestamp>,
    /// When the last second factor was taken away.
    #[serde(default)]
    pub(crate) mfa_disabled_at: Option<Timestamp>,
    pub(crate) banned: bool,
    pub(crate) locked_until: Option<Timestamp>,
    pub(crate) delete_self_enabled: bool,
    pub(crate) create_organization_enabled: bool,
    pub(crate) create_organizations_limit: Option<i64>,
    pub(crate) bypass_client_trust: bool,
    pub(crate) legal_accepted_at: Option<Timestamp>,
    pub(crate) last_sign_in_at: Option<Timestamp>,
    pub(crate) last_active_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailAddress {
    pub(crate) id: String,
    pub(crate) email_address: String,
    pub(crate) state: IdentificationState,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhoneNumber {
    pub(crate) id: String,
    pub(crate) phone_number: String,
    pub(crate) state: IdentificationState,
    pub(crate) reserved_for_second_factor: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Whether an e-mail address or phone number is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdentificationState {
    /// The Backend API vouched for it.
    Verified,
    /// Usable for sign-in and locked to this user, though nobody proved it.
    Reserved,
    Unverified,
}

impl User {
    pub(crate) fn locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| until > now)
    }

    pub(crate) fn set_password(&mut self, password: Option<Password>, now: Timestamp) {
        self.password_enabled = password.is_some();
        self.password_last_updated_at = password.is_some().then_some(now);
        self.password = password;
        self.password_compromised = false;
    }

    /// Whether signing in takes more than one proof.
    pub(crate) fn two_factor_enabled(&self) -> bool {
        self.authenticators.any() || self.phone_numbers.iter().any(|number| number.reserved_for_second_factor)
    }

    pub(crate) fn primary_email_address(&self) -> Option<&EmailAddress> {
        let id = self.primary_email_address_id.as_deref()?;
        self.email_addresses.iter().find(|email| email.id == id)
    }

    pub(crate) fn primary_phone_number(&self) -> Option<&PhoneNumber> {
        let id = self.primary_phone_number_id.as_deref()?;
        self.phone_numbers.iter().find(|phone| phone.id == id)
    }

    /// First and last name in that order, or nothing when there is neither.
    pub(crate) fn full_name(&self) -> Option<String> {
        let names: Vec<&str> = [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join(" "))
    }

    /// What Clerk shows where one identifier must stand for the user.
    pub(crate) fn identifier(&self) -> Option<&str> {
        self.primary_email_address()
            .map(|email| email.email_address.as_str())
            .or_else(|| self.primary_phone_number().map(|phone| phone.phone_number.as_str()))
            .or(self.username.as_deref())
    }
}
