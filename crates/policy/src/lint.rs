//! The mistakes that people make with Clerk and row-level security, found in SQL files and in live catalogues.
//!
//! Both are read the same way: a catalogue is written down as SQL first, so that every rule exists once and every finding can show
//! its source. Files are one history, read in the order given: a policy that a later file drops is not there any more.
//!
//! A rule says why it matters, shows the smallest bad example and how it should read, and has its place in `docs/lint.md`; a test
//! holds each example against its rule, and all rules against what the generator writes.
//!
//! Not handled: SQL that is put together at run time (what cannot be read is not judged), and everything that only trying can show;
//! that is the [matrix](crate::matrix).

mod block;
mod callees;
mod catalogue_text;
mod certain;
mod claim_path;
mod collect;
mod copies;
mod expression;
mod fix;
mod loose;
mod names;
mod openings;
mod parsed;
mod platform;
mod render;
mod rules;
mod sarif;
mod schema;
mod source;
mod structure;
mod syntax;
pub(crate) mod tree {
    //! What other tools of this crate walk squawk's tree with.
    pub(crate) use super::syntax::{
        bare, called, child, descendants, names, operands, operator, reads_columns, table_name,
    };
}
mod truth;
mod unrelated;

use std::ops::Range;

pub use catalogue_text::sources_of;
pub use fix::{Fixed, fix};
pub use render::{render, to_json};
pub use rules::{RULES, Rule};
pub use sarif::to_sarif;
pub use source::Source;
pub(crate) use structure::PLATFORM_SCHEMAS;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody gets at what is not theirs, or nobody gets at anything.
    Error,
    /// It will hurt: by time, by surprise, or with the next change.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// In messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Something that was found.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// By which rule; none for SQL that cannot be read.
    pub rule: Option<&'static Rule>,
    /// Which source, by its position.
    pub source: usize,
    /// Where in it.
    pub range: Range<usize>,
    /// What was found, for this place.
    pub label: String,
    /// The table, view or function concerned, where there is one.
    pub subject: Option<String>,
    /// A statement that ends it, where one more statement does.
    pub append: Option<String>,
}

impl Diagnostic {
    /// The rule's id, or `syntax`.
    pub fn id(&self) -> &'static str {
        self.rule.map_or("syntax", |rule| rule.id)
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.rule.map_or(Severity::Error, |rule| rule.severity)
    }
}

/// Reads all sources and says what is wrong, in the order of the sources.
///
/// In a file, a comment `-- rowlock: allow <rule>` on the line itself or the one before silences a rule there.
pub fn lint(sources: &[Source]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let schema = collect::collect(sources, &mut found);
    expression::check(&schema, &mut found);
    structure::check(&schema, sources, &mut found);
    openings::check(&schema, &mut found);
    certain::check(&schema, &mut found);
    copies::check(&schema, &mut found);
    platform::check(&schema, sources, &mut found);
    found.retain(|diagnostic| !is_allowed(&sources[diagnostic.source], diagnostic));
    found.sort_by_key(|diagnostic| (diagnostic.source, diagnostic.range.start, diagnostic.id()));
    found.dedup_by(|a, b| (a.id(), a.source, &a.range) == (b.id(), b.source, &b.range));
    found
}

fn is_allowed(source: &Source, diagnostic: &Diagnostic) -> bool {
    let allows = |line: &str| {
        line.split_once("-- rowlock: allow ")
            .is_some_and(|(_, rules)| rules.split([',', ' ']).any(|rule| rule.trim() == diagnostic.id()))
    };
    source.line_and_previous(diagnostic.range.start).any(allows)
}

#[cfg(test)]
mod tests;
