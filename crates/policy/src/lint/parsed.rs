//! Sources as trees, parsed on every core.
//!
//! A tree is shared between threads as what it says (its green nodes) and walked on one thread alone: nodes with a parent are not made
//! to be sent. So threads parse, each a share of the sources, and whoever asked for them walks all, in the order in which they were given.

use std::num::NonZero;
use std::ops::Range;
use std::thread;

use squawk_syntax::{Parse, SourceFile};

use super::Source;

/// Below so many bytes, threads take longer to begin than to parse.
const WORTH_A_THREAD: usize = 32 * 1024;

/// One source, read.
pub(super) struct Parsed {
    pub(super) tree: Parse<SourceFile>,
    /// What cannot be read in it, and why not. What was written down from a catalogue has forms that only Postgres reads; a file has to be right.
    pub(super) errors: Vec<(Range<usize>, String)>,
}

/// Every source, in the order given.
pub(super) fn parse(sources: &[Source]) -> Vec<Parsed> {
    let bytes: usize = sources.iter().map(|source| source.text().len()).sum();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(bytes / WORTH_A_THREAD).max(1);
    if threads == 1 {
        return sources.iter().map(parse_one).collect();
    }
    thread::scope(|scope| {
        let begun: Vec<_> = shares(sources, bytes.div_ceil(threads))
            .into_iter()
            .map(|share| scope.spawn(move || share.iter().map(parse_one).collect::<Vec<_>>()))
            .collect();
        begun
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn parse_one(source: &Source) -> Parsed {
    let tree = SourceFile::parse(source.text());
    let errors = if source.is_catalogue() { Vec::new() } else { tree.errors() };
    let placed = errors.iter().map(|error| {
        let range = error.range();
        (range.start().into()..range.end().into(), error.message().to_owned())
    });
    Parsed { errors: placed.collect(), tree }
}

/// Neighbours together, so many bytes each.
fn shares(sources: &[Source], bytes: usize) -> Vec<&[Source]> {
    let mut shares = Vec::new();
    let (mut start, mut held) = (0, 0);
    for (place, source) in sources.iter().enumerate() {
        held += source.text().len();
        if held >= bytes {
            shares.push(&sources[start..=place]);
            (start, held) = (place + 1, 0);
        }
    }
    if start < sources.len() {
        shares.push(&sources[start..]);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::{Source, parse, shares};

    /// As many as it takes for several threads.
    fn many() -> Vec<Source> {
        let text = |number: usize| format!("{}select {number};", "-- a comment\n".repeat(number % 97));
        (0..500).map(|number| Source::file(format!("{number}.sql"), text(number))).collect()
    }

    #[test]
    fn every_source_is_in_one_share_and_none_is_out_of_order() {
        let sources = many();
        for bytes in [1, 100, 10_000, 1_000_000, usize::MAX] {
            let names: Vec<&str> = shares(&sources, bytes).into_iter().flatten().map(Source::name).collect();
            assert_eq!(names, sources.iter().map(Source::name).collect::<Vec<_>>());
        }
        assert!(shares(&[], 10).is_empty());
    }

    #[test]
    fn trees_come_in_the_order_of_their_sources() {
        let sources = many();
        for (source, parsed) in sources.iter().zip(parse(&sources)) {
            assert!(parsed.tree.syntax_node().text() == source.text());
        }
        assert_eq!(parse(&sources).len(), sources.len());
    }
}
