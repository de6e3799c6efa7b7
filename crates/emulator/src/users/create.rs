//! `POST /v1/users`: reads and checks the form, then makes the user.

use clerk::{EventKind, Timestamp, UserId};
use http::StatusCode;
use serde_json::json;

use super::{EmailAddress, IdentificationState, PhoneNumber, User, collection::Identifier};
use crate::{
    change::Change,
    form::Form,
    metadata::{self, Metadata},
    passwords::{MAXIMUM_CHARACTERS, MINIMUM_CHARACTERS, Password},
    refusal::Refusal,
    totp::{Authenticators, NewAuthenticators},
};

/// Clerk's bounds for usernames.
const USERNAME_LENGTH: std::ops::RangeInclusive<usize> = 4..=64;
/// How long a locked user stays locked when the instance does not say otherwise.
pub(super) const LOCKOUT_SECONDS: i64 = 3600;

/// A user somebody asks for.
#[derive(Debug)]
pub(crate) struct NewUser {
    /// An id of the caller's own choice; drawn otherwise.
    id: Option<UserId>,
    external_id: Option<String>,
    username: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    locale: Option<String>,
    email_addresses: Vec<(String, IdentificationState)>,
    phone_numbers: Vec<(String, IdentificationState)>,
    public_metadata: Metadata,
    private_metadata: Metadata,
    unsafe_metadata: Metadata,
    password: Option<Password>,
    authenticators: NewAuthenticators,
    banned: bool,
    locked: bool,
    delete_self_enabled: bool,
    create_organization_enabled: bool,
    create_organizations_limit: Option<i64>,
    bypass_client_trust: bool,
    legal_accepted_at: Option<Timestamp>,
    created_at: Option<Timestamp>,
    skip_user_requirement: bool,
}

/// Somebody who signed up, with every address proven.
#[derive(Debug)]
pub(crate) struct SignedUp {
    pub(crate) email_address: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) password: Option<Password>,
    pub(crate) public_metadata: Metadata,
    pub(crate) unsafe_metadata: Metadata,
    pub(crate) legal_accepted_at: Option<Timestamp>,
    pub(crate) external_id: Option<String>,
}

