//! What a token says about the session behind it.

use super::ClaimsError;
use super::claim_set::ClaimSet;
use crate::SessionId;
use crate::quoted::quoted;

/// `sts`: whether the user has done everything that signing in asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SessionStatus {
    /// Signed in.
    Active,
    /// Signed in, but a task is open (choose an organization, reset the password, set up a second factor). Clerk's SDKs
    /// treat such a session as signed out unless told otherwise.
    Pending,
}

impl SessionStatus {
    pub(super) fn read(claims: &ClaimSet<'_>) -> Result<Self, ClaimsError> {
        match claims.text("sts")?.as_deref() {
            None | Some("active") => Ok(Self::Active),
            Some("pending") => Ok(Self::Pending),
            Some(unknown) => Err(claims.unexpected("sts", quoted(unknown), "`active` or `pending`")),
        }
    }
}

/// `fva`: minutes since each factor was last verified, when the token was issued.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FactorAge {
    /// Minutes since the first factor; `None` if it never was (-1 in the token).
    pub first: Option<u32>,
    /// Minutes since the second factor; `None` if it never was or the user has none.
    pub second: Option<u32>,
}

impl FactorAge {
    pub(super) fn read(claims: &ClaimSet<'_>) -> Result<Option<Self>, ClaimsError> {
        const EXPECTED: &str = "two numbers of minutes, -1 for never";
        let Some([first, second]) = claims.pair("fva", EXPECTED)? else { return Ok(None) };
        let minutes = |value: i64| match value {
            -1 => Ok(None),
            // An unknown negative number must not pass for "just verified".
            _ => u32::try_from(value).map(Some).map_err(|_| claims.unexpected("fva", value, EXPECTED)),
        };
        Ok(Some(Self { first: minutes(first)?, second: minutes(second)? }))
    }
}

/// `act`: who acts in the name of the subject (RFC 8693 §4.1; Clerk, "User impersonation").
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// `act.sub`: the impersonator.
    pub subject: String,
    /// `act.iss`.
    pub issuer: Option<String>,
    /// `act.sid`: the impersonator's own session.
    pub session_id: Option<SessionId>,
    /// `act.type`: `agent` when a program acts for a user.
    pub kind: Option<String>,
}

impl Actor {
    pub(super) fn read(claims: &ClaimSet<'_>) -> Result<Option<Self>, ClaimsError> {
        let Some(act) = claims.object("act", "act.")? else { return Ok(None) };
        Ok(Some(Self {
            subject: act.required_text("sub")?,
            issuer: act.text("iss")?,
            session_id: act.id("sid", SessionId::parse)?,
            kind: act.text("type")?,
        }))
    }
}
