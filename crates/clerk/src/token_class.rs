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
