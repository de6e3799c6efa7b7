//! What an instance asks of people who sign in or up: the part of Clerk's dashboard that the Frontend API obeys.

use serde::{Deserialize, Serialize};

/// Settings of an instance, given at every start. The default is what Clerk gives a new application: an e-mail address
/// and a password, one session at a time in a browser, no obligation to belong to an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstanceSettings {
    /// What components show as the name of the application.
    pub application_name: String,
    /// An e-mail address, proven by a code.
    pub email_address: Requirement,
    /// A phone number, proven by a code.
    pub phone_number: Requirement,
    /// A username.
    pub username: Requirement,
    /// A password.
    pub password: Requirement,
    /// A first name.
    pub first_name: Requirement,
    /// A last name.
    pub last_name: Requirement,
    /// What people may add to their first factor, and are then asked for at every sign-in. A user who comes with a
    /// second factor from the Backend API is asked for it in any case.
    pub second_factors: Vec<SecondFactor>,
    /// Who may sign up.
    pub sign_up_mode: SignUpMode,
    /// Whether a browser may be signed in as several people at once.
    pub multi_session: bool,
    /// Whether everybody must be in an organization: a session without an active one is pending, with the task
    /// `choose-organization`.
    pub organization_required: bool,
}

/// What proves, beside the first factor, who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// A code of an authenticator app.
    Totp,
    /// A code that is sent to a phone number; takes a setting of `phone_number` that has numbers.
    PhoneCode,
    /// Ten codes to print, each good once, for whoever has one of the others.
    BackupCode,
}

/// Who may sign up: Clerk's access mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUpMode {
    /// Everybody.
    #[default]
    Public,
    /// Whoever was invited.
    Restricted,
    /// Whoever was invited; everybody else can join the waitlist.
    Waitlist,
}

impl SignUpMode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Restricted => "restricted",
            Self::Waitlist => "waitlist",
        }
    }
}

/// Whether something can be, or has to be, part of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// Not asked for, and not taken.
    Off,
    /// Taken when given.
    Optional,
    /// A sign-up is not complete without it.
    Required,
}

impl Requirement {
    pub(crate) fn enabled(self) -> bool {
        self != Self::Off
    }

    pub(crate) fn required(self) -> bool {
        self == Self::Required
    }
}

impl InstanceSettings {
    /// Whether people may add this one.
    pub(crate) fn has(&self, factor: SecondFactor) -> bool {
        self.second_factors.contains(&factor) && (factor != SecondFactor::PhoneCode || self.phone_number.enabled())
    }
}

impl SecondFactor {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::PhoneCode => "phone_code",
            Self::BackupCode => "backup_code",
        }
    }
}

impl Default for InstanceSettings {
    fn default() -> Self {
        Self {
            application_name: "Rowlock".to_owned(),
            email_address: Requirement::Required,
            phone_number: Requirement::Off,
            username: Requirement::Off,
            password: Requirement::Required,
            first_name: Requirement::Optional,
            last_name: Requirement::Optional,
            second_factors: Vec::new(),
            sign_up_mode: SignUpMode::Public,
            multi_session: false,
            organization_required: false,
        }
    }
}
