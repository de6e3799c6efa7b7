//! Tokens, a verifier for them, and keys that come when the test says so.

mod listener;
mod scripted;
mod signing_key;
mod token;

use std::sync::Arc;

use clerk::{Clock, ManualClock, Timestamp};
use tokens::{KeyCache, Refusal, StaticKeySource, Verifier, VerifierOptions};

pub(crate) use listener::Listener;
pub(crate) use scripted::ScriptedSource;
pub(crate) use signing_key::{SigningKey, instance_key, key_set, strangers_key};
pub(crate) use token::{Token, encode, session};

pub(crate) const ISSUER: &str = "https://clerk.example.com";
pub(crate) const KEY_ID: &str = "ins_2example";
/// Seconds since 1970: when the tests take place.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_seconds(NOW)))
}

/// A verifier at [`NOW`] that trusts [`instance_key`], its strict defaults changed by `change`.
pub(crate) fn verifier(change: impl FnOnce(&mut VerifierOptions)) -> Verifier {
    let mut options = VerifierOptions::for_issuer(ISSUER);
    change(&mut options);
    let clock: Arc<dyn Clock> = clock();
    let keys = StaticKeySource::new(key_set([(KEY_ID, instance_key())]));
    Verifier::new(options, KeyCache::new(keys, Arc::clone(&clock)), clock)
}

/// What `verifier` says of `token`, in one line. No answer repeats a part of the token.
pub(crate) async fn verdict(verifier: &Verifier, token: &str) -> String {
    match verifier.verify(token).await {
        Ok(claims) => format!("accepted: {} as {}", claims.subject, claims.role()),
        Err(refusal) => {
            assert_keeps_to_itself(&refusal, token);
            format!("{} | {refusal} | {}", refusal.code(), refusal.hint().unwrap_or("no hint"))
        }
    }
}

fn assert_keeps_to_itself(refusal: &Refusal, token: &str) {
    let said = refusal.to_string();
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(!said.contains(part), "the message repeats the token: {said}");
    }
    assert!(said.len() < 600, "the message is {} bytes long: {said}", said.len());
    assert!(!said.contains(char::is_control), "the message has control characters: {said:?}");
}
