//! A user as the Backend API and webhooks show it.
//!
//! Clerk's `User` schema (API 2026-05-12) requires 35 properties and allows no others than the 46 it names. All of them
//! are always present but `scim`, which is for users that a directory provisions: a client written against the schema
//! never meets a hole.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clerk::{InstanceId, Timestamp, UserId};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{EmailAddress, IdentificationState, PhoneNumber, User};
use crate::metadata::Metadata;

/// Failed attempts a user has before Clerk locks the account.
const ATTEMPTS_BEFORE_LOCK: u32 = 100;

/// Serializes one user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UserObject<'a> {
    pub(crate) user: &'a User,
    pub(crate) instance_id: &'a InstanceId,
    pub(crate) now: Timestamp,
}

#[derive(Serialize)]
struct Wire<'a> {
    id: &'a UserId,
    object: &'static str,
    username: &'a Option<String>,
    first_name: &'a Option<String>,
    last_name: &'a Option<String>,
    locale: &'a Option<String>,
    image_url: &'a str,
    has_image: bool,
    primary_email_address_id: &'a Option<String>,
    primary_phone_number_id: &'a Option<String>,
    primary_web3_wallet_id: Option<()>,
    password_enabled: bool,
    password_last_updated_at: Option<Timestamp>,
    two_factor_enabled: bool,
    totp_enabled: bool,
    backup_code_enabled: bool,
    email_addresses: Vec<EmailAddressObject<'a>>,
    phone_numbers: Vec<PhoneNumberObject<'a>>,
    web3_wallets: [(); 0],
    passkeys: [(); 0],
    external_accounts: [(); 0],
    saml_accounts: [(); 0],
    enterprise_accounts: [(); 0],
    public_metadata: &'a Metadata,
    private_metadata: &'a Metadata,
    unsafe_metadata: &'a Metadata,
    external_id: &'a Option<String>,
    last_sign_in_at: Option<Timestamp>,
    banned: bool,
    locked: bool,
    deprovisioned: bool,
    lockout_expires_in_seconds: Option<u64>,
    verification_attempts_remaining: u32,
    created_at: Timestamp,
    updated_at: Timestamp,
    delete_self_enabled: bool,
    bypass_client_trust: bool,
    create_organization_enabled: bool,
    create_organizations_limit: Option<i64>,
    last_active_at: Option<Timestamp>,
    mfa_enabled_at: Option<Timestamp>,
    mfa_disabled_at: Option<Timestamp>,
    legal_accepted_at: Option<Timestamp>,
    profile_image_url: &'a str,
}

impl Serialize for UserObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let user = self.user;
        let image_url = image_url(user, self.instance_id);
        let locked = user.locked(self.now);
        Wire {
            id: &user.id,
            object: "user",
            username: &user.username,
            first_name: &user.first_name,
            last_name: &user.last_name,
            locale: &user.locale,
            image_url: &image_url,
            has_image: user.image_url.is_some(),
            primary_email_address_id: &user.primary_email_address_id,
            primary_phone_number_id: &user.primary_phone_number_id,
            primary_web3_wallet_id: None,
            password_enabled: user.password_enabled,
            password_last_updated_at: user.password_last_updated_at,
            two_factor_enabled: user.two_factor_enabled(),
            totp_enabled: user.authenticators.totp_secret.is_some(),
            backup_code_enabled: !user.authenticators.backup_codes.is_empty(),
            email_addresses: user.email_addresses.iter().map(EmailAddressObject::from).collect(),
            phone_numbers: user.phone_numbers.iter().map(PhoneNumberObject::from).collect(),
            web3_wallets: [],
            passkeys: [],
            external_accounts: [],
            saml_accounts: [],
            enterprise_accounts: [],
            public_metadata: &user.public_metadata,
            private_metadata: &user.private_metadata,
            unsafe_metadata: &user.unsafe_metadata,
            external_id: &user.external_id,
            last_sign_in_at: user.last_sign_in_at,
            banned: user.banned,
            locked,
            deprovisioned: false,
            lockout_expires_in_seconds: user
                .locked_until
                .filter(|_| locked)
                .map(|until| until.since(self.now).as_secs()),
            verification_attempts_remaining: if locked { 0 } else { ATTEMPTS_BEFORE_LOCK },
            created_at: user.created_at,
            updated_at: user.updated_at,
            delete_self_enabled: user.delete_self_enabled,
            bypass_client_trust: user.bypass_client_trust,
            create_organization_enabled: user.create_organization_enabled,
            create_organizations_limit: user.create_organizations_limit,
            last_active_at: user.last_active_at,
            mfa_enabled_at: user.mfa_enabled_at,
            mfa_disabled_at: user.mfa_disabled_at,
            legal_accepted_at: user.legal_accepted_at,
            profile_image_url: &image_url,
        }
        .serialize(serializer)
    }
}

