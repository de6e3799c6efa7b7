//! The invariants over the committed corpus, over random changes of it, and over noise.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::{ALL, Invariant};

fn fuzz_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// Every committed input with the invariant it belongs to.
static CORPUS: LazyLock<Vec<(Invariant, PathBuf, Vec<u8>)>> = LazyLock::new(|| {
    let mut corpus = Vec::new();
    for (target, invariant) in ALL {
        for entry in fs::read_dir(fuzz_directory().join("corpus").join(target)).unwrap() {
            let path = entry.unwrap().path();
            corpus.push((invariant, path.clone(), fs::read(&path).unwrap()));
        }
    }
    corpus.sort_by(|(_, one, _), (_, other, _)| one.cmp(other));
    corpus
});

#[test]
fn every_invariant_has_a_fuzz_target_and_every_target_an_invariant() {
    // Other crates' targets are theirs.
    let targets: BTreeSet<String> = fs::read_dir(fuzz_directory().join("fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| fs::read_to_string(path).unwrap().contains("clerk::invariant"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(targets, ALL.iter().map(|(name, _)| (*name).to_owned()).collect());
}

#[test]
fn the_committed_corpus_holds() {
    for (target, _) in ALL {
        let inputs = CORPUS.iter().filter(|(_, path, _)| path.parent().unwrap().ends_with(target)).count();
        assert!(inputs >= 3, "corpus of {target} has {inputs} inputs");
    }
    for (invariant, path, input) in &*CORPUS {
        eprintln!("{}", path.display());
        invariant(input);
    }
}

/// One small change, as a fuzzer makes them: put a byte somewhere, take one away, double a stretch.
#[derive(Clone, Debug)]
enum Change {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Double(prop::sample::Index, usize),
}

impl Change {
    fn any() -> impl Strategy<Value = Self> {
        // Bytes that mean something to one of the parsers come up more often than others.
        let byte = || prop_oneof![prop::sample::select(b"\"\\{}[],:.u0d8 -\n".to_vec()), any::<u8>()];
        let place = any::<prop::sample::Index>;
        prop_oneof![
            (place(), byte()).prop_map(|(at, byte)| Self::Replace(at, byte)),
            (place(), byte()).prop_map(|(at, byte)| Self::Insert(at, byte)),
            place().prop_map(Self::Remove),
            (place(), 1..40usize).prop_map(|(at, length)| Self::Double(at, length)),
        ]
    }

    fn make(&self, input: &mut Vec<u8>) {
        if input.is_empty() {
            return;
        }
        match self {
            Self::Replace(at, byte) => *at.get_mut(input) = *byte,
            Self::Insert(at, byte) => input.insert(at.index(input.len()), *byte),
            Self::Remove(at) => drop(input.remove(at.index(input.len()))),
            Self::Double(at, length) => {
                let at = at.index(input.len());
                let stretch = input[at..input.len().min(at + length)].to_vec();
                input.splice(at..at, stretch);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn changes_of_the_corpus_hold(seed: prop::sample::Index, changes in prop::collection::vec(Change::any(), 1..6)) {
        let (invariant, _, input) = seed.get(&CORPUS);
        let mut input = input.clone();
        for change in &changes {
            change.make(&mut input);
        }
        invariant(&input);
    }

    #[test]
    fn noise_holds(which in 0..ALL.len(), noise: Vec<u8>) {
        let (_, invariant) = ALL[which];
        invariant(&noise);
    }
}
