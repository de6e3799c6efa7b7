//! Second factors that nobody has to send: codes of an authenticator app (RFC 6238: SHA-1, thirty seconds, six digits) and
//! backup codes, each good once.
//!
//! The Backend API brings them along when it makes or changes a user, as an application does that moves in from elsewhere.
//! In a browser people enrol themselves: a secret is drawn and shown, and counts when a code of it has been typed.

use aws_lc_rs::hmac;
use clerk::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{form::Form, ids::IdSource, refusal::Refusal, secret::Secret};

const STEP_SECONDS: i64 = 30;
const DIGITS: usize = 6;
/// A code of the step before or after is taken too: clocks differ, and people type slowly.
const DRIFT_STEPS: i64 = 1;
/// As long as the tag of SHA-1, which RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// As many as Clerk's components lay out on one page.
const BACKUP_CODES: usize = 10;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The second factors of a user, as stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Authenticators {
    /// In base32, as an app takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) totp_secret: Option<Secret>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) backup_codes: Vec<Secret>,
    /// The authenticator app that people added themselves, proven or not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enrolment: Option<Enrolment>,
}

/// An authenticator app on its way in. Its secret moves to [`Authenticators::totp_secret`] with the first right code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrolment {
    /// `totp_…`
    id: String,
    unproven: Option<Secret>,
    created_at: Timestamp,
    updated_at: Timestamp,
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

    /// Whether there is anything to prove oneself by.
    pub(crate) fn any(&self) -> bool {
        self.totp_secret.is_some() || !self.backup_codes.is_empty()
    }

    /// Draws the secret of an authenticator app, in place of one that nobody proved. Whoever has an app keeps it.
    pub(crate) fn enrol(&mut self, ids: &mut IdSource, now: Timestamp) -> Result<(), Refusal> {
        if self.totp_secret.is_some() {
            let long = "This user has an authenticator app already. Remove it first.";
            let short = "TOTP already enabled";
            return Err(Refusal::new(http::StatusCode::BAD_REQUEST, "totp_already_enabled", short, long));
        }
        let secret = encode_base32(&ids.secret::<SECRET_BYTES>());
        let id = ids.prefixed("totp_", now);
        self.enrolment = Some(Enrolment { id, unproven: Some(Secret::new(secret)), created_at: now, updated_at: now });
        Ok(())
    }

    /// Takes the app on with a right code of it.
    pub(crate) fn prove(&mut self, code: &str, now: Timestamp) -> Result<(), Refusal> {
        let pending = self.enrolment.as_mut().filter(|enrolment| enrolment.unproven.is_some());
        let pending = pending.ok_or_else(|| Refusal::not_found("TOTP", "that waits for its first code"))?;
        let right = pending.unproven.as_ref().is_some_and(|secret| is_current(secret.expose(), code, now));
        if !right {
            return Err(Refusal::form("form_code_incorrect", "is incorrect", "Incorrect code", "code"));
        }
        self.totp_secret = pending.unproven.take();
        pending.updated_at = now;
        Ok(())
    }

    /// Forgets the app, and answers with its id.
    pub(crate) fn remove_app(&mut self) -> Result<String, Refusal> {
        if self.totp_secret.take().is_none() {
            return Err(Refusal::not_found("TOTP", "of this user"));
        }
        let enrolment = self.enrolment.take();
        Ok(enrolment.map_or_else(|| "totp_imported".to_owned(), |enrolment| enrolment.id))
    }

    /// Draws new backup codes; those before them are good no more.
    pub(crate) fn draw_backup_codes(&mut self, ids: &mut IdSource) -> Vec<String> {
        let codes: Vec<String> =
            (0..BACKUP_CODES).map(|_| encode_base32(&ids.secret::<5>()).to_ascii_lowercase()).collect();
        self.backup_codes = codes.iter().cloned().map(Secret::new).collect();
        codes
    }

    /// The app as its owner sees it: with the secret as long as it is not proven. `label` says whose it is, and where.
    pub(crate) fn enrolment_object(&self, issuer: &str, account: &str) -> Option<Value> {
        let enrolment = self.enrolment.as_ref()?;
        let secret = enrolment.unproven.as_ref().map(Secret::expose);
        Some(json!({
            "object": "totp",
            "id": enrolment.id,
            "secret": secret,
            "uri": secret.map(|secret| key_uri(issuer, account, secret)),
            "verified": secret.is_none(),
            "created_at": enrolment.created_at,
            "updated_at": enrolment.updated_at,
        }))
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

/// What an app reads from the picture: the key URI format of Google Authenticator, which all of them know.
fn key_uri(issuer: &str, account: &str, secret: &str) -> String {
    // A form writes a space as a plus sign, and apps would show the plus.
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let (issuer, account) = (encode(issuer), encode(account));
    format!(
        "otpauth://totp/{issuer}:{account}?algorithm=SHA1&digits={DIGITS}&issuer={issuer}&period={STEP_SECONDS}&secret={secret}"
    )
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

/// RFC 4648, section 6, of whole groups of five bytes, which need no padding.
fn encode_base32(bytes: &[u8]) -> String {
    debug_assert_eq!(bytes.len() % 5, 0);
    let letters = bytes.chunks_exact(5).flat_map(|group| {
        let number = group.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        (0..8).rev().map(move |place| usize::try_from(number >> (5 * place) & 31).expect("five bits fit"))
    });
    letters.map(|index| char::from(BASE32[index])).collect()
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
        assert!(!authenticators.any());
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
        assert_eq!(encode_base32(b"12345678901234567890"), SECRET);
        assert_eq!(encode_base32(b"fooba"), "MZXW6YTB");
    }

    #[test]
    fn an_app_counts_from_its_first_right_code() {
        let mut ids = IdSource::new(Some(7));
        let mut authenticators = Authenticators::default();
        let now = Timestamp::from_seconds(1_111_111_109);
        assert_eq!(authenticators.prove("123456", now).unwrap_err().code(), "resource_not_found");
        authenticators.enrol(&mut ids, now).unwrap();
        let shown = authenticators.enrolment_object("Row & Co", "ada+1@example.com").unwrap();
        let secret = shown["secret"].as_str().unwrap().to_owned();
        assert_eq!(decode_base32(&secret).unwrap().len(), SECRET_BYTES);
        assert_eq!(
            shown["uri"],
            format!(
                "otpauth://totp/Row%20%26%20Co:ada%2B1%40example.com?algorithm=SHA1&digits=6&issuer=Row%20%26%20Co&period=30&secret={secret}"
            )
        );
        let code = code_at(&decode_base32(&secret).unwrap(), now.seconds() / STEP_SECONDS);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        assert_eq!(authenticators.prove(wrong, now).unwrap_err().code(), "form_code_incorrect");
        assert!(!authenticators.any(), "nobody is asked for what is not proven");
        authenticators.prove(&code, now).unwrap();
        assert_eq!(authenticators.use_code(&code, now), Some(CodeKind::Totp));
        let proven = authenticators.enrolment_object("x", "y").unwrap();
        assert_eq!(
            (&proven["secret"], &proven["uri"], &proven["verified"]),
            (&Value::Null, &Value::Null, &json!(true))
        );
        assert_eq!(authenticators.enrol(&mut ids, now).unwrap_err().code(), "totp_already_enabled");
        assert_eq!(authenticators.remove_app().unwrap(), shown["id"].as_str().unwrap());
        assert_eq!(authenticators.remove_app().unwrap_err().code(), "resource_not_found");
    }
}
