//! Tokens that were verified a moment ago.
//!
//! A page asks with the same token until it is refreshed, some fifty seconds later. Most of what verifying costs is the same each time: the
//! signature, reading the claims, and writing them down for Postgres. What does not stay the same is asked each time: whether the key
//! set is still the one that the signature was checked under, and whether the token's time has come or gone.
//!
//! Only tokens that were found good are remembered, by their whole text, so nobody can fill this with what they make up.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::Arc;

use clerk::Claims;
use parking_lot::Mutex;

use crate::jwks::{KeySet, Lookup};
use crate::{Principal, Refusal, Verified, Verifier};

/// After so many the older half is forgotten; a token with its claims takes some three kilobytes.
const GENERATION: usize = 2_000;

/// A verifier that remembers what it has accepted.
pub struct RememberingVerifier {
    verifier: Verifier,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Box<str>, Arc<Known>>,
    old: HashMap<Box<str>, Arc<Known>>,
}

/// A token that was found good.
pub struct Known {
    /// Its claims.
    pub claims: Arc<Verified<Claims>>,
    /// Whom it stands for.
    pub principal: Arc<Principal>,
    key_id: String,
    /// What its signature was checked under.
    keys: Arc<KeySet>,
}

impl fmt::Debug for Known {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Known").field("claims", &self.claims).finish_non_exhaustive()
    }
}

impl RememberingVerifier {
    /// Remembers for `verifier`.
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier, generations: Mutex::default() }
    }

    /// The verifier itself, which remembers nothing.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// As [`Verifier::verify`], and whom the token stands for.
    ///
    /// # Errors
    /// The first reason not to accept it.
    pub async fn verify(&self, token: &str) -> Result<Arc<Known>, Refusal> {
        if let Some(known) = self.find(token)
            && self.is_under_same_keys(&known).await
        {
            self.verifier.check_times(&known.claims)?;
            return Ok(known);
        }
        let (claims, key_id, keys) = self.verifier.verify_and_tell(token).await?;
        let principal = Arc::new(Principal::from(&claims));
        let known = Arc::new(Known { claims: Arc::new(claims), principal, key_id, keys });
        self.remember(token, &known);
        Ok(known)
    }

    fn find(&self, token: &str) -> Option<Arc<Known>> {
        let generations = self.generations.lock();
        generations.young.get(token).or_else(|| generations.old.get(token)).cloned()
    }

    /// Looks the key up as verifying would, so that keys are fetched anew when it is time.
    async fn is_under_same_keys(&self, known: &Known) -> bool {
        match self.verifier.keys().look_up(&known.key_id).await {
            Lookup::Known(keys) => Arc::ptr_eq(&keys, &known.keys),
            Lookup::Unknown(_) | Lookup::Unavailable(_) => false,
        }
    }

    fn remember(&self, token: &str, known: &Arc<Known>) {
        let mut generations = self.generations.lock();
        if generations.young.len() >= GENERATION {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(token.into(), Arc::clone(known));
    }
}

/// Tokens are secrets.
impl fmt::Debug for RememberingVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RememberingVerifier").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
