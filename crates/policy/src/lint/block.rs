//! Statements inside `do $$ … $$`: what a migration does under a condition, it does.
//!
//! The block's text is cut at its semicolons, and of each piece the SQL statement at its end is read: behind `begin`, `then`, `else` and
//! `loop`, and inside `execute '…'` where the text is a constant. Conditions are taken for true (`if not exists (…) then create policy …`
//! is how people make a migration repeatable). What is put together at run time stays unread.

use std::ops::Range;

use squawk_syntax::{SourceFile, SyntaxNode};

/// Words that stand in front of a statement.
const OPENERS: [&str; 5] = ["begin", "then", "else", "loop", "do"];
/// What a statement that matters begins with.
const STATEMENTS: [&str; 7] = ["create", "alter", "drop", "grant", "revoke", "insert", "delete"];

/// The statements in the body of a block, each a tree of its own, with where in the source it begins.
pub(super) fn statements(source: &str, block: Range<usize>) -> Vec<(usize, SyntaxNode)> {
    let Some(body) = body(source, block) else { return Vec::new() };
    let mut found = Vec::new();
    for piece in pieces(source, body) {
        if let Some(range) = statement(source, piece.clone()) {
            found.extend(parsed(source, range));
        } else if let Some(range) = executed(source, piece) {
            found.extend(parsed(source, range));
        }
    }
    found
}

fn parsed(source: &str, range: Range<usize>) -> Option<(usize, SyntaxNode)> {
    let start = range.start;
    let parse = SourceFile::parse(&format!("{};", &source[range]));
    // Half a statement is none: plpgsql has forms that SQL has not.
    if !parse.errors().is_empty() {
        return None;
    }
    Some((start, parse.syntax_node().children().next()?))
}

/// What stands between the dollar quotes.
fn body(source: &str, block: Range<usize>) -> Option<Range<usize>> {
    let text = &source[block.clone()];
    let open = text.find('$')?;
    let tag = dollar_tag(&text[open..])?;
    let start = block.start + open + tag.len();
    let end = start + source[start..block.end].find(tag)?;
    Some(start..end)
}

fn dollar_tag(text: &str) -> Option<&str> {
    let end = text[1..].find('$')? + 2;
    text[1..end - 1].chars().all(|character| character.is_alphanumeric() || character == '_').then(|| &text[..end])
}

/// The parts between semicolons that are not inside of something quoted.
fn pieces(source: &str, body: Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut position) = (body.start, body.start);
    while position < body.end {
        let rest = &source[position..body.end];
        if rest.starts_with(';') {
            pieces.push(start..position);
            start = position + 1;
        }
        position += skipped(rest);
    }
    pieces.push(start..body.end);
    pieces
}

/// How many bytes belong together here: a quoted text, a comment, or one character.
fn skipped(rest: &str) -> usize {
    let closed_by = |opened: usize, close: &str| {
        rest[opened..].find(close).map_or(rest.len(), |length| opened + length + close.len())
    };
    match rest.as_bytes()[0] {
        b'\'' => closed_by(1, "'"),
        b'"' => closed_by(1, "\""),
        b'-' if rest.starts_with("--") => closed_by(2, "\n"),
        b'/' if rest.starts_with("/*") => closed_by(2, "*/"),
        b'$' => dollar_tag(rest).map_or(1, |tag| closed_by(tag.len(), tag)),
        _ => rest.chars().next().map_or(1, char::len_utf8),
    }
}

/// The words of a piece outside of quotes: position and text.
fn words(source: &str, piece: Range<usize>) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut position = piece.start;
    while position < piece.end {
        let rest = &source[position..piece.end];
        let length =
            rest.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(rest.len());
        if length > 0 {
            words.push(position..position + length);
            position += length;
        } else {
            position += skipped(rest);
        }
    }
    words
}

fn statement(source: &str, piece: Range<usize>) -> Option<Range<usize>> {
    let words = words(source, piece.clone());
    let is =
        |range: &Range<usize>, list: &[&str]| list.iter().any(|word| source[range.clone()].eq_ignore_ascii_case(word));
    let behind = words.iter().rposition(|word| is(word, &OPENERS)).map_or(0, |place| place + 1);
    let first = words.get(behind).filter(|word| is(word, &STATEMENTS))?;
    Some(first.start..piece.end)
}

/// The text of `execute '…'`, where it is a constant without quotes inside.
fn executed(source: &str, piece: Range<usize>) -> Option<Range<usize>> {
    let words = words(source, piece.clone());
    let execute = words.iter().rfind(|word| source[(*word).clone()].eq_ignore_ascii_case("execute"))?;
    let rest = &source[execute.end..piece.end];
    let text = rest.trim();
    let start = execute.end + (rest.len() - rest.trim_start().len());
    let inside = if let Some(tag) = text.starts_with('$').then(|| dollar_tag(text)).flatten() {
        text.len().checked_sub(2 * tag.len()).filter(|_| text.ends_with(tag)).map(|length| (tag.len(), length))
    } else {
        let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        quoted.filter(|inside| !inside.contains('\'')).map(|inside| (1, inside.len()))
    };
    let (skip, length) = inside?;
    Some(start + skip..start + skip + length)
}