impl NewUser {
    pub(crate) fn signed_up(person: SignedUp) -> Self {
        let proven = |address: Option<String>| {
            address.into_iter().map(|address| (address, IdentificationState::Verified)).collect()
        };
        Self {
            id: None,
            external_id: person.external_id,
            username: person.username,
            first_name: person.first_name,
            last_name: person.last_name,
            locale: person.locale,
            email_addresses: proven(person.email_address),
            phone_numbers: proven(person.phone_number),
            public_metadata: person.public_metadata,
            private_metadata: Metadata::new(),
            unsafe_metadata: person.unsafe_metadata,
            password: person.password,
            authenticators: NewAuthenticators::default(),
            banned: false,
            locked: false,
            delete_self_enabled: true,
            create_organization_enabled: true,
            create_organizations_limit: None,
            bypass_client_trust: false,
            legal_accepted_at: person.legal_accepted_at,
            created_at: None,
            skip_user_requirement: true,
        }
    }

    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        form.not_emulated(&["web3_wallet"])?;
        form.ignore(&["web3_wallet", "skip_password_requirement", "skip_legal_checks"]);
        let new = Self {
            id: None,
            external_id: form.string("external_id")?.given().filter(|id| !id.is_empty()),
            username: form.string("username")?.given().filter(|name| !name.is_empty()),
            first_name: form.string("first_name")?.given(),
            last_name: form.string("last_name")?.given(),
            locale: form.string("locale")?.given(),
            email_addresses: identifications(&mut form, "email_address")?,
            phone_numbers: identifications(&mut form, "phone_number")?,
            public_metadata: metadata::read(&mut form, "public_metadata")?.given().unwrap_or_default(),
            private_metadata: metadata::read(&mut form, "private_metadata")?.given().unwrap_or_default(),
            unsafe_metadata: metadata::read(&mut form, "unsafe_metadata")?.given().unwrap_or_default(),
            password: read_password(&mut form)?,
            authenticators: Authenticators::take(&mut form)?,
            banned: form.boolean("banned")?.given().unwrap_or(false),
            locked: form.boolean("locked")?.given().unwrap_or(false),
            delete_self_enabled: form.boolean("delete_self_enabled")?.given().unwrap_or(true),
            create_organization_enabled: form.boolean("create_organization_enabled")?.given().unwrap_or(true),
            create_organizations_limit: form.integer("create_organizations_limit")?.given(),
            bypass_client_trust: form.boolean("bypass_client_trust")?.given().unwrap_or(false),
            legal_accepted_at: form.time("legal_accepted_at")?.given(),
            created_at: form.time("created_at")?.given(),
            skip_user_requirement: form.boolean("skip_user_requirement")?.given().unwrap_or(false),
        };
        form.finish()?;
        new.check()?;
        Ok(new)
    }

    /// A user whose id is known beforehand, for seeds.
    pub(crate) fn with_id(self, id: UserId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// One of many who differ in nothing but a number, for seeds.
    pub(crate) fn numbered(number: u32, created_at: Timestamp) -> Self {
        Self {
            id: None,
            external_id: None,
            username: None,
            first_name: Some("Person".to_owned()),
            last_name: Some(number.to_string()),
            locale: None,
            email_addresses: vec![(format!("person-{number}@example.com"), IdentificationState::Verified)],
            phone_numbers: Vec::new(),
            public_metadata: Metadata::new(),
            private_metadata: Metadata::new(),
            unsafe_metadata: Metadata::new(),
            // One that nobody can type: hashing many thousands would take a while.
            password: Some(Password::Foreign { hasher: "none".to_owned() }),
            authenticators: NewAuthenticators::default(),
            banned: false,
            locked: false,
            delete_self_enabled: true,
            create_organization_enabled: true,
            create_organizations_limit: None,
            bypass_client_trust: false,
            legal_accepted_at: None,
            created_at: Some(created_at),
            skip_user_requirement: false,
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        for (address, _) in &self.email_addresses {
            check_email_address("email_address", address)?;
        }
        for (number, _) in &self.phone_numbers {
            check_phone_number("phone_number", number)?;
        }
        if let Some(username) = &self.username {
            check_username(username)?;
        }
        let nameless = self.email_addresses.is_empty() && self.phone_numbers.is_empty() && self.username.is_none();
        if nameless && !self.skip_user_requirement {
            return Err(Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "form_data_missing",
                "missing data",
                "A user of this instance needs an email_address, a phone_number or a username.",
            )
            .with_meta(json!({ "param_names": ["email_address", "phone_number", "username"] })));
        }
        Ok(())
    }
}

