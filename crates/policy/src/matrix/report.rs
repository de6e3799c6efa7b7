//! The table that people review, and what was found.

use std::fmt;

use super::attempt::{Action, Outcome};
use crate::TableName;

/// Everything that was tried and found.
#[derive(Debug, Default)]
pub struct Matrix {
    pub(super) tables: Vec<TableReport>,
    /// How many attempts were made.
    pub attempts: usize,
    /// What is wrong, whatever anybody reviewed.
    pub findings: Vec<Finding>,
}

impl Matrix {
    /// How many callers tried.
    pub fn personas(&self) -> usize {
        self.tables.first().map_or(0, |table| table.lines.len())
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A row of another tenant was reached.
    Leak {
        /// Who did what to which row.
        what: String,
    },
    /// More was possible than the declaration says.
    TooMuch {
        /// Who did what to which row.
        what: String,
    },
    /// Less was possible than the declaration says.
    TooLittle {
        /// Who could not do what to which row.
        what: String,
    },
    /// A policy that no token satisfies.
    Dead {
        /// Which.
        what: String,
        /// Its condition, as Postgres has it.
        condition: String,
    },
    /// A table that clients reach and that nobody declared.
    Untried {
        /// Which, and what they may do.
        what: String,
    },
    /// Something else than the policies stood in the way.
    CannotTell {
        /// What was tried, and what Postgres said.
        what: String,
    },
}

impl Finding {
    /// One word for machines.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Leak { .. } => "leak",
            Self::TooMuch { .. } => "too-much",
            Self::TooLittle { .. } => "too-little",
            Self::Dead { .. } => "dead-policy",
            Self::Untried { .. } => "untried",
            Self::CannotTell { .. } => "cannot-tell",
        }
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Leak { .. } => {
                "another tenant's row was reached: look for a policy that asks too little, or row-level security that is off"
            }
            Self::TooMuch { .. } | Self::TooLittle { .. } => {
                "the database is not what rowlock.toml says: see `rowlock policy diff`"
            }
            Self::Dead { .. } => {
                "no Clerk token satisfies it (`rowlock policy lint` knows the usual reasons), or no row that was tried does: see `sample`"
            }
            Self::Untried { .. } => {
                "nobody tried it: declare it (`rowlock policy add`), revoke the grants, or say with `allow = [\"untried <table>\"]` in [policies] that it is meant"
            }
            Self::CannotTell { .. } => {
                "a trigger or a function failed: it cannot be told whether the policies would have let it pass"
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leak { what } => write!(out, "{what}, across tenants"),
            Self::TooMuch { what } => write!(out, "{what}, and should not"),
            Self::TooLittle { what } => write!(out, "{what}, and should"),
            Self::Dead { what, condition } => {
                write!(out, "{what}: {}", condition.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Self::Untried { what } => write!(out, "{what}, and rowlock.toml does not declare it"),
            Self::CannotTell { what } => out.write_str(what),
        }
    }
}

/// One table.
#[derive(Debug)]
pub(super) struct TableReport {
    pub(super) table: TableName,
    pub(super) kind: &'static str,
    pub(super) rows: Vec<&'static str>,
    pub(super) lines: Vec<Line>,
}

/// One persona: six cells for each row.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) persona: String,
    pub(super) cells: Vec<Cell>,
}

/// In the order in which one outweighs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Yes,
    Unknown,
    No,
    Nothing,
}

impl Cell {
    /// What several attempts of one kind come to: one that succeeds is enough.
    pub(super) fn of<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Self {
        let cells = outcomes.map(|outcome| match outcome {
            Outcome::Done => Self::Yes,
            Outcome::Failed(_) => Self::Unknown,
            Outcome::Refused | Outcome::RefusedByCheck => Self::No,
            Outcome::NotApplicable => Self::Nothing,
        });
        cells.min().unwrap_or(Self::Nothing)
    }
}

impl Cell {
    const fn mark(self) -> char {
        match self {
            Self::Yes => '✔',
            Self::No => '✘',
            Self::Nothing => '·',
            Self::Unknown => '?',
        }
    }
}

