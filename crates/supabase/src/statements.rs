//! SQL text as a list of statements, cut at the semicolons that end one.
//!
//! A semicolon ends a statement unless it stands in a string, a quoted name, a dollar-quoted body, a comment, parentheses (a rule with
//! several actions) or a body that is written as `begin atomic … end`. Nothing else of the language is understood, so nothing that
//! Postgres takes is refused here.

/// A statement and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Without the semicolon, and without white space around it; comments before it belong to it.
    pub text: &'a str,
    /// The line of its first character, from 1.
    pub line: usize,
}

/// The statements of `sql`. What is only comments is none.
pub fn split(sql: &str) -> Vec<Statement<'_>> {
    let mut scanner = Scanner { sql, position: 0, depth: 0, atomic: 0, previous: "", has_code: false };
    let (mut found, mut start) = (Vec::new(), 0);
    while let Some(step) = scanner.step() {
        if step == Step::End {
            push(&mut found, sql, start, scanner.position - 1, scanner.has_code);
            start = scanner.position;
            scanner.has_code = false;
        }
    }
    push(&mut found, sql, start, sql.len(), scanner.has_code);
    found
}

fn push<'a>(found: &mut Vec<Statement<'a>>, sql: &'a str, start: usize, end: usize, has_code: bool) {
    let text = sql[start..end].trim();
    if has_code {
        let begins = start + (sql[start..end].len() - sql[start..end].trim_start().len());
        found.push(Statement { text, line: sql[..begins].matches('\n').count() + 1 });
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Inside,
    /// Just behind a semicolon that ends a statement.
    End,
}

struct Scanner<'a> {
    sql: &'a str,
    position: usize,
    /// Open parentheses.
    depth: usize,
    /// Open `begin atomic` and `case`, once there is a `begin atomic`.
    atomic: usize,
    /// The word before, for `begin atomic`.
    previous: &'a str,
    has_code: bool,
}

impl<'a> Scanner<'a> {
    /// Goes over one token; none at the end.
    fn step(&mut self) -> Option<Step> {
        let rest = &self.sql[self.position..];
        let first = rest.chars().next()?;
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            _ if first.is_whitespace() => first.len_utf8(),
            _ => {
                let is_end = first == ';' && self.depth == 0 && self.atomic == 0;
                self.has_code |= !is_end;
                if is_end {
                    self.position += 1;
                    self.previous = "";
                    return Some(Step::End);
                }
                self.code(rest, first)
            }
        };
        self.position += length;
        Some(Step::Inside)
    }

    /// The length of a token that is neither white space nor comment.
    fn code(&mut self, rest: &'a str, first: char) -> usize {
        let previous = std::mem::take(&mut self.previous);
        match first {
            '\'' => quoted(rest, '\'', previous.eq_ignore_ascii_case("e")),
            '"' => quoted(rest, '"', false),
            '$' => dollar_quoted(rest),
            '(' => {
                self.depth += 1;
                1
            }
            ')' => {
                self.depth = self.depth.saturating_sub(1);
                1
            }
            _ if is_of_word(first) => {
                let length = rest.find(|character| !is_of_word(character)).unwrap_or(rest.len());
                let word = &rest[..length];
                self.word(word, previous);
                // Only a word that touches a quote is a prefix of it.
                let is_prefix = rest[length..].starts_with('\'');
                self.previous = if is_prefix || !word.eq_ignore_ascii_case("e") { word } else { "" };
                length
            }
            _ => first.len_utf8(),
        }
    }

    fn word(&mut self, word: &str, previous: &str) {
        if self.atomic == 0 {
            if word.eq_ignore_ascii_case("atomic") && previous.eq_ignore_ascii_case("begin") {
                self.atomic = 1;
            }
        } else if word.eq_ignore_ascii_case("case") {
            self.atomic += 1;
        } else if word.eq_ignore_ascii_case("end") {
            self.atomic -= 1;
        }
    }
}

/// What a name or keyword is made of. A dollar sign may stand in one, and then begins no quote.
fn is_of_word(character: char) -> bool {
    character == '_' || character == '$' || character.is_alphanumeric()
}

/// The length of a comment that may hold others; to the end when it is not closed.
fn comment(rest: &str) -> usize {
    let (mut depth, mut position) = (0, 0);
    while position < rest.len() {
        let here = &rest[position..];
        if here.starts_with("/*") {
            depth += 1;
            position += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            position += 2;
            if depth == 0 {
                return position;
            }
        } else {
            position += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a quoted string or name; a quote is doubled, and where `escapes` hold a backslash protects what follows.
fn quoted(rest: &str, quote: char, escapes: bool) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((position, character)) = characters.next() {
        if escapes && character == '\\' {
            characters.next();
        } else if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return position + 1;
        }
    }
    rest.len()
}

/// The length of `$tag$ … $tag$`, or of the dollar sign alone (`$1`).
fn dollar_quoted(rest: &str) -> usize {
    let Some(tag) = rest[1..].find('$').map(|end| &rest[..end + 2]) else { return 1 };
    let name = &tag[1..tag.len() - 1];
    let is_tag = name.chars().all(|character| character == '_' || character.is_alphanumeric())
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if !is_tag {
        return 1;
    }
    rest[tag.len()..].find(tag).map_or(rest.len(), |end| tag.len() + end + tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        split(sql).into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn semicolons_end_statements_and_lines_are_counted() {
        let found = split("select 1;\n\n-- two\nselect 2 ;;\n  \nselect 3");
        let found: Vec<(&str, usize)> = found.into_iter().map(|statement| (statement.text, statement.line)).collect();
        assert_eq!(found, [("select 1", 1), ("-- two\nselect 2", 3), ("select 3", 6)]);
    }

    #[test]
    fn semicolons_in_quotes_and_comments_end_nothing() {
        for one in [
            "select 'a;b'",
            "select 'it''s; fine'",
            r"select E'a\';b'",
            r"select e'\\'",
            r#"select ";" from "a"";b""#,
            "select $$a;b$$",
            "select $tag$ a; $$ b; $tag$",
            "select 1 /* a; /* b; */ c; */ + 1",
            "select 1 -- a; b",
            "create rule r as on insert to t do (select 1; select 2)",
            "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
            "prepare p as select $1",
            "select a$b$c from t",
            "select 'ende' as \"höhe;\"",
        ] {
            assert_eq!(texts(&format!("{one}\n;select 2")), [one, "select 2"], "{one}");
        }
        // A backslash is only a character in an ordinary string.
        assert_eq!(texts(r"select 'a\';select 2"), [r"select 'a\'", "select 2"]);
    }

    #[test]
    fn comments_alone_are_no_statement_and_what_is_not_closed_goes_to_the_end() {
        assert_eq!(texts("-- nothing\n;/* here */;"), [] as [&str; 0]);
        for open in ["select 'a; b", "select $$ a; b", "select 1 /* a; b", "select \"a; b"] {
            assert_eq!(texts(open), [open]);
        }
    }
}
