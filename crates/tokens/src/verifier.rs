//! The checks, in order.

use std::sync::Arc;
use std::time::Duration;

use clerk::{Claims, Clock, SessionStatus, TokenClass, TokenHeader, quoted};
use serde_json::{Map, Value};

use crate::jwks::{KeySet, Lookup};
use crate::parts::Parts;
use crate::refusal::with_causes;
use crate::{DatabaseRoles, KeyCache, Refusal, Verified};

/// Clerk's SDKs allow 5 s between the clocks of two machines.
const DEFAULT_SKEW: Duration = Duration::from_secs(5);

/// What a token must satisfy beyond a good signature.
#[derive(Debug, Clone)]
pub struct VerifierOptions {
    /// The `iss` claim, exactly: the Frontend API's URL.
    pub issuer: String,
    /// The origins that may ask for tokens (`azp`). Empty accepts all; otherwise a token without `azp` is refused, as
    /// Clerk's SDK does since 3.11.1.
    pub authorized_parties: Vec<String>,
    /// Accepted `aud` values. Empty accepts all; otherwise one must match.
    pub audiences: Vec<String>,
    /// How far two clocks may be apart.
    pub clock_skew: Duration,
    /// Whether sessions with an unfinished task (`sts: pending`) are let in. Clerk's SDKs treat them as signed out.
    pub accept_pending: bool,
    /// Roles that the `role` claim may pick.
    pub database_roles: DatabaseRoles,
}

impl VerifierOptions {
    /// The strict defaults for one issuer.
    pub fn for_issuer(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            authorized_parties: Vec::new(),
            audiences: Vec::new(),
            clock_skew: DEFAULT_SKEW,
            accept_pending: false,
            database_roles: DatabaseRoles::default(),
        }
    }
}

/// Who `token` says has issued it, which nobody has checked: good for choosing who is to verify it, and for nothing else.
pub fn unverified_issuer(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Claims {
        iss: String,
    }
    let parts = Parts::split(token).ok()?;
    serde_json::from_slice::<Claims>(&parts.payload).ok().map(|claims| claims.iss)
}

/// Verifies session tokens of one Clerk instance.
///
/// In this order, and the first failure is the answer:
///
/// 1. at most 8 KB, three parts of unpadded base64url, a header without doubtful members;
/// 2. `alg` is RS256, no `crit`, a `kid`;
/// 3. the signature, under the issuer's key of that id (before any claim, so that nobody can ask us about claims they
///    cannot sign);
/// 4. the claims are well-formed and of a known version;
/// 5. `iss` is the pinned issuer;
/// 6. the token is a session: not a JWT template, a machine or an OAuth access token, all of which the same key signs,
///    nor of another `typ` than `JWT`;
/// 7. `exp`, `nbf` and `iat` against the clock;
/// 8. `azp` and `aud` where they are configured;
/// 9. the session is not pending;
/// 10. the `role` claim is absent or on the list.
#[derive(Debug, Clone)]
pub struct Verifier {
    options: Arc<VerifierOptions>,
    keys: KeyCache,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// A verifier with its own keys and clock.
    pub fn new(options: VerifierOptions, keys: KeyCache, clock: Arc<dyn Clock>) -> Self {
        Self { options: Arc::new(options), keys, clock }
    }

    /// The keys, for warming and health.
    pub fn keys(&self) -> &KeyCache {
        &self.keys
    }

    /// The pinned issuer.
    pub fn issuer(&self) -> &str {
        &self.options.issuer
    }

    /// Verifies the text of a token, without any `Bearer`.
    ///
    /// # Errors
    /// The first reason not to accept it.
    pub async fn verify(&self, token: &str) -> Result<Verified<Claims>, Refusal> {
        Ok(self.verify_and_tell(token).await?.0)
    }

    /// The same, and under which key of which set.
    pub(crate) async fn verify_and_tell(
        &self,
        token: &str,
    ) -> Result<(Verified<Claims>, String, Arc<KeySet>), Refusal> {
        let parts = Parts::split(token)?;
        let header = TokenHeader::from_json(&parts.header).map_err(|error| Refusal::NotAToken(with_causes(&error)))?;
        let key_id = acceptable_key_id(&header)?;
        let keys = self.check_signature(&parts, key_id).await?;
        let claims = Claims::from_json(&header, &parts.payload).map_err(|error| Refusal::Claim(with_causes(&error)))?;
        self.check_claims(&header, &claims)?;
        let role = self.options.database_roles.pick(claims.database_role.as_deref()).ok_or_else(|| Refusal::Role {
            found: claims.database_role.clone().unwrap_or_default(),
            expected: self.options.database_roles.listed(),
        })?;
        // The claims are Clerk's and were read; what else there is may still be too deep or too large a number.
        let payload: Map<String, Value> = serde_json::from_slice(&parts.payload)
            .map_err(|error| Refusal::Claim(format!("token payload is unreadable: {error}")))?;
        Ok((Verified::new(claims, payload, role), key_id.to_owned(), keys))
    }

