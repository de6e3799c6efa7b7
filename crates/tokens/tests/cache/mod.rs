//! The keys through good and bad days: who waits, who does not, and how often the issuer is asked.

mod a_clock_that_is_set_back;
mod a_failed_signature;
mod a_fetch_that_breaks_off;
mod a_refresh;
mod an_outage;
mod an_unknown_key_id;
mod remembered;
mod the_first_fetch;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use clerk::{Clock, ManualClock, Timestamp};
use tokens::{KeyCache, Refusal, Verifier, VerifierOptions};
use tokio::task::JoinSet;

use crate::support::{
    ISSUER, KEY_ID, NOW, ScriptedSource, SigningKey, Token, clock, instance_key, key_set, session, strangers_key,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Between two fetches that a token gave the reason for.
const SUSPICION: Duration = Duration::from_secs(5);

/// A verifier, its clock and its keys.
struct Scene {
    clock: Arc<ManualClock>,
    source: ScriptedSource,
    verifier: Verifier,
}

impl Scene {
    fn with(source: ScriptedSource) -> Self {
        let clock = clock();
        let told: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let keys = KeyCache::new(source.clone(), Arc::clone(&told));
        let verifier = Verifier::new(VerifierOptions::for_issuer(ISSUER), keys, told);
        Self { clock, source, verifier }
    }

    fn new() -> Self {
        Self::with(ScriptedSource::answering(key_set([(KEY_ID, instance_key())])))
    }

    /// With keys that were fetched a moment ago.
    async fn warm() -> Self {
        let scene = Self::new();
        scene.verifier.keys().warm().await.unwrap();
        assert_eq!(scene.source.fetches(), 1);
        scene
    }

    /// A session that began now.
    fn session(&self) -> Token {
        let now = self.clock.now().seconds();
        session().claim("exp", now + 60).claim("iat", now).claim("nbf", now - 10)
    }

    async fn verify(&self, token: &str) -> Result<(), Refusal> {
        self.verifier.verify(token).await.map(drop)
    }

    async fn good(&self) -> Result<(), Refusal> {
        self.verify(&self.session().signed()).await
    }

    async fn signed_by(&self, key: &SigningKey) -> Result<(), Refusal> {
        self.verify(&self.session().signed_by(key)).await
    }

    async fn with_key_id(&self, key_id: &str) -> Result<(), Refusal> {
        self.verify(&self.session().header("kid", key_id).signed()).await
    }

    /// Verifies all of `tokens` at the same time, each in its own task.
    fn crowd(&self, tokens: impl IntoIterator<Item = String>) -> JoinSet<Result<(), Refusal>> {
        tokens
            .into_iter()
            .map(|token| {
                let verifier = self.verifier.clone();
                async move { verifier.verify(&token).await.map(drop) }
            })
            .collect()
    }
}

/// Lets every other task go on until it waits for something that only the test can give.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// The result, if the future needs to wait for nobody.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        result = future => Some(result),
        () = std::future::ready(()) => None,
    }
}

fn is_unknown_key(result: &Result<(), Refusal>) -> bool {
    matches!(result, Err(Refusal::UnknownKey { .. }))
}

fn is_forged(result: &Result<(), Refusal>) -> bool {
    matches!(result, Err(Refusal::Signature { .. }))
}

fn is_unavailable(result: &Result<(), Refusal>) -> bool {
    matches!(result, Err(refusal) if refusal.is_ours())
}
