//! By what a user can sign in.

use serde_json::{Value, json};

use crate::{
    frontend_api::settings::InstanceSettings,
    users::{IdentificationState, User},
};

/// One way to prove who one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Factor {
    pub(crate) strategy: &'static str,
    /// `idn_…`, for a code that is sent.
    pub(crate) address_id: Option<String>,
    pub(crate) address: Option<String>,
    primary: bool,
}

impl Factor {
    /// One that nothing is sent for.
    fn plain(strategy: &'static str) -> Self {
        Self { strategy, address_id: None, address: None, primary: false }
    }

    fn code(strategy: &'static str, id: &str, address: &str, primary: bool) -> Self {
        Self { strategy, address_id: Some(id.to_owned()), address: Some(address.to_owned()), primary }
    }

    pub(crate) fn object(&self) -> Value {
        let mut object = json!({ "strategy": self.strategy });
        if let (Some(id), Some(address)) = (&self.address_id, &self.address) {
            let name = if address.contains('@') { "email_address_id" } else { "phone_number_id" };
            object[name] = json!(id);
            object["safe_identifier"] = json!(masked(address));
            object["primary"] = json!(self.primary);
        }
        object
    }
}

/// The first factors of a user, in the order in which Clerk lists them.
pub(crate) fn first_factors(user: &User, settings: &InstanceSettings) -> Vec<Factor> {
    let mut factors = Vec::new();
    let password = user.password_enabled && settings.password.enabled();
    if password {
        factors.push(Factor::plain("password"));
    }
    let mut codes = |email: &'static str, phone: &'static str| {
        for address in user.email_addresses.iter().filter(|address| proven(address.state)) {
            let primary = user.primary_email_address_id.as_ref() == Some(&address.id);
            factors.push(Factor::code(email, &address.id, &address.email_address, primary));
        }
        for number in user.phone_numbers.iter().filter(|number| proven(number.state)) {
            let primary = user.primary_phone_number_id.as_ref() == Some(&number.id);
            factors.push(Factor::code(phone, &number.id, &number.phone_number, primary));
        }
    };
    codes("email_code", "phone_code");
    if password {
        codes("reset_password_email_code", "reset_password_phone_code");
    }
    factors
}

/// The second factors of a user; none means that the first one is enough.
pub(crate) fn second_factors(user: &User) -> Vec<Factor> {
    let reserved = user.phone_numbers.iter().filter(|number| number.reserved_for_second_factor && proven(number.state));
    let authenticators = &user.authenticators;
    let app = authenticators.totp_secret.iter().map(|_| Factor::plain("totp"));
    let codes = reserved.map(|number| Factor::code("phone_code", &number.id, &number.phone_number, false));
    let mut factors: Vec<Factor> = app.chain(codes).collect();
    // Backup codes stand in for another factor and are none by themselves.
    if !factors.is_empty() && !authenticators.backup_codes.is_empty() {
        factors.push(Factor::plain("backup_code"));
    }
    factors
}

/// Whether the identifier is an address of the user that nobody has vouched for: it signs nobody in.
pub(super) fn only_unverified(user: &User, identifier: &str) -> bool {
    let email = user.email_addresses.iter().find(|email| email.email_address.eq_ignore_ascii_case(identifier));
    let phone = user.phone_numbers.iter().find(|phone| phone.phone_number == identifier);
    let state = email.map(|email| email.state).or(phone.map(|phone| phone.state));
    state.is_some_and(|state| !proven(state))
}

fn proven(state: IdentificationState) -> bool {
    state != IdentificationState::Unverified
}

/// An address as it may be shown to somebody who has not proven anything yet.
fn masked(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}{}@{domain}", "*".repeat(local.chars().count().saturating_sub(1).max(1)))
        }
        None => {
            let shown = address.len().saturating_sub(4);
            format!("{}{}", "*".repeat(shown), &address[shown..])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_keeps_its_ends() {
        assert_eq!(masked("ada@example.com"), "a**@example.com");
        assert_eq!(masked("a@example.com"), "a*@example.com");
        assert_eq!(masked("+12015550100"), "********0100");
    }
}
