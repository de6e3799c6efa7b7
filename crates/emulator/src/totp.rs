//! Second factors that nobody has to send: codes of an authenticator app (RFC 6238: SHA-1, thirty seconds, six digits) and
//! backup codes, each good once.
//!
//! The Backend API brings them along when it makes or changes a user, as an application does that moves in from elsewhere.
//! Enrolling by scanning a picture takes Clerk's own components and is not here.

use aws_lc_rs::hmac;
use clerk::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{form::Form, refusal::Refusal, secret::Secret};

const STEP_SECONDS: i64 = 30;
const DIGITS: usize = 6;
/// A code of the step before or after is taken too: clocks differ, and people type slowly.
const DRIFT_STEPS: i64 = 1;

/// The second factors of a user, as stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Authenticators {
    /// In base32, as an app takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) totp_secret: Option<Secret>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) backup_codes: Vec<Secret>,
}

/// What a code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeKind {
    Totp,
    BackupCode,
}

impl CodeKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::BackupCode => "backup_code",
        }
    }
}

impl Authenticators {
    /// `totp_secret` and `backup_codes`; what a form leaves out stays as it was.
    pub(crate) fn take(form: &mut Form) -> Result<NewAuthenticators, Refusal> {
        let totp_secret = form.string("totp_secret")?.given();
        if let Some(secret) = &totp_secret
            && decode_base32(secret).is_none_or(|key| key.is_empty())
        {
            let long = "The TOTP secret is invalid, please provide a valid one base32 encoded";
            return Err(Refusal::form("invalid_totp_secret_code", "invalid TOTP secret", long, "totp_secret"));
        }
        let backup_codes = form.strings("backup_codes")?.given();
        Ok(NewAuthenticators { totp_secret, backup_codes })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.totp_secret.is_none() && self.backup_codes.is_empty()
    }

    /// What the code is good as. A backup code is used up by it.
    pub(crate) fn use_code(&mut self, code: &str, now: Timestamp) -> Option<CodeKind> {
        if self.totp_secret.as_ref().is_some_and(|secret| is_current(secret.expose(), code, now)) {
            return Some(CodeKind::Totp);
        }
        let place = self.backup_codes.iter().position(|backup| backup.matches(code))?;
        self.backup_codes.remove(place);
        Some(CodeKind::BackupCode)
    }
}

/// Second factors that a form brings along.
#[derive(Debug, Default)]
pub(crate) struct NewAuthenticators {
    totp_secret: Option<String>,
    backup_codes: Option<Vec<String>>,
}

impl NewAuthenticators {
    pub(crate) fn apply(self, to: &mut Authenticators) {
        if let Some(secret) = self.totp_secret {
            to.totp_secret = Some(Secret::new(secret));
        }
        if let Some(codes) = self.backup_codes {
            to.backup_codes = codes.into_iter().map(Secret::new).collect();
        }
    }
}

fn is_current(secret: &str, code: &str, now: Timestamp) -> bool {
    let Some(key) = decode_base32(secret) else { return false };
    let step = now.seconds().div_euclid(STEP_SECONDS);
    (step - DRIFT_STEPS..=step + DRIFT_STEPS).any(|step| Secret::new(code_at(&key, step)).matches(code))
}

fn code_at(key: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    // RFC 4226, section 5.3: the last four bits say where the number begins, whose sign bit is not part of it.
    let offset = usize::from(tag[tag.len() - 1] & 0x0f);
    let number = u32::from_be_bytes([tag[offset] & 0x7f, tag[offset + 1], tag[offset + 2], tag[offset + 3]]);
    format!("{:0width$}", number % 10_u32.pow(6), width = DIGITS)
}

/// RFC 4648, section 6, in either case, with padding or without.
fn decode_base32(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).expect("eight bits are a byte"));
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "12345678901234567890".
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, in six digits.
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let now = Timestamp::from_seconds(seconds);
            assert!(is_current(SECRET, code, now), "{seconds}");
            assert!(!is_current(SECRET, code, now.plus(std::time::Duration::from_secs(90))), "{seconds}");
        }
    }

    #[test]
    fn a_backup_code_is_good_once() {
        let mut authenticators = Authenticators::default();
        assert!(authenticators.is_empty());
        NewAuthenticators { totp_secret: None, backup_codes: Some(vec!["one".to_owned(), "two".to_owned()]) }
            .apply(&mut authenticators);
        let now = Timestamp::from_seconds(0);
        assert_eq!(authenticators.use_code("two", now), Some(CodeKind::BackupCode));
        assert_eq!(authenticators.use_code("two", now), None);
        assert_eq!(authenticators.use_code("", now), None);
    }

    #[test]
    fn base32_is_read_in_every_spelling() {
        assert_eq!(decode_base32("MZXW6YTBOI======").unwrap(), b"foobar");
        assert_eq!(decode_base32("mzxw6ytboi").unwrap(), b"foobar");
        assert_eq!(decode_base32("0189"), None);
    }
}
