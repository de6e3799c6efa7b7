//! The claims of a Clerk token, whatever shape it has.
//!
//! Clerk has minted three shapes: v1 (`org_id`, `org_role`, `org_permissions`; still alive in instances that were never
//! upgraded), v2 (`v: 2`, with the organization folded into `o`) and JWT templates (whatever their author wrote). All of
//! them become one [`Claims`], so that nothing behind this module asks for the version again.
//!
//! Invariants:
//! - A claim that Clerk defines has Clerk's type, or the token is refused and the error names the claim.
//! - A version of the payload that is not known is refused: reading it as v1 would silently drop the organization.
//! - A machine or OAuth token has registered claims only. Its custom claims are its author's words, so neither a
//!   database role nor an organization is ever read out of them.
//! - `null` and an unresolved shortcode (`"{{org.permissions}}"` as literal text) count as absent.
//!
//! Not handled: whether the token is genuine, current, or welcome. That is the verifier's.
//!
//! Source: Clerk documentation, "Session tokens" and "JWT templates"; `@clerk/shared` 4.41 (`jwtPayloadParser.ts`).

mod claim_set;
mod error;
mod organization;
mod session;
#[cfg(test)]
mod tests;

pub use error::ClaimsError;
pub use organization::ActiveOrganization;
pub use session::{Actor, FactorAge, SessionStatus};

use crate::permission::scoped_names;
use crate::quoted::quoted;
use crate::{SessionId, Timestamp, TokenClass, TokenHeader, UserId};
use claim_set::ClaimSet;

/// What a token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claims {
    /// What the token was minted as.
    pub class: TokenClass,
    /// Which shape the payload has.
    pub version: ClaimsVersion,
    /// `sub`: a user (`user_…`) or a machine (`mch_…`); never empty.
    pub subject: String,
    /// `iss`: the Frontend API's address.
    pub issuer: String,
    /// `sid`; absent from templates and machine tokens.
    pub session_id: Option<SessionId>,
    /// `jti`.
    pub token_id: Option<String>,
    /// `azp`: the origin that asked for the token. Absent when the browser sent none.
    pub authorized_party: Option<String>,
    /// `aud`, one or several; empty when absent.
    pub audience: Vec<String>,
    /// `iat`.
    pub issued_at: Option<Timestamp>,
    /// `nbf`; Clerk sets it some seconds before `iat`.
    pub not_before: Option<Timestamp>,
    /// `exp`; session tokens live 60 s by default.
    pub expires_at: Timestamp,
    /// `sts`; absent means active.
    pub status: SessionStatus,
    /// `fva`: how long ago the factors were verified.
    pub factor_age: Option<FactorAge>,
    /// `act`: who is really acting while this user is impersonated.
    pub actor: Option<Actor>,
    /// The organization that is active in the session.
    pub organization: Option<ActiveOrganization>,
    /// `fea` (v2): features of the user's and the organization's plan.
    pub features: Vec<Scoped>,
    /// `pla` (v2): plans.
    pub plans: Vec<Scoped>,
    /// `role`: the database role, as Clerk's Supabase integration writes it.
    pub database_role: Option<String>,
}

/// The shape of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ClaimsVersion {
    /// Session claims without `v` (deprecated by Clerk 2025-04-14, still minted) or with `v: 1`.
    V1,
    /// Session claims with `v: 2`.
    V2,
    /// No session claims of Clerk's: JWT templates, machine and OAuth tokens.
    Template,
}

/// A feature or plan and who has it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Scoped {
    /// The user has it (`u:`).
    pub user: bool,
    /// The active organization has it (`o:`).
    pub organization: bool,
    /// Its slug.
    pub name: String,
}

impl Claims {
    /// Reads the decoded payload of a token with this header.
    pub fn from_json(header: &TokenHeader, payload: &[u8]) -> Result<Self, ClaimsError> {
        let claims = ClaimSet::parse(payload)?;
        let subject = claims.required_text("sub")?;
        let class = TokenClass::of(header, &subject)?;
        let version = version(class, &claims)?;
        let nothing = ClaimSet::default();
        // What a machine says about itself is not said by Clerk.
        let session = match class {
            TokenClass::MachineToMachine | TokenClass::OAuthAccess => &nothing,
            TokenClass::Session | TokenClass::Template | TokenClass::Unclassified => &claims,
        };
        let v2 = if version == ClaimsVersion::V2 { session } else { &nothing };

        Ok(Self {
            class,
            version,
            issuer: claims.required_text("iss")?,
            token_id: claims.text("jti")?,
            authorized_party: claims.text("azp")?,
            audience: claims.one_or_many("aud")?,
            issued_at: claims.moment("iat")?,
            not_before: claims.moment("nbf")?,
            expires_at: claims.moment("exp")?.ok_or_else(|| claims.missing("exp", "seconds since 1970"))?,
            session_id: session.id("sid", SessionId::parse)?,
            status: SessionStatus::read(session)?,
            factor_age: FactorAge::read(session)?,
            actor: Actor::read(session)?,
            organization: match version {
                ClaimsVersion::V2 => ActiveOrganization::read_v2(session)?,
                ClaimsVersion::V1 | ClaimsVersion::Template => ActiveOrganization::read_v1(session)?,
            },
            features: scoped("fea", v2)?,
            plans: scoped("pla", v2)?,
            database_role: session.text("role")?,
            subject,
        })
    }

    /// The user who is the subject, if it is one.
    pub fn user_id(&self) -> Option<UserId> {
        UserId::parse(&self.subject).ok()
    }
}

fn version(class: TokenClass, claims: &ClaimSet<'_>) -> Result<ClaimsVersion, ClaimsError> {
    if !matches!(class, TokenClass::Session | TokenClass::Unclassified) {
        return Ok(ClaimsVersion::Template);
    }
    match claims.number("v", "the number 2 or 1")? {
        Some("1") => Ok(ClaimsVersion::V1),
        Some("2") => Ok(ClaimsVersion::V2),
        Some(unknown) => Err(ClaimsError::UnknownVersion { found: quoted(unknown) }),
        None if class == TokenClass::Session || claims.has("sid") => Ok(ClaimsVersion::V1),
        None => Ok(ClaimsVersion::Template),
    }
}

/// Reads `o:dashboard,ou:reports`. A scope that is unknown grants nothing.
fn scoped(claim: &'static str, claims: &ClaimSet<'_>) -> Result<Vec<Scoped>, ClaimsError> {
    let Some(list) = claims.text(claim)? else { return Ok(Vec::new()) };
    let names = scoped_names(&list).map_err(|source| ClaimsError::Permissions { claim, source })?;
    let known = names.into_iter().filter_map(|(scope, name)| {
        let (user, organization) = match scope {
            "u" => (true, false),
            "o" => (false, true),
            "uo" | "ou" => (true, true),
            _ => return None,
        };
        Some(Scoped { user, organization, name: name.into() })
    });
    Ok(known.collect())
}