/// The part of a user that memberships carry.
#[derive(Debug, Serialize)]
pub(crate) struct PublicUserData<'a> {
    user_id: &'a UserId,
    first_name: &'a Option<String>,
    last_name: &'a Option<String>,
    profile_image_url: String,
    image_url: String,
    has_image: bool,
    identifier: Option<&'a str>,
    username: &'a Option<String>,
    banned: bool,
    deprovisioned: bool,
}

impl<'a> PublicUserData<'a> {
    pub(crate) fn of(user: &'a User, instance_id: &InstanceId) -> Self {
        let image_url = image_url(user, instance_id);
        Self {
            user_id: &user.id,
            first_name: &user.first_name,
            last_name: &user.last_name,
            profile_image_url: image_url.clone(),
            image_url,
            has_image: user.image_url.is_some(),
            identifier: user.identifier(),
            username: &user.username,
            banned: user.banned,
            deprovisioned: false,
        }
    }
}

impl PublicUserData<'_> {
    /// The part of it that invitations show of whoever sent them.
    pub(crate) fn of_inviter(&self) -> Value {
        json!({
            "user_id": self.user_id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "image_url": self.image_url,
            "has_image": self.has_image,
            "identifier": self.identifier.unwrap_or_default(),
        })
    }
}

/// An e-mail address as the Backend API shows it.
#[derive(Debug, Serialize)]
pub(crate) struct EmailAddressObject<'a> {
    id: &'a str,
    object: &'static str,
    email_address: &'a str,
    reserved: bool,
    verification: Option<AdminVerification>,
    linked_to: [(); 0],
    matches_sso_connection: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A phone number as the Backend API shows it.
#[derive(Debug, Serialize)]
pub(crate) struct PhoneNumberObject<'a> {
    id: &'a str,
    object: &'static str,
    phone_number: &'a str,
    reserved_for_second_factor: bool,
    default_second_factor: bool,
    reserved: bool,
    verification: Option<AdminVerification>,
    linked_to: [(); 0],
    backup_codes: Option<()>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// What the Backend API vouched for was verified by the strategy `admin`; the rest has no verification.
#[derive(Debug, Serialize)]
struct AdminVerification {
    object: &'static str,
    status: &'static str,
    strategy: &'static str,
    attempts: Option<()>,
    expire_at: Option<()>,
}

impl AdminVerification {
    fn of(state: IdentificationState) -> Option<Self> {
        (state == IdentificationState::Verified).then_some(Self {
            object: "verification_admin",
            status: "verified",
            strategy: "admin",
            attempts: None,
            expire_at: None,
        })
    }
}

impl<'a> From<&'a EmailAddress> for EmailAddressObject<'a> {
    fn from(email: &'a EmailAddress) -> Self {
        Self {
            id: &email.id,
            object: "email_address",
            email_address: &email.email_address,
            reserved: email.state == IdentificationState::Reserved,
            verification: AdminVerification::of(email.state),
            linked_to: [],
            matches_sso_connection: false,
            created_at: email.created_at,
            updated_at: email.updated_at,
        }
    }
}

impl<'a> From<&'a PhoneNumber> for PhoneNumberObject<'a> {
    fn from(phone: &'a PhoneNumber) -> Self {
        Self {
            id: &phone.id,
            object: "phone_number",
            phone_number: &phone.phone_number,
            reserved_for_second_factor: phone.reserved_for_second_factor,
            default_second_factor: false,
            reserved: phone.state == IdentificationState::Reserved,
            verification: AdminVerification::of(phone.state),
            linked_to: [],
            backup_codes: None,
            created_at: phone.created_at,
            updated_at: phone.updated_at,
        }
    }
}

/// The picture that was uploaded, or Clerk's default avatar: its address carries what to draw.
fn image_url(user: &User, instance_id: &InstanceId) -> String {
    if let Some(url) = &user.image_url {
        return url.clone();
    }
    #[derive(Serialize)]
    struct Picture<'a> {
        r#type: &'static str,
        iid: &'a InstanceId,
        rid: &'a UserId,
        initials: String,
    }
    let initials: String = [&user.first_name, &user.last_name]
        .into_iter()
        .flatten()
        .filter_map(|name| name.chars().next())
        .flat_map(char::to_uppercase)
        .collect();
    let picture = Picture { r#type: "default", iid: instance_id, rid: &user.id, initials };
    let picture = serde_json::to_vec(&picture).expect("a picture has a JSON form");
    let mut url = String::from("https://img.clerk.com/");
    URL_SAFE_NO_PAD.encode_string(picture, &mut url);
    url
}
