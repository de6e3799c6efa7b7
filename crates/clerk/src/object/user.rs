//! A person's account.

use serde_json::value::RawValue;

use super::ObjectError;
use super::fields::Fields;
use crate::{Timestamp, UserId, jsonb_text};

/// A user, as in `user.created`, `user.updated` and `GET /users`.
#[derive(Clone, Debug)]
pub struct User {
    /// `id`.
    pub id: UserId,
    /// `created_at`.
    pub created_at: Option<Timestamp>,
    /// `updated_at`: the version that upserts are ordered by.
    pub updated_at: Option<Timestamp>,
    /// The address that `primary_email_address_id` points to. Not unique in an instance.
    pub primary_email_address: Option<String>,
    /// Whether that address is verified.
    pub primary_email_address_verified: bool,
    /// The number that `primary_phone_number_id` points to.
    pub primary_phone_number: Option<String>,
    /// Whether that number is verified.
    pub primary_phone_number_verified: bool,
    /// `username`. Not unique in time: it can pass to another user.
    pub username: Option<String>,
    /// `first_name`.
    pub first_name: Option<String>,
    /// `last_name`.
    pub last_name: Option<String>,
    /// `image_url`.
    pub image_url: Option<String>,
    /// `external_id`: the id in the application's own system.
    pub external_id: Option<String>,
    /// `banned`: may not sign in.
    pub banned: Option<bool>,
    /// `locked`: too many failed attempts.
    pub locked: Option<bool>,
    /// `last_sign_in_at`.
    pub last_sign_in_at: Option<Timestamp>,
    /// `last_active_at`, to the day.
    pub last_active_at: Option<Timestamp>,
    /// `public_metadata`: written by the backend, readable by the user.
    pub public_metadata: Option<Box<RawValue>>,
    /// `unsafe_metadata`: written by the user.
    pub unsafe_metadata: Option<Box<RawValue>>,
}

impl User {
    /// Reads a user object.
    pub fn from_json(json: &str) -> Result<Self, ObjectError> {
        let json = jsonb_text(json);
        let user = Fields::parse("user", &json)?;
        let email = primary(&user, "primary_email_address_id", "email_addresses", "email_address");
        let phone = primary(&user, "primary_phone_number_id", "phone_numbers", "phone_number");
        Ok(Self {
            id: user.id("id", "a user id (`user_…`)", UserId::parse)?,
            created_at: user.moment("created_at"),
            updated_at: user.moment("updated_at"),
            primary_email_address_verified: email.as_ref().is_some_and(|email| email.verified),
            primary_email_address: email.map(|email| email.text),
            primary_phone_number_verified: phone.as_ref().is_some_and(|phone| phone.verified),
            primary_phone_number: phone.map(|phone| phone.text),
            username: user.text("username"),
            first_name: user.text("first_name"),
            last_name: user.text("last_name"),
            image_url: user.text("image_url"),
            external_id: user.text("external_id"),
            banned: user.get("banned"),
            locked: user.get("locked"),
            last_sign_in_at: user.moment("last_sign_in_at"),
            last_active_at: user.moment("last_active_at"),
            public_metadata: user.raw("public_metadata"),
            unsafe_metadata: user.raw("unsafe_metadata"),
        })
    }
}

/// An e-mail address or phone number.
struct Identification {
    text: String,
    verified: bool,
}

/// The `member` of the entry in `list` whose id `pointer` holds. Without a pointer there is no primary one: the first is
/// not it.
fn primary(user: &Fields<'_>, pointer: &str, list: &str, member: &str) -> Option<Identification> {
    let wanted = user.text(pointer)?;
    let entry = user.objects(list).into_iter().find(|entry| entry.text("id").as_ref() == Some(&wanted))?;
    let status = entry.object("verification").and_then(|verification| verification.text("status"));
    Some(Identification { text: entry.text(member)?, verified: status.as_deref() == Some("verified") })
}
