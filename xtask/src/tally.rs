//! What the test runners counted.
//!
//! Each runner prints its own totals; they are read from its output as it passes by and summed, so that the closing line
//! of `cargo x test` can be checked against the lines above it. Nothing is counted twice: libtest totals come once for
//! each test binary, Node's once for each run.

use std::fmt;
use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Tests that really ran: a skipped test proves nothing.
    pub(crate) const fn executed(self) -> u64 {
        self.passed + self.failed
    }

    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
    pub(crate) fn read_libtest(&mut self, line: &str) {
        let line = without_escapes(line);
        let Some(totals) = line.trim().strip_prefix("test result: ") else { return };
        let (_verdict, totals) = totals.split_once(". ").unwrap_or(("", totals));
        for total in totals.split("; ") {
            match total.split_once(' ') {
                Some((count, "passed")) => self.passed += number(count),
                Some((count, "failed")) => self.failed += number(count),
                Some((count, "ignored")) => self.skipped += number(count),
                _ => {}
            }
        }
    }

    /// `ℹ pass 3` of Node's spec reporter, `# pass 3` of its TAP reporter. A cancelled test is one that failed.
    pub(crate) fn read_node(&mut self, line: &str) {
        let line = without_escapes(line);
        let Some(total) = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# ")) else { return };
        match total.trim().split_once(' ') {
            Some(("pass", count)) => self.passed += number(count),
            Some(("fail" | "cancelled", count)) => self.failed += number(count),
            Some(("skipped" | "todo", count)) => self.skipped += number(count),
            _ => {}
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(formatter, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// A line of text that happens to begin like a total but holds no number counts nothing.
fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// The line without terminal colours, which Node writes when standard error is a terminal.
fn without_escapes(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or(piece, |(_colour, text)| text));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn libtest(output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read_libtest(line));
        tally
    }

    fn node(output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read_node(line));
        tally
    }

    #[test]
    fn libtest_totals_of_all_binaries_are_summed() {
        let tally = libtest(
            "running 3 tests\n\
             test a_test ... ok\n\
             test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s\n\
             test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s\n",
        );
        assert_eq!(tally, Tally { passed: 4, failed: 2, skipped: 1 });
    }

    #[test]
    fn node_totals_are_read_from_either_reporter() {
        let expected = Tally { passed: 3, failed: 3, skipped: 5 };
        let spec = "✔ a test (1ms)\nℹ tests 8\nℹ suites 1\nℹ pass 3\nℹ fail 1\nℹ cancelled 2\nℹ skipped 4\nℹ todo 1\n";
        assert_eq!(node(spec), expected);
        assert_eq!(node(&spec.replace('ℹ', "#")), expected);
    }

    #[test]
    fn colours_do_not_hide_a_total() {
        assert_eq!(node("\u{1b}[34mℹ pass 7\u{1b}[39m\n").passed, 7);
        assert_eq!(libtest("test result: \u{1b}[32mok\u{1b}[m. 5 passed; 0 failed; 0 ignored\n").passed, 5);
    }

    #[test]
    fn other_lines_count_nothing() {
        let lines = "# pass the salt\ntest result: none\nℹ pass\n  # pass 3 in a nested report\n1 passed\n";
        assert_eq!(libtest(lines), Tally::default());
        assert_eq!(node(lines).executed(), 0);
    }

    #[test]
    fn the_closing_line_mentions_skipped_tests_only_when_there_are_some() {
        assert_eq!(Tally { passed: 4, failed: 0, skipped: 0 }.to_string(), "4 passed, 0 failed");
        assert_eq!(Tally { passed: 4, failed: 1, skipped: 2 }.to_string(), "4 passed, 1 failed, 2 skipped");
    }
}