impl TableReport {
    pub(super) fn anybody_did(&self, actions: &[Action]) -> bool {
        self.lines.iter().any(|line| {
            line.cells.chunks(Action::ALL.len()).any(|cells| {
                Action::ALL.iter().zip(cells).any(|(action, cell)| actions.contains(action) && *cell == Cell::Yes)
            })
        })
    }
}

const HEAD: &str = "\
# What every persona may do, as Postgres answered. Written by `rowlock policy test --update`; review every change.
# S select, I insert one like it, U update, G give it away, T take it for oneself, D delete
# ✔ done   ✘ refused, or not reached   · nothing to try
";

/// Width of a row's six letters with the blanks between, and the gap behind.
const BLOCK: usize = 11;

impl fmt::Display for Matrix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(HEAD)?;
        for report in &self.tables {
            let width = report.lines.iter().map(|line| line.persona.chars().count()).max().unwrap_or(0) + 2;
            let title = format!("{}: {}", report.table, report.kind);
            let width = width.max(title.chars().count());
            let blocks = |texts: Vec<String>| {
                texts.iter().map(|text| format!("   {text:<12}")).collect::<String>().trim_end().to_owned()
            };
            let letters: String = Action::ALL.map(|action| action.letter().to_string()).join(" ");
            debug_assert_eq!(letters.len(), BLOCK);
            writeln!(out, "\n{title:<width$}{}", blocks(report.rows.iter().map(|row| (*row).to_owned()).collect()))?;
            writeln!(out, "{:width$}{}", "", blocks(report.rows.iter().map(|_| letters.clone()).collect()))?;
            for line in &report.lines {
                let marks =
                    |cells: &[Cell]| cells.iter().map(|cell| cell.mark().to_string()).collect::<Vec<_>>().join(" ");
                let cells = blocks(line.cells.chunks(Action::ALL.len()).map(marks).collect());
                writeln!(out, "{:<width$}{cells}", format!("  {}", line.persona))?;
            }
        }
        Ok(())
    }
}

/// What a reviewed text and a new one disagree about, readable; nothing when they are equal.
pub fn drift(reviewed: &str, now: &str) -> Option<String> {
    if reviewed.trim_end() == now.trim_end() {
        return None;
    }
    let lines = |text: &str| -> Vec<(String, String)> {
        let mut title = String::new();
        let mut lines = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            if !line.starts_with(' ') {
                line.clone_into(&mut title);
            }
            lines.push((title.clone(), line.to_owned()));
        }
        lines
    };
    let (old, new) = (lines(reviewed), lines(now));
    let mut told = String::new();
    let mut title = String::new();
    let changes = old
        .iter()
        .filter(|line| !new.contains(line))
        .map(|line| ('-', line))
        .chain(new.iter().filter(|line| !old.contains(line)).map(|line| ('+', line)));
    let mut changes: Vec<_> = changes.collect();
    // A persona's old and new line stand together, in the order of the new text.
    let place = |(_, (table, line)): &(char, &(String, String))| {
        let persona = line.split("   ").next().unwrap_or_default().to_owned();
        let name = table.split(':').next().unwrap_or_default().to_owned();
        let of = |lines: &[(String, String)]| {
            lines.iter().position(|(other, text)| {
                other.starts_with(&format!("{name}:")) && text.split("   ").next() == Some(&persona)
            })
        };
        of(&new).or_else(|| of(&old)).unwrap_or(usize::MAX)
    };
    changes.sort_by_key(|change| (place(change), change.0 == '+'));
    for (sign, (table, line)) in changes {
        if *table != title {
            table.clone_into(&mut title);
            told.push_str(&format!("  {title}\n"));
        }
        if line != table {
            told.push_str(&format!("{sign} {line}\n"));
        }
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::drift;

    #[test]
    fn drift_names_the_table_and_shows_both_lines() {
        let reviewed = "# head\n\npublic.notes: user   ada\n                     S I\n  nobody             ✘ ✘\n  ada                ✔ ✔\n";
        assert_eq!(drift(reviewed, reviewed), None);
        let now = reviewed.replace("nobody             ✘ ✘", "nobody             ✔ ✘");
        insta::assert_snapshot!(drift(reviewed, &now).unwrap(), @"
          public.notes: user   ada
        -   nobody             ✘ ✘
        +   nobody             ✔ ✘
        ");
    }
}
