//! Callers whose rows are known to be there.
//!
//! A verified token may be faster than the webhook that tells of its user. The first request of a caller therefore makes
//! their rows, in its own transaction; this set remembers for whom that was done, so that later requests do not pay for it.
//! Forgetting somebody costs one look-up and nothing else. Rows are never taken away (a deleted user keeps a tombstone), so
//! nothing that is remembered becomes wrong.

use std::collections::HashSet;
use std::mem;

use clerk::Claims;
use parking_lot::Mutex;

/// After so many the older half is forgotten: some ten megabytes.
const GENERATION: usize = 50_000;

/// Who was served before.
#[derive(Debug, Default)]
pub(crate) struct KnownCallers {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashSet<Box<str>>,
    old: HashSet<Box<str>>,
}

impl KnownCallers {
    pub(crate) fn contains(&self, claims: &Claims) -> bool {
        let key = key(claims);
        let generations = self.generations.lock();
        generations.young.contains(&*key) || generations.old.contains(&*key)
    }

    pub(crate) fn insert(&self, claims: &Claims) {
        let mut generations = self.generations.lock();
        if generations.young.len() >= GENERATION {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(key(claims));
    }
}

/// A user, and the organization that they act in.
fn key(claims: &Claims) -> Box<str> {
    let organization = claims.organization.as_ref().map_or("", |organization| organization.id.as_str());
    format!("{} {organization}", claims.subject).into()
}
