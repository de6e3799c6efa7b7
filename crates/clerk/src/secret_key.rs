//! The key that may do everything: `sk_test_…` and `sk_live_…`.
//!
//! It leaves this type only through [`SecretKey::expose`], a word that a reviewer can search for. Errors never repeat
//! what was given: a mistyped secret is still a secret.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::Environment;

/// A Backend API secret key.
#[derive(Clone)]
pub struct SecretKey {
    environment: Environment,
    text: Box<str>,
}

impl SecretKey {
    /// Reads `sk_test_…` or `sk_live_…`.
    pub fn parse(text: &str) -> Result<Self, InvalidSecretKey> {
        let Some((environment, rest)) = Environment::of_key("sk", text) else {
            return Err(InvalidSecretKey::Kind { found: kind_of(text) });
        };
        if rest.is_empty() {
            return Err(InvalidSecretKey::Empty);
        }
        if let Some(position) =
            rest.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || b"_-+/=".contains(&byte)))
        {
            return Err(InvalidSecretKey::Character { position: text.len() - rest.len() + position });
        }
        Ok(Self { environment, text: text.into() })
    }

    /// Which kind of instance it opens.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The secret itself, for the `authorization` header and for nothing else.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether `candidate` is this key, in time that does not depend on where they differ.
    pub fn matches(&self, candidate: &str) -> bool {
        verify_slices_are_equal(self.text.as_bytes(), candidate.as_bytes()).is_ok()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SecretKey(sk_{}_…)", self.environment.marker())
    }
}

/// Text that should have been a secret key and is not. It never shows the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecretKey {
    /// Another kind of key, or no key at all.
    #[error(
        "not a Clerk secret key: found {found}, expected `sk_test_…` or `sk_live_…`; copy it from the Clerk dashboard, API keys"
    )]
    Kind {
        /// What the text is instead, without the text.
        found: &'static str,
    },
    /// A prefix and nothing behind it.
    #[error("not a Clerk secret key: found only the prefix; copy the whole key from the Clerk dashboard, API keys")]
    Empty,
    /// Something that no key contains, usually a quote or a line break that came along.
    #[error(
        "not a Clerk secret key: found an unexpected character at byte {position}, expected letters, digits and `_-+/=`; look for a quote, a space or a line break around the value"
    )]
    Character {
        /// Offset from the start of the text.
        position: usize,
    },
}

/// Names what a text is by its public prefix.
fn kind_of(text: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 5] = [
        ("pk_", "a publishable key (`pk_…`)"),
        ("whsec_", "a webhook signing secret (`whsec_…`)"),
        ("ak_", "an API key (`ak_…`)"),
        ("mt_", "a machine token (`mt_…`)"),
        ("sk_", "a key that begins with `sk_` but names neither `test` nor `live`"),
    ];
    if text.is_empty() {
        return "nothing";
    }
    PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix)).map_or("another text", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::SecretKey;
    use crate::Environment;

    #[test]
    fn a_key_knows_its_environment_and_itself() {
        let key = SecretKey::parse("sk_test_a1B2").unwrap();
        assert_eq!(key.environment(), Environment::Development);
        assert_eq!(key.expose(), "sk_test_a1B2");
        assert!(key.matches("sk_test_a1B2"));
        for other in ["", "sk_test_a1B", "sk_test_a1B3", "sk_test_a1B22", "sk_live_a1B2"] {
            assert!(!key.matches(other), "{other}");
        }
        assert_eq!(SecretKey::parse("sk_live_a").unwrap().environment(), Environment::Production);
    }

    #[test]
    fn debug_hides_the_secret() {
        assert_eq!(format!("{:?}", SecretKey::parse("sk_live_hush").unwrap()), "SecretKey(sk_live_…)");
    }

    #[test]
    fn errors_say_what_it_is_and_never_show_it() {
        let refused = |text: &str| {
            let message = SecretKey::parse(text).unwrap_err().to_string();
            assert!(!message.contains("hush"), "{message}");
            message
        };
        assert_snapshot!(refused("pk_test_hush"), @"not a Clerk secret key: found a publishable key (`pk_…`), expected `sk_test_…` or `sk_live_…`; copy it from the Clerk dashboard, API keys");
        assert_snapshot!(refused("sk_prod_hush"), @"not a Clerk secret key: found a key that begins with `sk_` but names neither `test` nor `live`, expected `sk_test_…` or `sk_live_…`; copy it from the Clerk dashboard, API keys");
        assert_snapshot!(refused("hush"), @"not a Clerk secret key: found another text, expected `sk_test_…` or `sk_live_…`; copy it from the Clerk dashboard, API keys");
        assert_snapshot!(refused(""), @"not a Clerk secret key: found nothing, expected `sk_test_…` or `sk_live_…`; copy it from the Clerk dashboard, API keys");
        assert_snapshot!(refused("sk_test_"), @"not a Clerk secret key: found only the prefix; copy the whole key from the Clerk dashboard, API keys");
        assert_snapshot!(refused("sk_test_hush\n"), @"not a Clerk secret key: found an unexpected character at byte 12, expected letters, digits and `_-+/=`; look for a quote, a space or a line break around the value");
    }
}