impl Change<'_> {
    /// Makes the user and announces `user.created`.
    pub(crate) fn create_user(&mut self, new: NewUser) -> Result<UserId, Refusal> {
        let now = self.now;
        let id = new.id.unwrap_or_else(|| self.state.ids.user(now));
        if self.state.users.get(id.as_str()).is_some() {
            return Err(Refusal::taken("id", "id"));
        }
        let mut ids = |prefix: &str| self.state.ids.prefixed(prefix, now);
        let email_addresses: Vec<EmailAddress> = new
            .email_addresses
            .into_iter()
            .map(|(email_address, state)| EmailAddress {
                id: ids("idn_"),
                email_address,
                state,
                created_at: now,
                updated_at: now,
            })
            .collect();
        let phone_numbers: Vec<PhoneNumber> = new
            .phone_numbers
            .into_iter()
            .map(|(phone_number, state)| PhoneNumber {
                id: ids("idn_"),
                phone_number,
                state,
                reserved_for_second_factor: false,
                created_at: now,
                updated_at: now,
            })
            .collect();
        let mut authenticators = Authenticators::default();
        new.authenticators.apply(&mut authenticators);
        let user = User {
            id: id.clone(),
            external_id: new.external_id,
            username: new.username,
            first_name: new.first_name,
            last_name: new.last_name,
            locale: new.locale,
            image_url: None,
            mfa_enabled_at: authenticators.any().then_some(now),
            mfa_disabled_at: None,
            primary_email_address_id: email_addresses.first().map(|email| email.id.clone()),
            primary_phone_number_id: phone_numbers.first().map(|phone| phone.id.clone()),
            email_addresses,
            phone_numbers,
            public_metadata: new.public_metadata,
            private_metadata: new.private_metadata,
            unsafe_metadata: new.unsafe_metadata,
            password_enabled: new.password.is_some(),
            password_last_updated_at: new.password.is_some().then_some(now),
            password: new.password,
            password_compromised: false,
            authenticators,
            banned: new.banned,
            locked_until: new.locked.then(|| now.plus(std::time::Duration::from_secs(LOCKOUT_SECONDS.unsigned_abs()))),
            delete_self_enabled: new.delete_self_enabled,
            create_organization_enabled: new.create_organization_enabled,
            create_organizations_limit: new.create_organizations_limit,
            bypass_client_trust: new.bypass_client_trust,
            legal_accepted_at: new.legal_accepted_at,
            last_sign_in_at: None,
            last_active_at: None,
            created_at: new.created_at.unwrap_or(now),
            updated_at: now,
        };
        self.check_identifiers(&user)?;
        self.state.users.put(user);
        self.announce_user(EventKind::UserCreated, &id);
        Ok(id)
    }

    /// Refuses a user whose identifiers belong to another one, or twice to itself.
    pub(super) fn check_identifiers(&self, user: &User) -> Result<(), Refusal> {
        let users = &self.state.users;
        let mut seen = std::collections::HashSet::new();
        for email in &user.email_addresses {
            let identifier = Identifier::email_address(&email.email_address);
            if users.taken(&identifier, &user.id) || !seen.insert(identifier) {
                return Err(Refusal::taken("email_address", "email address"));
            }
        }
        for phone in &user.phone_numbers {
            let identifier = Identifier::PhoneNumber(phone.phone_number.clone());
            if users.taken(&identifier, &user.id) || !seen.insert(identifier) {
                return Err(Refusal::taken("phone_number", "phone number"));
            }
        }
        if let Some(username) = &user.username
            && users.taken(&Identifier::username(username), &user.id)
        {
            return Err(Refusal::taken("username", "username"));
        }
        if let Some(external_id) = &user.external_id
            && users.taken(&Identifier::ExternalId(external_id.clone()), &user.id)
        {
            return Err(Refusal::taken("external_id", "external id"));
        }
        Ok(())
    }
}

/// Reads a password in any of the forms Clerk takes.
pub(super) fn read_password(form: &mut Form) -> Result<Option<Password>, Refusal> {
    let password = form.string("password")?.given();
    let digest = form.string("password_digest")?.given();
    let hasher = form.string("password_hasher")?.given();
    let unchecked = form.boolean("skip_password_checks")?.given().unwrap_or(false);
    match (&digest, &hasher) {
        (Some(_), None) => return Err(Refusal::missing("password_hasher")),
        (None, Some(_)) => return Err(Refusal::missing("password_digest")),
        _ => {}
    }
    if let Some(password) = &password
        && !unchecked
    {
        check_password("password", password)?;
    }
    let foreign = || hasher.map(|hasher| Password::Foreign { hasher });
    Ok(password.map(|password| Password::of(&password)).or_else(foreign))
}

/// Clerk's bounds for the length of a password.
pub(crate) fn check_password(parameter: &str, password: &str) -> Result<(), Refusal> {
    let characters = password.chars().count();
    if characters < MINIMUM_CHARACTERS {
        let message = format!("Passwords must be {MINIMUM_CHARACTERS} characters or more.");
        return Err(Refusal::form("form_password_length_too_short", message.clone(), message, parameter));
    }
    if characters > MAXIMUM_CHARACTERS {
        let message = format!("Passwords must be {MAXIMUM_CHARACTERS} characters or fewer.");
        return Err(Refusal::form("form_password_length_too_long", message.clone(), message, parameter));
    }
    Ok(())
}

fn identifications(form: &mut Form, name: &str) -> Result<Vec<(String, IdentificationState)>, Refusal> {
    let values = form.strings(name)?.given().unwrap_or_default();
    let states_name = format!("{name}_identification_status");
    let Some(states) = form.strings(&states_name)?.given() else {
        return Ok(values.into_iter().map(|value| (value, IdentificationState::Verified)).collect());
    };
    if states.len() != values.len() {
        let expected = format!("one entry for each {name} ({})", values.len());
        return Err(Refusal::wrong_value(&states_name, &format!("A list of {}", states.len()), &expected));
    }
    let states = states.iter().map(|state| match state.as_str() {
        "verified" => Ok(IdentificationState::Verified),
        "reserved" => Ok(IdentificationState::Reserved),
        other => Err(Refusal::wrong_value(&states_name, other, "verified or reserved")),
    });
    values.into_iter().zip(states).map(|(value, state)| Ok((value, state?))).collect()
}

