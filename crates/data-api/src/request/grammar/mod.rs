//! The grammar of query strings, over the [`Parser`] machine.
//!
//! Every function reads one part and is named after it. Names are liberal, as PostgREST's are: letters of any script, digits,
//! `_`, `$`, inner spaces and dashes; anything at all between double quotes.

pub(crate) mod field;
pub(crate) mod filter;
pub(crate) mod logic;
pub(crate) mod order;
pub(crate) mod select;

use super::parser::{Parsed, Parser};

/// Reads all of `text`? No: as PostgREST, what follows a complete part is left unread where the part does not mind.
///
/// `what` is what a refusal says was being read.
pub(crate) fn read<T>(
    what: impl FnOnce() -> String,
    text: &str,
    part: impl Fn(&mut Parser<'_>) -> Parsed<T>,
) -> Result<T, super::Malformed> {
    if let Ok(found) = part(&mut Parser::quiet(text)) {
        return Ok(found);
    }
    part(&mut Parser::telling(text))
        .map_err(|failure| super::Malformed { message: failure.place(&what(), text), details: failure.reason() })
}

fn blanks(parser: &mut Parser<'_>) -> Parsed<()> {
    parser.run(|character| matches!(character, ' ' | '\t')).map(drop)
}

/// `part` with blanks around it.
fn lexeme<T>(parser: &mut Parser<'_>, part: impl FnOnce(&mut Parser<'_>) -> Parsed<T>) -> Parsed<T> {
    blanks(parser)?;
    let value = part(parser)?;
    blanks(parser)?;
    Ok(value)
}

fn delimiter(parser: &mut Parser<'_>) -> Parsed<()> {
    parser.labelled("delimiter (.)", |parser| parser.character('.').map(drop))
}

fn parenthesized<T>(parser: &mut Parser<'_>, part: impl FnOnce(&mut Parser<'_>) -> Parsed<T>) -> Parsed<T> {
    parser.character('(')?;
    let value = part(parser)?;
    parser.character(')')?;
    Ok(value)
}

/// `"…"` with backslashes before quotes and backslashes.
fn quoted_value(parser: &mut Parser<'_>) -> Parsed<String> {
    parser.character('"')?;
    let characters = parser.many(|parser| {
        parser.either(
            |parser| parser.one(|character| !matches!(character, '\\' | '"')),
            |parser| {
                parser.character('\\')?;
                parser.one(|_| true)
            },
        )
    })?;
    parser.character('"')?;
    Ok(characters.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What can be read, and what it is, does not depend on whether reasons are remembered.
    fn agree<T: PartialEq + std::fmt::Debug>(text: &str, part: impl Fn(&mut Parser<'_>) -> Parsed<T>) {
        let (quiet, told) = (part(&mut Parser::quiet(text)).ok(), part(&mut Parser::telling(text)).ok());
        assert_eq!(quiet, told, "{text}");
    }

    proptest! {
        #[test]
        fn reading_quietly_reads_the_same(text in r#"([a-z]{1,3}|eq|not|in|is|and|or|[.,:;()*"{}\\ -]|->>?|::|\.\.\.|!inner|count\(\)|[0-9]|é){0,12}"#) {
            agree(&text, select::items);
            agree(&text, field::tree_path);
            agree(&text, field::names);
            agree(&text, filter::condition);
            agree(&text, order::terms);
            agree(&text, logic::tree);
            agree(&text, logic::path);
        }
    }
}
