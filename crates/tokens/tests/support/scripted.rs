//! A key source that answers what the test says, when the test says, and counts how often it was asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokens::{KeySource, KeySourceError};
use tokio::sync::watch;

/// Clones are the same source.
#[derive(Debug, Clone)]
pub(crate) struct ScriptedSource(Arc<Script>);

#[derive(Debug)]
struct Script {
    answer: Mutex<Result<String, KeySourceError>>,
    held: watch::Sender<bool>,
    begun: AtomicUsize,
    given_up: AtomicUsize,
}

impl ScriptedSource {
    pub(crate) fn answering(text: impl Into<String>) -> Self {
        let answer = Mutex::new(Ok(text.into()));
        let (held, _) = watch::channel(false);
        Self(Arc::new(Script { answer, held, begun: AtomicUsize::new(0), given_up: AtomicUsize::new(0) }))
    }

    pub(crate) fn failing() -> Self {
        let source = Self::answering("");
        source.fail();
        source
    }

    pub(crate) fn answer(&self, text: impl Into<String>) {
        *self.0.answer.lock() = Ok(text.into());
    }

    pub(crate) fn fail(&self) {
        let (url, reason) = ("https://clerk.example.com/.well-known/jwks.json".into(), "connection refused".into());
        *self.0.answer.lock() = Err(KeySourceError::Unreachable { url, reason });
    }

    /// From now on fetches begin but do not end, until [`Self::release`].
    pub(crate) fn hold(&self) {
        self.0.held.send_replace(true);
    }

    pub(crate) fn release(&self) {
        self.0.held.send_replace(false);
    }

    /// Fetches that have begun so far.
    pub(crate) fn fetches(&self) -> usize {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// Fetches that were dropped before they ended.
    pub(crate) fn given_up(&self) -> usize {
        self.0.given_up.load(Ordering::SeqCst)
    }
}

impl KeySource for ScriptedSource {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<String, KeySourceError>> + Send + '_>> {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        let unfinished = Unfinished { given_up: &self.0.given_up };
        Box::pin(async move {
            self.0.held.subscribe().wait_for(|held| !held).await.unwrap();
            std::mem::forget(unfinished);
            self.0.answer.lock().clone()
        })
    }
}

/// Counts itself when it is dropped, which the fetch that ends forgets to do.
struct Unfinished<'a> {
    given_up: &'a AtomicUsize,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.given_up.fetch_add(1, Ordering::SeqCst);
    }
}
