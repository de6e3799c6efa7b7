//! Passwords: kept as a salted hash, compared in constant time.
//!
//! The hash is PBKDF2-HMAC-SHA-256, which the crypto library of this workspace has. Its work factor is small on purpose:
//! an instance is a test fixture, and a suite that signs in a thousand times must not pay for a production's caution. A
//! digest that was made by another hasher and handed in through the Backend API says that its user has a password, and no
//! password matches it here.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::ids::random;

const ROUNDS: NonZeroU32 = NonZeroU32::new(10_000).expect("ten thousand is not zero");
const LENGTH: usize = 32;
/// Clerk: "passwords must be 8 characters or more", unless the checks are skipped.
pub(crate) const MINIMUM_CHARACTERS: usize = 8;
/// What Clerk's instances allow when nobody says otherwise.
pub(crate) const MAXIMUM_CHARACTERS: usize = 72;

/// A user's password, as stored.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Password {
    /// Hashed here.
    Pbkdf2 { salt: String, hash: String },
    /// Hashed by somebody else; the name of the hasher is all that is kept.
    Foreign { hasher: String },
}

impl Password {
    pub(crate) fn of(text: &str) -> Self {
        let salt = random::<16>();
        Self::Pbkdf2 { salt: STANDARD_NO_PAD.encode(salt), hash: STANDARD_NO_PAD.encode(derive(&salt, text)) }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        let Self::Pbkdf2 { salt, hash } = self else { return false };
        let (Ok(salt), Ok(hash)) = (STANDARD_NO_PAD.decode(salt), STANDARD_NO_PAD.decode(hash)) else { return false };
        pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, &salt, text.as_bytes(), &hash).is_ok()
    }
}

fn derive(salt: &[u8], text: &str) -> [u8; LENGTH] {
    let mut hash = [0; LENGTH];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt, text.as_bytes(), &mut hash);
    hash
}

impl std::fmt::Debug for Password {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_itself_and_nothing_else() {
        let password = Password::of("correct horse");
        assert!(password.matches("correct horse"));
        assert!(!password.matches("correct horse "));
        assert!(!password.matches(""));
        assert_ne!(password, Password::of("correct horse"), "the salt differs");
    }

    #[test]
    fn a_foreign_digest_matches_no_password() {
        let password = Password::Foreign { hasher: "bcrypt".to_owned() };
        assert!(!password.matches("") && !password.matches("bcrypt"));
    }

    #[test]
    fn debug_shows_neither_salt_nor_hash() {
        assert_eq!(format!("{:?}", Password::of("correct horse")), "Password(…)");
    }
}
