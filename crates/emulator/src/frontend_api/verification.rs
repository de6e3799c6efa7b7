//! Proof by a code: six digits, sent to an address, typed back in.
//!
//! Unlike the verifications of the Backend API, these belong to a sign-in, a sign-up or a browser, and a wrong code is a
//! refusal. Clerk's test addresses get no message, and their code is 424242. Any other address gets a random code, and the
//! message with it is an event (`email.created`, `sms.created`), as it is for applications that send their own mail.

use clerk::{Timestamp, UserId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    change::Change,
    messages::{Email, Sms},
    refusal::Refusal,
    verifications::{ATTEMPTS, LIFETIME, is_test_address},
};

/// How an address is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CodeStrategy {
    Email,
    Phone,
    /// In place of a forgotten password.
    PasswordByEmail,
    PasswordByPhone,
}

impl CodeStrategy {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Email, Self::Phone, Self::PasswordByEmail, Self::PasswordByPhone]
            .into_iter()
            .find(|strategy| strategy.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email_code",
            Self::Phone => "phone_code",
            Self::PasswordByEmail => "reset_password_email_code",
            Self::PasswordByPhone => "reset_password_phone_code",
        }
    }

    /// Whether the code goes to an e-mail address; otherwise to a phone.
    pub(crate) fn by_email(self) -> bool {
        matches!(self, Self::Email | Self::PasswordByEmail)
    }

    /// Whether whoever proves the address has forgotten the password.
    pub(crate) fn resets_password(self) -> bool {
        matches!(self, Self::PasswordByEmail | Self::PasswordByPhone)
    }
}

/// Where a proof stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProofStatus {
    Unverified,
    Verified,
    Failed,
}

/// A code on its way back.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeVerification {
    pub(crate) strategy: CodeStrategy,
    code: String,
    attempts: u32,
    status: ProofStatus,
    expire_at: Timestamp,
}

impl CodeVerification {
    fn begin(strategy: CodeStrategy, code: String, now: Timestamp) -> Self {
        Self { strategy, code, attempts: 0, status: ProofStatus::Unverified, expire_at: now.plus(LIFETIME) }
    }

    pub(crate) fn verified(&self) -> bool {
        self.status == ProofStatus::Verified
    }

    /// Compares a code. A wrong one counts, and too many end the verification.
    pub(crate) fn attempt(&mut self, code: &str, now: Timestamp) -> Result<(), Refusal> {
        match self.status {
            ProofStatus::Verified => {
                let message = "This verification has already been verified.";
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    "verification_already_verified",
                    "already verified",
                    message,
                ));
            }
            ProofStatus::Failed => return Err(too_many()),
            ProofStatus::Unverified if self.expire_at <= now => {
                let message = "This verification has expired. You must create a new one.";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "verification_expired", "expired", message));
            }
            ProofStatus::Unverified => {}
        }
        self.attempts += 1;
        if self.code == code {
            self.status = ProofStatus::Verified;
            return Ok(());
        }
        if self.attempts >= ATTEMPTS {
            self.status = ProofStatus::Failed;
            return Err(too_many());
        }
        Err(Refusal::form("form_code_incorrect", "is incorrect", "Incorrect code", "code"))
    }

    pub(crate) fn object(&self, now: Timestamp) -> Value {
        let status = match self.status {
            ProofStatus::Verified => "verified",
            ProofStatus::Failed => "failed",
            ProofStatus::Unverified if self.expire_at <= now => "expired",
            ProofStatus::Unverified => "unverified",
        };
        json!({
            "object": "verification_otp",
            "status": status,
            "strategy": self.strategy.as_str(),
            "attempts": self.attempts,
            "expire_at": self.expire_at,
        })
    }
}

impl std::fmt::Debug for CodeVerification {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("CodeVerification");
        shown.field("strategy", &self.strategy).field("status", &self.status).finish_non_exhaustive()
    }
}

fn too_many() -> Refusal {
    let message = "Too many failed attempts. You have to try again with the same or another method.";
    Refusal::new(StatusCode::BAD_REQUEST, "verification_failed", "verification failed", message)
}

/// Where a code goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipient<'a> {
    pub(crate) address: &'a str,
    /// `idn_…`, of an address that belongs to a user.
    pub(crate) address_id: Option<&'a str>,
    pub(crate) user: Option<&'a UserId>,
}

impl Change<'_> {
    /// Draws a code and sends it, unless the address is one for tests: those get no mail from Clerk either.
    pub(crate) fn send_code_to(&mut self, strategy: CodeStrategy, to: Recipient<'_>) -> CodeVerification {
        let code = self.draw_code(to.address);
        let verification = CodeVerification::begin(strategy, code.clone(), self.now);
        if is_test_address(to.address) {
            return verification;
        }
        let slug = if strategy.resets_password() { "reset_password_code" } else { "verification_code" };
        let (text, data) = (format!("Your verification code is {code}"), json!({ "otp_code": code }));
        if strategy.by_email() {
            self.announce_email(&Email {
                slug,
                to: to.address,
                email_address_id: to.address_id,
                user_id: to.user,
                subject: format!("{code} is your verification code"),
                text,
                data,
            });
        } else {
            let (phone_number_id, user_id) = (to.address_id, to.user);
            self.announce_sms(&Sms { slug, to: to.address, phone_number_id, user_id, text, data });
        }
        verification
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

    fn verification() -> CodeVerification {
        CodeVerification::begin(CodeStrategy::Email, "424242".to_owned(), NOW)
    }

    #[test]
    fn the_right_code_works_once() {
        let mut verification = verification();
        assert_eq!(verification.attempt("424241", NOW).unwrap_err().code(), "form_code_incorrect");
        verification.attempt("424242", NOW).unwrap();
        assert!(verification.verified());
        assert_eq!(verification.attempt("424242", NOW).unwrap_err().code(), "verification_already_verified");
    }

    #[test]
    fn too_many_wrong_codes_end_it_and_so_do_ten_minutes() {
        let mut guessed = verification();
        for _ in 1..ATTEMPTS {
            assert_eq!(guessed.attempt("1", NOW).unwrap_err().code(), "form_code_incorrect");
        }
        assert_eq!(guessed.attempt("1", NOW).unwrap_err().code(), "verification_failed");
        assert_eq!(guessed.attempt("424242", NOW).unwrap_err().code(), "verification_failed");
        let mut late = verification();
        assert_eq!(late.attempt("424242", NOW.plus(LIFETIME)).unwrap_err().code(), "verification_expired");
        assert_eq!(late.object(NOW.plus(LIFETIME))["status"], "expired");
    }
}
