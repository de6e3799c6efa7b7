//! Development or production: the half of every Clerk key that says which instance it opens.

use std::fmt;

/// Which kind of Clerk instance a key belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Environment {
    /// `pk_test_`, `sk_test_`: a development instance.
    Development,
    /// `pk_live_`, `sk_live_`: a production instance.
    Production,
}

impl Environment {
    /// The word that stands for it inside a key.
    pub(crate) const fn marker(self) -> &'static str {
        match self {
            Self::Development => "test",
            Self::Production => "live",
        }
    }

    /// Splits `<kind>_test_…` or `<kind>_live_…`.
    pub(crate) fn of_key<'a>(kind: &str, key: &'a str) -> Option<(Self, &'a str)> {
        let marked = key.strip_prefix(kind)?.strip_prefix('_')?;
        [Self::Development, Self::Production].into_iter().find_map(|environment| {
            let rest = marked.strip_prefix(environment.marker())?.strip_prefix('_')?;
            Some((environment, rest))
        })
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Development => "development",
            Self::Production => "production",
        })
    }
}
