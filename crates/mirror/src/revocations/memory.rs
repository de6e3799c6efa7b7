//! What was asked lately, as long as we would hear if it changed.
//!
//! Bounded in number and in time. It answers only while the listener has lately shown that it hears; an answer that was
//! fetched while something changed is not kept, because nobody can say which of the two it has seen.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Revocation;
use super::standing::{Bearer, Standing};

/// How many bearers are remembered: some megabytes.
const MOST: usize = 20_000;
/// How long an answer is good, in case a change was never announced (a table that was restored, triggers switched off).
const FRESH: Duration = Duration::from_secs(30);
/// How long after its last sign of life the listener is still believed: two probes of `postgres::Listener`, and an answer.
const TRUST: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Counts changes.
    generation: u64,
    /// Until when the listener is believed.
    trusted_until: Option<Instant>,
    bearers: HashMap<Bearer, (Instant, Standing)>,
}

/// What the memory was like when somebody began to ask the database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Generation(u64);

impl State {
    fn is_trusted(&self) -> bool {
        self.trusted_until.is_some_and(|until| Instant::now() < until)
    }
}

impl Memory {
    /// What is known of `bearer`; nothing when that cannot be relied on.
    pub(crate) fn recall(&self, bearer: &Bearer) -> Option<Standing> {
        let state = self.0.lock();
        let (since, standing) = state.bearers.get(bearer)?;
        (state.is_trusted() && since.elapsed() < FRESH).then(|| standing.clone())
    }

    pub(crate) fn generation(&self) -> Generation {
        Generation(self.0.lock().generation)
    }

    /// Keeps what the database answered to a question that was asked in `generation`.
    pub(crate) fn keep(&self, generation: Generation, bearer: Bearer, standing: Standing) {
        let mut state = self.0.lock();
        if state.generation != generation.0 || !state.is_trusted() {
            return;
        }
        if state.bearers.len() >= MOST {
            state.bearers.retain(|_, (since, _)| since.elapsed() < FRESH);
        }
        if state.bearers.len() >= MOST {
            state.bearers.clear();
        }
        state.bearers.insert(bearer, (Instant::now(), standing));
    }

    /// The listener hears.
    pub(crate) fn trust(&self) {
        self.0.lock().trusted_until = Some(Instant::now() + TRUST);
    }

    /// These changed.
    pub(crate) fn forget(&self, changed: &[Revocation]) {
        let mut state = self.0.lock();
        state.generation += 1;
        state.bearers.retain(|bearer, _| !changed.iter().any(|revocation| revocation.concerns(bearer)));
    }

    /// Anything may have changed.
    pub(crate) fn forget_all(&self) {
        let mut state = self.0.lock();
        state.generation += 1;
        state.bearers.clear();
    }

    /// The listener hears no more.
    pub(crate) fn distrust(&self) {
        self.forget_all();
        self.0.lock().trusted_until = None;
    }
}

#[cfg(test)]
mod tests {
    use clerk::UserId;

    use super::super::Reason;
    use super::*;

    fn bearer(user: &str) -> Bearer {
        Bearer { user: UserId::parse(user).ok(), session: None, organization: None }
    }

    fn kept(memory: &Memory, user: &str) {
        memory.keep(memory.generation(), bearer(user), Standing::default());
    }

    fn ban(user: &str) -> Revocation {
        Revocation {
            reason: Reason::UserBanned,
            user_id: Some(user.to_owned()),
            session_id: None,
            organization_id: None,
            issued_until: None,
            lifted: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_answers_only_while_the_listener_shows_life() {
        let memory = Memory::default();
        kept(&memory, "user_ada");
        assert_eq!(memory.recall(&bearer("user_ada")), None, "nobody listens yet");
        memory.trust();
        kept(&memory, "user_ada");
        assert!(memory.recall(&bearer("user_ada")).is_some());
        tokio::time::sleep(TRUST).await;
        assert_eq!(memory.recall(&bearer("user_ada")), None, "the listener is silent");
        memory.trust();
        assert!(memory.recall(&bearer("user_ada")).is_some(), "it was only slow");
        memory.distrust();
        memory.trust();
        assert_eq!(memory.recall(&bearer("user_ada")), None, "what was kept before a gap is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_grows_old() {
        let memory = Memory::default();
        memory.trust();
        kept(&memory, "user_ada");
        tokio::time::sleep(FRESH).await;
        memory.trust();
        assert_eq!(memory.recall(&bearer("user_ada")), None);
    }

    #[tokio::test]
    async fn a_change_removes_whom_it_concerns() {
        let memory = Memory::default();
        memory.trust();
        kept(&memory, "user_ada");
        kept(&memory, "user_bob");
        memory.forget(&[ban("user_ada")]);
        assert_eq!(memory.recall(&bearer("user_ada")), None);
        assert!(memory.recall(&bearer("user_bob")).is_some());
    }

    #[tokio::test]
    async fn an_answer_that_crossed_a_change_is_not_kept() {
        let memory = Memory::default();
        memory.trust();
        let before = memory.generation();
        memory.forget(&[ban("user_ada")]);
        memory.keep(before, bearer("user_ada"), Standing::default());
        assert_eq!(memory.recall(&bearer("user_ada")), None);
    }

    #[tokio::test]
    async fn it_never_holds_more_than_it_may() {
        let memory = Memory::default();
        memory.trust();
        for number in 0..MOST + 5 {
            kept(&memory, &format!("user_{number}"));
        }
        let held = memory.0.lock().bearers.len();
        assert!((1..=MOST).contains(&held), "{held}");
        assert!(memory.recall(&bearer(&format!("user_{}", MOST + 4))).is_some(), "the newest is there");
    }
}