    async fn check_signature(&self, parts: &Parts<'_>, key_id: &str) -> Result<Arc<KeySet>, Refusal> {
        let set = match self.keys.look_up(key_id).await {
            Lookup::Known(set) => set,
            Lookup::Unknown(set) => {
                let expected = format!("{} (issuer `{}`)", set.listed(), self.options.issuer);
                return Err(Refusal::UnknownKey { found: key_id.to_owned(), expected });
            }
            Lookup::Unavailable(reason) => {
                return Err(Refusal::KeysUnavailable { issuer: self.options.issuer.clone(), reason });
            }
        };
        let is_signed = |set: &KeySet| set.get(key_id).iter().any(|key| parts.are_signed_by(key));
        if is_signed(&set) {
            return Ok(set);
        }
        // The key may have been rotated under the same id since we fetched it.
        match self.keys.look_again(&set).await {
            Some(newer) if is_signed(&newer) => Ok(newer),
            _ => Err(Refusal::Signature { key_id: key_id.to_owned() }),
        }
    }

    fn check_claims(&self, header: &TokenHeader, claims: &Claims) -> Result<(), Refusal> {
        let options = &*self.options;
        if claims.issuer != options.issuer {
            return Err(Refusal::Issuer { found: claims.issuer.clone(), expected: options.issuer.clone() });
        }
        check_class(header, claims)?;
        self.check_times(claims)?;
        if !options.authorized_parties.is_empty()
            && !claims.authorized_party.as_ref().is_some_and(|azp| options.authorized_parties.contains(azp))
        {
            return Err(Refusal::AuthorizedParty {
                found: claims.authorized_party.clone(),
                expected: listed(&options.authorized_parties),
            });
        }
        if !options.audiences.is_empty() && !claims.audience.iter().any(|aud| options.audiences.contains(aud)) {
            let found =
                if claims.audience.is_empty() { "missing".to_owned() } else { several(&claims.audience, quoted) };
            return Err(Refusal::Audience { found, expected: listed(&options.audiences) });
        }
        if claims.status == SessionStatus::Pending && !options.accept_pending {
            return Err(Refusal::Pending);
        }
        Ok(())
    }

    pub(crate) fn check_times(&self, claims: &Claims) -> Result<(), Refusal> {
        let (now, skew) = (self.clock.now(), self.options.clock_skew);
        if claims.expires_at <= now.minus(skew) {
            return Err(Refusal::Expired { ago: now.since(claims.expires_at) });
        }
        if let Some(start) = claims.not_before.filter(|start| *start > now.plus(skew)) {
            return Err(Refusal::NotYet { ahead: start.since(now) });
        }
        if let Some(issued) = claims.issued_at.filter(|issued| *issued > now.plus(skew)) {
            return Err(Refusal::IssuedInTheFuture { ahead: issued.since(now) });
        }
        Ok(())
    }
}

/// A session has the category of one, or none at all (tokens from before categories, and instances that switch them
/// off). Then it must look like one: a user and a session id, which a template token has not.
fn check_class(header: &TokenHeader, claims: &Claims) -> Result<(), Refusal> {
    let found = match claims.class {
        TokenClass::Template => "a JWT-template token",
        TokenClass::MachineToMachine => "a machine-to-machine token",
        TokenClass::OAuthAccess => "an OAuth access token",
        _ if claims.user_id().is_none() => "not of a user (`sub` is no `user_…`)",
        _ if claims.session_id.is_none() => "without a session (`sid` is missing), as JWT-template tokens are",
        _ => match header.token_type.as_deref() {
            None | Some("JWT") => return Ok(()),
            Some(other) => return Err(Refusal::Type { found: other.to_owned() }),
        },
    };
    Err(Refusal::Class { found })
}

fn acceptable_key_id(header: &TokenHeader) -> Result<&str, Refusal> {
    if header.critical {
        return Err(Refusal::Critical);
    }
    if header.algorithm != "RS256" {
        return Err(Refusal::Algorithm { found: header.algorithm.clone(), expected: "RS256".to_owned() });
    }
    header.key_id.as_deref().filter(|id| !id.is_empty()).ok_or(Refusal::NoKeyId)
}

/// Configured values, for messages.
fn listed(values: &[String]) -> String {
    several(values, |value| format!("`{value}`"))
}

fn several(values: &[String], show: impl Fn(&str) -> String) -> String {
    values.iter().map(|value| show(value)).collect::<Vec<_>>().join(", ")
}
