//! Which kind of token this is.
//!
//! Clerk signs session tokens, JWT-template tokens, machine tokens and OAuth access tokens with the same instance key. A
//! good signature therefore says nothing about who is behind a token: the class must be read from the header before a
//! claim is believed. A machine token or a template can carry any claim its author likes, also `role: service_role`.
//!
//! Sources: `@clerk/backend` 3.25 (`tokens/jwtCategories.ts` for `cat`, `tokens/machine.ts` for `typ` and `mch_`).

use crate::quoted::quoted;
use crate::{MachineId, TokenHeader};

const SESSION: &str = "cl_B7d4PD111AAA";
const TEMPLATE: &str = "cl_B7d4PD222AAA";
const MACHINE_TO_MACHINE: &str = "cl_B7d4PD333AAA";
/// Stamped on tokens of every class by instances with the flag `use_ignore_jwt_cat`: it carries no information.
const IGNORE: &str = "cl_I7d4PD111III";

/// What a token was minted as.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TokenClass {
    /// A signed-in session speaks.
    Session,
    /// Made from a JWT template: claims as its author wrote them, not tied to a session.
    Template,
    /// A machine speaks; its custom claims are its own words.
    MachineToMachine,
    /// An OAuth access token, handed to another application.
    OAuthAccess,
    /// No category: minted before Clerk wrote one, or by an instance that hides it.
    Unclassified,
}

impl TokenClass {
    /// Decides by header and `sub`. The sign of least trust wins: `typ` of an OAuth access token, then a machine as subject,
    /// then the category. A category nobody knows is an error: unknown means no.
    pub fn of(header: &TokenHeader, subject: &str) -> Result<Self, UnknownCategory> {
        if header.token_type.as_deref().is_some_and(is_access_token_type) {
            return Ok(Self::OAuthAccess);
        }
        if subject.starts_with(MachineId::PREFIX) {
            return Ok(Self::MachineToMachine);
        }
        match header.category.as_deref() {
            None | Some(IGNORE) => Ok(Self::Unclassified),
            Some(SESSION) => Ok(Self::Session),
            Some(TEMPLATE) => Ok(Self::Template),
            Some(MACHINE_TO_MACHINE) => Ok(Self::MachineToMachine),
            Some(unknown) => Err(UnknownCategory { found: quoted(unknown) }),
        }
    }

    /// The `cat` that a minter writes for this class, where there is one.
    pub const fn category(self) -> Option<&'static str> {
        match self {
            Self::Session => Some(SESSION),
            Self::Template => Some(TEMPLATE),
            Self::MachineToMachine => Some(MACHINE_TO_MACHINE),
            Self::OAuthAccess | Self::Unclassified => None,
        }
    }
}

/// RFC 9068 §2.1; media types do not distinguish case (RFC 7515 §4.1.9).
fn is_access_token_type(token_type: &str) -> bool {
    ["at+jwt", "application/at+jwt"].iter().any(|known| token_type.eq_ignore_ascii_case(known))
}

/// A `cat` that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("token category {found} is unknown, expected a session, template or machine token of Clerk")]
pub struct UnknownCategory {
    found: String,
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::TokenClass::{self, *};
    use crate::TokenHeader;

    fn class(token_type: Option<&str>, category: Option<&str>, subject: &str) -> TokenClass {
        let header = TokenHeader {
            token_type: token_type.map(str::to_owned),
            category: category.map(str::to_owned),
            ..TokenHeader::default()
        };
        TokenClass::of(&header, subject).unwrap()
    }

    #[test]
    fn the_category_decides_for_a_user() {
        let cases = [
            (None, Unclassified),
            (Some("cl_I7d4PD111III"), Unclassified),
            (Some("cl_B7d4PD111AAA"), Session),
            (Some("cl_B7d4PD222AAA"), Template),
            (Some("cl_B7d4PD333AAA"), MachineToMachine),
        ];
        for (category, expected) in cases {
            assert_eq!(class(Some("JWT"), category, "user_1"), expected, "{category:?}");
            assert_eq!(class(None, category, "user_1"), expected, "{category:?} without typ");
        }
    }

    #[test]
    fn a_machine_stays_a_machine_under_every_category() {
        for category in [None, Session.category(), Template.category(), Some("cl_I7d4PD111III"), Some("news")] {
            assert_eq!(class(Some("JWT"), category, "mch_1"), MachineToMachine, "{category:?}");
        }
    }

    #[test]
    fn an_access_token_stays_one_under_every_category() {
        for token_type in ["at+jwt", "application/at+jwt", "AT+JWT"] {
            for subject in ["user_1", "mch_1"] {
                assert_eq!(class(Some(token_type), Session.category(), subject), OAuthAccess, "{token_type} {subject}");
            }
        }
        assert_eq!(class(Some("at+jwt2"), Session.category(), "user_1"), Session);
    }

    #[test]
    fn what_a_minter_writes_is_read_back() {
        for minted in [Session, Template, MachineToMachine] {
            assert_eq!(class(Some("JWT"), minted.category(), "user_1"), minted);
        }
        assert_eq!((OAuthAccess.category(), Unclassified.category()), (None, None));
    }

    #[test]
    fn an_unknown_category_is_refused() {
        for category in ["", "cl_B7d4PD111AAA ", "cl_b7d4pd111aaa", "cl_B7d4PD444AAA"] {
            let header = TokenHeader { category: Some(category.into()), ..TokenHeader::default() };
            assert!(TokenClass::of(&header, "user_1").is_err(), "{category:?}");
        }
        let header = TokenHeader { category: Some("cl_B7d4PD444AAA".into()), ..TokenHeader::default() };
        assert_snapshot!(TokenClass::of(&header, "user_1").unwrap_err(), @r#"token category "cl_B7d4PD444AAA" is unknown, expected a session, template or machine token of Clerk"#);
    }
}