/// One `@` with something on both sides and a dot in the domain: enough to catch mistakes, lenient on the rest.
pub(crate) fn check_email_address(parameter: &str, address: &str) -> Result<(), Refusal> {
    let well_formed = address.len() <= 254
        && !address.contains(char::is_whitespace)
        && address.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && domain.split('.').count() >= 2
                && domain.split('.').all(|label| !label.is_empty())
                && !domain.contains('@')
        });
    if well_formed { Ok(()) } else { Err(Refusal::wrong_format(parameter, "a valid email address")) }
}

/// E.164: a plus, no leading zero, at most fifteen digits.
pub(crate) fn check_phone_number(parameter: &str, number: &str) -> Result<(), Refusal> {
    let well_formed = number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if well_formed {
        Ok(())
    } else {
        Err(Refusal::wrong_format(parameter, "a valid phone number according to E.164 international standard"))
    }
}

pub(crate) fn check_username(username: &str) -> Result<(), Refusal> {
    if !USERNAME_LENGTH.contains(&username.chars().count()) {
        let message = format!(
            "Username must be between {} and {} characters long.",
            USERNAME_LENGTH.start(),
            USERNAME_LENGTH.end()
        );
        return Err(Refusal::form("form_username_invalid_length", message.clone(), message, "username"));
    }
    if !username.chars().all(|character| character.is_alphanumeric() || "_-.".contains(character)) {
        let message = "Username can only contain letters, numbers, '_', '-' and '.'.";
        return Err(Refusal::form("form_username_invalid_character", message, message, "username"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_checked() {
        for good in ["ada@example.com", "o'brien+clerk_test@mail.example.co.uk", "ü@exämple.de"] {
            check_email_address("email_address", good).unwrap();
        }
        for bad in ["ada", "ada@", "@example.com", "ada@example", "ada @example.com", "ada@example..com"] {
            assert_eq!(
                check_email_address("email_address", bad).unwrap_err().code(),
                "form_param_format_invalid",
                "{bad}"
            );
        }
        check_phone_number("phone_number", "+15555550100").unwrap();
        for bad in ["15555550100", "+0123456789", "+1555", "+1555555010012345", "+1 5555550100"] {
            assert!(check_phone_number("phone_number", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_needs_an_identifier_unless_the_caller_skips_it() {
        let form = |body: &str| Form::parse(body.as_bytes()).unwrap();
        assert_eq!(NewUser::read(form(r#"{"first_name":"Ada"}"#)).unwrap_err().code(), "form_data_missing");
        NewUser::read(form(r#"{"first_name":"Ada","skip_user_requirement":true}"#)).unwrap();
    }

    #[test]
    fn reserved_addresses_run_parallel_to_the_list() {
        let form = |body: &str| Form::parse(body.as_bytes()).unwrap();
        let body = r#"{"email_address":["a@x.example","b@x.example"],"email_address_identification_status":["verified","reserved"]}"#;
        let new = NewUser::read(form(body)).unwrap();
        assert_eq!(new.email_addresses[1].1, IdentificationState::Reserved);
        let short =
            r#"{"email_address":["a@x.example","b@x.example"],"email_address_identification_status":["verified"]}"#;
        assert_eq!(NewUser::read(form(short)).unwrap_err().code(), "form_param_value_invalid");
    }

    #[test]
    fn short_passwords_are_refused_unless_checks_are_skipped() {
        let form = |body: &str| Form::parse(body.as_bytes()).unwrap();
        let refusal = NewUser::read(form(r#"{"username":"lovelace","password":"short"}"#)).unwrap_err();
        assert_eq!(refusal.code(), "form_password_length_too_short");
        NewUser::read(form(r#"{"username":"lovelace","password":"short","skip_password_checks":true}"#)).unwrap();
    }
}
