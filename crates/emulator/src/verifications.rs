//! One-time codes that prove an e-mail address or a phone number.
//!
//! A code is sent as an event (`email.created`, `sms.created`), tried, and used once. Clerk's test addresses and test
//! numbers always get 424242; every other code is drawn. A wrong or late code is no refusal: the answer says how the
//! verification stands, as Clerk's does.

use std::time::Duration;

use clerk::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    change::Change,
    messages::{Email, Sms},
    refusal::Refusal,
    table::Row,
    users::{Identification, IdentificationKind, IdentificationPatch, IdentificationState},
};

/// Clerk: "a one-time code … expires after 10 minutes".
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);
/// Wrong codes a verification bears before it has failed.
pub(crate) const ATTEMPTS: u32 = 3;
/// Clerk: "Test emails and phones".
const TEST_CODE: &str = "424242";

/// One verification, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verification {
    pub(crate) id: String,
    /// The e-mail address or phone number it proves.
    pub(crate) identification_id: String,
    pub(crate) strategy: String,
    pub(crate) code: String,
    pub(crate) attempts: u32,
    pub(crate) verified: bool,
    pub(crate) expire_at: Timestamp,
    pub(crate) created_at: Timestamp,
}

impl Verification {
    fn status_at(&self, now: Timestamp) -> &'static str {
        match self {
            Self { verified: true, .. } => "verified",
            Self { attempts: ATTEMPTS.., .. } => "failed",
            Self { expire_at, .. } if *expire_at <= now => "expired",
            _ => "unverified",
        }
    }

    /// The verification as the Backend API shows it: the code stays inside.
    pub(crate) fn object(&self, now: Timestamp) -> Value {
        json!({
            "object": "verification",
            "id": self.id,
            "status": self.status_at(now),
            "strategy": self.strategy,
            "attempts": self.attempts,
            "expire_at": self.expire_at,
            "channel": if self.strategy == "phone_code" { json!("sms") } else { Value::Null },
        })
    }
}

impl Row for Verification {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl Change<'_> {
    /// Draws a code and sends it.
    pub(crate) fn prepare_verification(
        &mut self,
        kind: IdentificationKind,
        identification: &str,
    ) -> Result<Verification, Refusal> {
        let (user, found) = kind.find(&self.state.users, identification)?;
        let user_id = user.id.clone();
        let (strategy, to) = match found {
            Identification::EmailAddress(email) => ("email_code", email.email_address.clone()),
            Identification::PhoneNumber(phone) => ("phone_code", phone.phone_number.clone()),
        };
        let code = self.draw_code(&to);
        let verification = Verification {
            id: self.state.ids.prefixed("ver_", self.now),
            identification_id: identification.to_owned(),
            strategy: strategy.to_owned(),
            code: code.clone(),
            attempts: 0,
            verified: false,
            expire_at: self.now.plus(LIFETIME),
            created_at: self.now,
        };
        let now = self.now;
        self.state.verifications.remove_where(|old| old.expire_at <= now);
        self.state.verifications.put(verification.clone());
        let (text, data) = (format!("Your verification code is {code}"), json!({ "otp_code": code }));
        match kind {
            IdentificationKind::EmailAddress => self.announce_email(&Email {
                slug: "verification_code",
                to: &to,
                email_address_id: Some(identification),
                user_id: Some(&user_id),
                subject: format!("{code} is your verification code"),
                text,
                data,
            }),
            IdentificationKind::PhoneNumber => self.announce_sms(&Sms {
                slug: "verification_code",
                to: &to,
                phone_number_id: Some(identification),
                user_id: Some(&user_id),
                text,
                data,
            }),
        }
        Ok(verification)
    }

    /// Tries a code. The right one verifies the address or number if nothing has before.
    pub(crate) fn attempt_verification(
        &mut self,
        kind: IdentificationKind,
        identification: &str,
        verification: &str,
        code: &str,
    ) -> Result<Verification, Refusal> {
        let (_, found) = kind.find(&self.state.users, identification)?;
        let state = match found {
            Identification::EmailAddress(email) => email.state,
            Identification::PhoneNumber(phone) => phone.state,
        };
        let known = self.state.verifications.get(verification);
        let known = known.filter(|known| known.identification_id == identification);
        let mut known = known.ok_or_else(|| Refusal::not_found("verification", verification))?.clone();
        match known.status_at(self.now) {
            "verified" => {
                let short = "already verified";
                let long = "This verification has already been verified.";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "verification_already_verified", short, long));
            }
            "unverified" => {}
            _ => return Ok(known),
        }
        known.attempts += 1;
        known.verified = known.code == code;
        self.state.verifications.put(known.clone());
        if known.verified && state != IdentificationState::Verified {
            self.update_identification(kind, identification, &IdentificationPatch::verified())?;
        }
        Ok(known)
    }

    /// Six digits, or Clerk's test code for an address or number that is made for tests.
    pub(crate) fn draw_code(&mut self, to: &str) -> String {
        if is_test_address(to) {
            return TEST_CODE.to_owned();
        }
        let drawn = u32::from_le_bytes(self.state.ids.secret::<4>());
        format!("{:06}", drawn % 1_000_000)
    }
}

/// Clerk's addresses for tests: the subaddress `+clerk_test`, and the fictional numbers `+1 (XXX) 555-0100` to `555-0199`.
pub(crate) fn is_test_address(to: &str) -> bool {
    match to.rsplit_once('@') {
        Some((local, _)) => local.split('+').skip(1).any(|tag| tag == "clerk_test"),
        None => {
            let digits = to.strip_prefix("+1").filter(|digits| digits.len() == 10);
            digits.and_then(|digits| digits.get(3..8)) == Some("55501")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_addresses_are_recognized() {
        for test in ["ada+clerk_test@example.com", "ada+x+clerk_test@example.com", "+12015550100", "+19995550199"] {
            assert!(is_test_address(test), "{test}");
        }
        for real in ["ada@example.com", "ada@clerk_test.com", "clerk_test@example.com", "+12015550200", "+442015550100"]
        {
            assert!(!is_test_address(real), "{real}");
        }
    }
}
